import { copyText, showGoTest } from "./copy.js";
import { diff } from "./diff.js";
import { el, icon } from "./element.js";
import { pairs, payload, tree } from "./payload.js";
import { quoted } from "./query.js";
import { editEvent, raise } from "./raise.js";
import { messageOf } from "./record.js";
import { closeClient, sendTo } from "./send.js";
import { bytes, clock, duration } from "./units.js";
import { steps, waterfall } from "./waterfall.js";

const neighbours = 4; // records of the same connection before and after

// detail fills the pane with a record.
export function detail(pane, r, { store, search, select, close }) {
  const { raw } = r;
  const message = raw.event ?? raw.rest;
  pane.replaceChildren(...[
    el("div", { class: "detail-head" },
      el("h2", { class: "serif" }, r.title, " ", r.status ? el("span", { class: "pill", "data-tone": r.tone }, r.status) : "", raw.imported ? el("span", { class: "pill" }, "imported") : ""),
      el("button", { class: "quiet square", "aria-label": "Close the record", title: "Close (Esc)", onclick: close }, icon("x"))),
    reason(r),
    actions(r),
    facts(r, search),
    raw.event && timing(raw.event),
    raw.event && states(raw.event),
    raw.frame && payload(r.kind === "frame.in" ? "From the client" : "To the client", raw.frame.data),
    message?.request && payload("Request", message.request.data, message.request.headers),
    message?.answer && payload("Answer", message.answer.data, message.answer.headers),
    raw.handshake && handshake(raw.handshake),
    raw.groupState?.entries && el("section", { class: "block" }, el("header", {}, el("h3", {}, "State in the group")), tree(raw.groupState.entries)),
    around(r, store, select),
  ].filter(Boolean));
  pane.scrollTop = 0;
}

// reason is why something failed: in the words of the emulator, or of the handler's answer.
function reason(r) {
  const { event, rest, client, validation, foreign, dropped, ack, lost } = r.raw;
  const answer = r.failed && !r.refusal && (event?.answer?.data ?? rest?.answer?.data)?.text;
  const why = (event ?? rest ?? client ?? validation ?? foreign ?? dropped)?.reason || (ack?.error && `${ack.error}: ${ack.message ?? ""}`) || lost?.text || (r.refusal && `${r.refusal.status}: ${r.refusal.message}`) || (answer && messageOf(answer));
  return why && el("p", { class: r.tone === "bad" ? "why" : "why soft" }, why);
}

function actions(r) {
  const { event, rest } = r.raw;
  const button = (text, name, onclick, style = "bordered") => el("button", { type: "button", class: style, onclick }, icon(name), text);
  const list = [];
  if (event && event.request) {
    list.push(
      button("Edit and send", "edit", () => editEvent(r), "primary"),
      button("Again", "again", () => raise({ record: r.n, sameId: false })),
      button("Again, same id", "again", () => raise({ record: r.n, sameId: true })),
      button("Go test", "copy", () => showGoTest(r)),
      !event.inMemory && button("trigger", "copy", () => copyText(`records/${r.n}/trigger`, "The webpubsub trigger command")));
  }
  if ((event?.request && !event.inMemory) || rest) list.push(button("curl", "copy", () => copyText(`records/${r.n}/curl`, "The curl command")));
  if (r.family === "group" && r.group) list.push(button(`Send to ${r.group}`, "send", () => sendTo({ hub: r.hub, target: "group", name: r.group })));
  if (r.conn && r.family === "client" && !r.is.has("closed")) {
    list.push(button("Send", "send", () => sendTo({ hub: r.hub, target: "connection", name: r.conn })),
      button("Close", "close", () => closeClient(r.hub, r.conn, r.user), "bordered danger"));
  }
  return list.some(Boolean) && el("div", { class: "actions" }, list);
}

const wide = new Set(["Connection", "Handler", "Path", "URL", "Subprotocol"]);

