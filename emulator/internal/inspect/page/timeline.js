import { el, icon } from "./element.js";
import { count } from "./lanes.js";
import { bytes, clock, duration } from "./units.js";

const spare = 8; // rows that are rendered above and below the visible ones

// Timeline is the list of records. Its elements are the visible rows only, which it fills
// anew as the list scrolls, so that the number of records does not matter.
export class Timeline {
  selected;
  following = true;
  #store;
  #box;
  #list;
  #rows = [];
  #onselect;
  #onfollow;
  #height = 34;
  #dropped = 0;

  constructor(store, box, list, { onselect, onfollow }) {
    this.#store = store;
    this.#box = box;
    this.#list = list;
    this.#onselect = onselect;
    this.#onfollow = onfollow;
    box.addEventListener("scroll", () => {
      this.#follow(this.atEnd());
      this.render();
    }, { passive: true });
    new ResizeObserver(() => this.measure()).observe(box);
    list.addEventListener("click", event => {
      const row = event.target.closest("[role=option]");
      if (row?.record) this.select(row.record, { open: true });
    });
  }

  // measure reads the height of a row, which differs between a phone and a desktop.
  measure() {
    this.#height = parseFloat(getComputedStyle(this.#list).getPropertyValue("--row")) || 34;
    this.update();
  }

  // update renders what the store holds now.
  update() {
    const gone = this.#store.dropped - this.#dropped;
    this.#dropped = this.#store.dropped;
    this.#list.style.height = `${this.#store.shown.length * this.#height}px`;
    if (this.following) this.#box.scrollTop = this.#list.offsetTop + this.#store.shown.length * this.#height;
    else if (gone > 0) this.#box.scrollTop -= gone * this.#height;
    this.render();
  }

  render() {
    const { shown } = this.#store;
    const first = Math.max(0, Math.floor(this.#box.scrollTop / this.#height) - spare);
    const last = Math.min(shown.length, Math.ceil((this.#box.scrollTop + this.#box.clientHeight) / this.#height) + spare);
    while (this.#rows.length < last - first) this.#list.append(this.#row());
    while (this.#rows.length > Math.max(last - first, 0)) this.#rows.pop().root.remove();
    for (let i = first; i < last; i++) this.#fill(this.#rows[i - first], shown[i], i);
    const current = this.#rows.find(row => row.root.record === this.selected);
    if (current) this.#box.setAttribute("aria-activedescendant", current.root.id);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  // select marks a record and scrolls to it.
  select(record, { open = false } = {}) {
    this.selected = record;
    if (record) this.#show(this.#store.shown.indexOf(record));
    this.render();
    this.#onselect(record, open);
  }

  // move selects the record a number of rows further down.
  move(by) {
    const { shown } = this.#store;
    if (shown.length === 0) return;
    const at = this.selected ? shown.indexOf(this.selected) : -1;
    const near = by > 0 ? Math.ceil(this.#box.scrollTop / this.#height) : shown.length - 1;
    const next = at < 0 && Number.isFinite(by) ? near : at + by;
    this.select(shown[Math.min(Math.max(next, 0), shown.length - 1)]);
  }

  // toEnd scrolls to the newest record and stays there.
  toEnd() {
    this.#follow(true);
    this.update();
  }

  #show(index) {
    if (index < 0) return;
    const top = index * this.#height, bottom = top + this.#height;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    else if (bottom > this.#box.scrollTop + this.#box.clientHeight) this.#box.scrollTop = bottom - this.#box.clientHeight;
    this.#follow(this.atEnd() && index === this.#store.shown.length - 1);
  }

  // atEnd reports whether the newest record is visible.
  atEnd() {
    return this.#box.scrollTop + this.#box.clientHeight >= this.#store.shown.length * this.#height - 4;
  }

  #follow(is) {
    if (this.following === is) return;
    this.following = is;
    this.#onfollow(is);
  }

  #row() {
    const lanes = Array.from({ length: count }, () => el("span"));
    const row = {
      lanes, time: el("span", { class: "time" }), glyph: el("span", { class: "glyph" }),
      title: el("span", { class: "title" }), who: el("span", { class: "who" }), summary: el("span", { class: "summary" }),
      status: el("span", { class: "status" }), took: el("span", { class: "took" }), size: el("span", { class: "size" }),
    };
    row.root = el("div", { role: "option", class: "record", id: `row-${this.#rows.length}` },
      el("span", { class: "lanes" }, lanes), row.time, row.glyph, row.title, row.who, row.summary, row.status, row.took, row.size);
    this.#rows.push(row);
    return row.root;
  }

  #fill(row, record, index) {
    const { root } = row;
    root.style.transform = `translateY(${index * this.#height}px)`;
    root.setAttribute("aria-selected", record === this.selected);
    root.setAttribute("aria-posinset", index + 1);
    root.setAttribute("aria-setsize", this.#store.shown.length);
    if (root.record === record) return;
    root.record = record;
    root.dataset.tone = record.tone;
    root.dataset.lane = record.lane;
    row.lanes.forEach((lane, i) => {
      lane.className = record.lane === i ? `on lane-${i}${record.begins ? " begins" : ""}${record.ends ? " ends" : ""}`
        : record.lanes & (1 << i) ? `line lane-${i}` : "";
    });
    row.time.textContent = clock(record.at);
    row.glyph.replaceChildren(icon(record.glyph));
    row.title.textContent = record.title;
    row.who.textContent = record.user.slice(0, 100) || record.conn.slice(0, 8);
    row.summary.textContent = record.summary;
    row.status.textContent = record.status || "";
    row.took.textContent = record.took === undefined ? "" : duration(record.took);
    row.size.textContent = record.size === undefined ? "" : bytes(record.size);
    root.setAttribute("aria-label", record.spoken());
  }
}
