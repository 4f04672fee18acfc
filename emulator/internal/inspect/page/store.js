import { Lanes } from "./lanes.js";
import { parse } from "./query.js";

// The page keeps so many records, and so many characters of them. It drops the oldest.
export const maxRecords = 20_000;
export const maxSize = 64 << 20;

// Store holds the records of the page, and those of them that the query selects.
export class Store {
  all = [];
  shown = [];
  lanes = new Lanes();
  dropped = 0; // shown records that were dropped; the timeline uses it to keep its place
  #size = 0;
  #query = parse("");

  get errors() {
    return this.#query.errors;
  }

  get filtered() {
    return !this.#query.empty;
  }

  // add appends records.
  add(records) {
    for (const r of records) {
      this.lanes.place(r);
      this.all.push(r);
      this.#size += r.weight;
      if (this.#query.test(r)) this.shown.push(r);
    }
    if (this.all.length > maxRecords * 1.05 || this.#size > maxSize) this.#trim();
  }

  // filter selects records by a query.
  filter(query) {
    this.#query = parse(query);
    this.shown = this.#query.empty ? this.all.slice() : this.all.filter(this.#query.test);
    this.dropped = 0;
  }

  clear() {
    this.all = [];
    this.shown = [];
    this.dropped = 0;
    this.#size = 0;
    this.lanes.clear();
  }

  // forget drops the records before a number, which the server no longer has.
  forget(first) {
    const n = this.all.findIndex(r => r.n >= first);
    if (n === 0) return false;
    this.#drop(n < 0 ? this.all.length : n);
    return true;
  }

  #trim() {
    let n = Math.max(0, this.all.length - maxRecords), size = this.#size;
    for (let i = 0; i < n; i++) size -= this.all[i].weight;
    while (size > maxSize * 0.9 && n < this.all.length - 1) size -= this.all[n++].weight;
    this.#drop(n);
  }

  // #drop drops the oldest records.
  #drop(n) {
    const last = this.all[n - 1]?.order ?? 0;
    for (const r of this.all.splice(0, n)) this.#size -= r.weight;
    const cut = this.shown.findIndex(r => r.order > last);
    const gone = cut < 0 ? this.shown.length : cut;
    this.shown.splice(0, gone);
    this.dropped += gone;
  }
}