// facts are the properties of a record. Those that one can search for are links.
function facts(r, search) {
  const { event, rest, frame, client, validation, dropped } = r.raw;
  const link = (key, value) => value && el("button", { class: "link", title: `Search ${quoted(key, String(value))}`, onclick: () => search(quoted(key, String(value))) }, value);
  const list = [
    ["Kind", link("kind", r.kind)],
    ["Time", `${new Date(r.at).toLocaleDateString()} ${clock(r.at)}`],
    ["Hub", link("hub", r.hub)],
    ["User", link("user", r.user)],
    ["Connection", r.conn && el("span", { class: `lane-${r.lane}` }, el("span", { class: "swatch" }), link("conn", r.conn))],
    ["Group", link("group", r.group)],
    ["Event", event && link("event", r.event)],
    ["Event id", event && (event.id ?? "")],
    ["Repeats", event?.again && link("id", event.again)],
    ["Handler", event?.url || event?.handler],
    ["Path", rest && `${rest.path}${rest.query ? "?" + rest.query : ""}`],
    ["URL", validation?.url],
    ["Next validation", validation?.againMs && `in ${duration(validation.againMs)}`],
    ["Subprotocol", event?.subprotocol || frame?.subprotocol || client?.subprotocol],
    ["Recoverable", client?.recoverableMs && `for ${duration(client.recoverableMs)}`],
    ["Left out", client?.leftOut && `${client.leftOut} roles`],
    ["Skipped", r.raw.skipped && `${r.raw.skipped} refused requests before this one`],
    ["Sequence id", r.raw.sequenceId],
    ["Dropped", dropped?.count && `${dropped.count} notifications`],
    ["Took", r.took !== undefined && duration(r.took)],
    ["Size", r.size !== undefined && `${bytes(r.size)}${frame?.binary ? ", binary frame" : ""}`],
  ];
  return el("dl", { class: "facts" }, list.filter(([, value]) => value).flatMap(([name, value]) => {
    const style = { class: wide.has(name) ? "wide" : "" };
    return [el("dt", style, name), el("dd", style, value)];
  }));
}

function timing(event) {
  const list = steps(event);
  if (list.length === 0) return undefined;
  return el("section", { class: "block" }, el("header", {}, el("h3", {}, "Timing", el("span", { class: "hint" }, duration((event.queuedMs ?? 0) + (event.tookMs ?? 0))))), waterfall(list));
}

// states shows what the event changed in the connection's state.
function states(event) {
  const before = parsed(event.stateBefore), after = parsed(event.stateAfter);
  if (before === undefined && after === undefined) return undefined;
  const changes = after === undefined ? [] : diff(before, after);
  const lines = changes.flatMap(c => [
    el("div", { class: "at" }, c.path || "state"),
    c.before !== undefined && el("div", { class: "minus" }, `− ${show(c.before)}`),
    c.after !== undefined && el("div", { class: "plus" }, `+ ${show(c.after)}`),
  ]).filter(Boolean);
  return el("section", { class: "block" },
    el("header", {}, el("h3", {}, "Connection state", el("span", { class: "hint" }, changes.length === 0 ? "unchanged" : `${changes.length} ${changes.length === 1 ? "change" : "changes"}`))),
    lines.length > 0 && el("div", { class: "diff" }, lines),
    el("details", { class: "fold" }, el("summary", {}, "Whole state"), typeof (after ?? before) === "object" ? tree(after ?? before) : el("pre", { class: "body" }, after ?? before)));
}

const show = value => (typeof value === "string" ? value : JSON.stringify(value));

function parsed(state) {
  if (!state?.text) return undefined;
  if (!state.json) return state.text;
  try {
    return JSON.parse(state.text);
  } catch {
    return state.text;
  }
}

function handshake(h) {
  const table = (title, values) => Object.keys(values ?? {}).length > 0 && el("section", { class: "block" }, el("header", {}, el("h3", {}, title)), pairs(Object.entries(values).flatMap(([k, v]) => [].concat(v).map(one => [k, one]))));
  return el("div", {},
    h.subprotocols?.length > 0 && el("section", { class: "block" }, el("header", {}, el("h3", {}, "Offered subprotocols")), el("div", { class: "chips" }, h.subprotocols.map(s => el("span", { class: "chip mono" }, s)))),
    table("Query", h.query), table("Claims", h.claims), table("Headers", h.headers));
}

// around lists what happened on the same connection just before and after.
function around(r, store, select) {
  if (!r.conn) return undefined;
  const at = store.all.indexOf(r), before = [], after = [];
  for (let i = at - 1; i >= 0 && i > at - 2000 && before.length < neighbours; i--) if (store.all[i].conn === r.conn) before.unshift(store.all[i]);
  for (let i = at + 1; i < store.all.length && i < at + 2000 && after.length < neighbours; i++) if (store.all[i].conn === r.conn) after.push(store.all[i]);
  if (before.length + after.length === 0) return undefined;
  const row = o => el("li", {}, o === r
    ? el("span", { class: "here", "data-tone": o.tone, "aria-current": "true" }, el("span", { class: "delta" }, "0"), icon(o.glyph), el("b", {}, o.title), el("span", { class: "summary" }, o.summary))
    : el("button", { "data-tone": o.tone, onclick: () => select(o) }, el("span", { class: "delta" }, delta(o.at - r.at)), icon(o.glyph), el("b", {}, o.title), el("span", { class: "summary" }, o.summary)));
  return el("section", { class: "block" }, el("header", {}, el("h3", {}, "On this connection")), el("ul", { class: "around" }, [...before, r, ...after].map(row)));
}

const delta = ms => `${ms < 0 ? "−" : "+"}${duration(Math.abs(ms))}`;
