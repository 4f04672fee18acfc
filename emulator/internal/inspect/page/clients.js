import { failed, withIcon } from "./dialog.js";
import { $, el } from "./element.js";
import { quoted } from "./query.js";
import { closeClient, knowHubs, sendTo } from "./send.js";
import { openSession } from "./session.js";
import { state } from "./server.js";

const refreshed = 700; // milliseconds between two readings of a table

// Clients is the view of what is open: connections, users and groups.
export class Clients {
  #root = $("clients");
  #body = el("div");
  #search = el("input", { type: "search", placeholder: "Name or id", "aria-label": "Search the table", oninput: () => this.#soon() });
  #table = "connections";
  #next = "";
  #shown; // text of the table that is shown
  #tabs;
  #timer;
  #lanes;
  #onsearch;

  constructor(lanes, onsearch) {
    this.#lanes = lanes;
    this.#onsearch = onsearch;
    this.#tabs = ["connections", "users", "groups"].map(name =>
      el("button", { type: "button", "aria-pressed": name === this.#table, onclick: () => this.#choose(name), "data-table": name }, name[0].toUpperCase() + name.slice(1)));
    this.#root.append(el("div", { class: "toolbar" }, el("div", { class: "segments", role: "group", "aria-label": "Table" }, this.#tabs), el("div", { class: "find" }, this.#search)), this.#body);
  }

  // changed reads the table again, soon.
  changed() {
    this.#soon();
  }

  // show reads the table at once.
  show() {
    return this.#read();
  }

  #choose(table) {
    this.#table = table;
    for (const tab of this.#tabs) tab.setAttribute("aria-pressed", tab.dataset.table === table);
    this.#read();
  }

  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#read();
    }, refreshed);
  }

  async #read(after) {
    try {
      const got = await state({ table: this.#table, q: this.#search.value, ...(this.#root.hidden && { limit: 1 }), ...(after && { after }) });
      knowHubs(got.hubs);
      $("count-clients").textContent = (got.hubs ?? []).reduce((n, h) => n + h.connections, 0) || "";
      if (got.table !== this.#table || this.#root.hidden) return;
      this.#next = got.next;
      this.#render(got, after !== undefined);
    } catch (problem) {
      if (!this.#root.hidden) failed(problem);
    }
  }

  // #render shows a table. One that has not changed stays, and so does the focus.
  #render(got, more) {
    const text = JSON.stringify(got);
    if (!more && text === this.#shown) return;
    this.#shown = more ? undefined : text;
    const focused = document.activeElement, key = focused.closest("#clients tr")?.dataset.key;
    const at = key === undefined ? -1 : [...focused.closest("tr").querySelectorAll("button")].indexOf(focused);
    this.#fill(got, more);
    if (at >= 0) [...this.#body.querySelectorAll("tr")].find(r => r.dataset.key === key)?.querySelectorAll("button")[at].focus();
  }

  #fill(got, more) {
    const rows = (got.rows ?? []).map(row => this.#row(row));
    const button = this.#next && el("button", { class: "bordered", onclick: () => this.#read(this.#next) }, `More of ${got.total}`);
    if (more) {
      this.#body.querySelector("tbody").append(...rows);
      this.#body.querySelector(".more").replaceChildren(...(button ? [button] : []));
      return;
    }
    if (rows.length === 0) {
      this.#body.replaceChildren(this.#search.value
        ? el("div", { class: "blank" }, el("h2", { class: "serif" }, "No match"), el("p", {}, `No ${this.#table.slice(0, -1)} has “${this.#search.value}” in its name or id.`))
        : el("div", { class: "blank" }, el("h2", { class: "serif" }, "Nobody is here yet"), el("p", {}, "Open your application, or connect a client from this page."),
          withIcon("plus", "Test client", { class: "primary", onclick: () => openSession() })));
      return;
    }
    const titles = { connections: ["User", "Connection", "Hub", "Groups", "Permissions", ""], users: ["User", "Hub", "Connections", ""], groups: ["Group", "Hub", "Connections", "States", ""] }[this.#table];
    this.#body.replaceChildren(
      el("table", {}, el("thead", {}, el("tr", {}, titles.map(t => el("th", { scope: "col" }, t || el("span", { class: "unseen" }, "Actions"))))), el("tbody", {}, rows)),
      el("p", { class: "more" }, button));
  }

  #row(row) {
    const cell = (label, ...content) => el("td", { "data-label": label }, el("div", {}, content));
    const buttons = (...list) => el("td", {}, el("div", { class: "buttons" }, list));
    const find = query => el("button", { class: "bordered", onclick: () => this.#onsearch(query) }, "Timeline");
    const send = (target, name) => el("button", { class: "bordered", onclick: () => sendTo({ hub: row.hub, target, name }) }, "Send");
    if (this.#table === "users") return el("tr", { "data-key": row.user }, cell("User", el("b", {}, row.user)), cell("Hub", row.hub), cell("Connections", row.connections), buttons(find(quoted("user", row.user)), send("user", row.user)));
    if (this.#table === "groups") return el("tr", { "data-key": row.group }, cell("Group", el("b", {}, row.group)), cell("Hub", row.hub), cell("Connections", row.connections), cell("States", row.states ?? 0), buttons(find(quoted("group", row.group)), send("group", row.group)));
    const chips = (list, count) => el("div", { class: "chips" }, (list ?? []).map(x => el("span", { class: "chip" }, x)), count > (list?.length ?? 0) && el("span", { class: "hint" }, `and ${count - list.length} more`), !list?.length && el("span", { class: "hint" }, "none"));
    return el("tr", { "data-key": row.connection, class: `lane-${this.#lanes.of(row.connection)}` },
      cell("User", el("span", { class: "swatch" }), el("b", {}, row.user || "no user"), " ", row.away && el("span", { class: "pill", "data-tone": "warn" }, "away")),
      cell("Connection", el("code", {}, row.connection), el("div", { class: "hint" }, row.subprotocol || "no subprotocol")),
      cell("Hub", row.hub), cell("Groups", chips(row.groups, row.groupCount)), cell("Permissions", chips(row.permissions)),
      buttons(find(quoted("conn", row.connection)), send("connection", row.connection), el("button", { class: "bordered danger", onclick: () => closeClient(row.hub, row.connection, row.user) }, "Close")));
  }
}
