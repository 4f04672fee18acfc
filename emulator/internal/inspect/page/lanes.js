// count is how many connections have a lane of their own at a time. Others share the last.
export const count = 6;

// Lanes are the lines beside the timeline: one for each open connection, from its first
// record to its end.
export class Lanes {
  #open = new Map(); // lanes by connection
  #seen = new Map(); // the last colour of a connection, also after its end
  #taken = new Array(count).fill(0);

  // place sets the lane of a record, and which lanes are open beside it.
  place(r) {
    r.lane = -1;
    if (r.conn) {
      let lane = this.#open.get(r.conn);
      if (lane === undefined && !r.is.has("closed")) {
        lane = this.#taken.indexOf(0);
        if (lane < 0) lane = count - 1;
        this.#taken[lane]++;
        this.#open.set(r.conn, lane);
        this.#remember(r.conn, lane);
        r.begins = this.#taken[lane] === 1;
      }
      r.lane = lane ?? this.#seen.get(r.conn) ?? -1;
    }
    r.lanes = 0;
    for (let i = 0; i < count; i++) if (this.#taken[i] > 0) r.lanes |= 1 << i;
    if (r.is.has("closed") && this.#open.delete(r.conn)) {
      this.#taken[r.lane]--;
      r.ends = this.#taken[r.lane] === 0;
    }
  }

  // of returns the lane of a connection, or -1.
  of(conn) {
    return this.#seen.get(conn) ?? -1;
  }

  clear() {
    this.#open.clear();
    this.#seen.clear();
    this.#taken.fill(0);
  }

  #remember(conn, lane) {
    this.#seen.delete(conn);
    this.#seen.set(conn, lane);
    if (this.#seen.size > 5000) this.#seen.delete(this.#seen.keys().next().value);
  }
}
