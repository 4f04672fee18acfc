import { Clients } from "./clients.js";
import { save } from "./copy.js";
import { detail } from "./detail.js";
import { failed, toast } from "./dialog.js";
import { $, icon } from "./element.js";
import { empty } from "./empty.js";
import { filters } from "./filters.js";
import { help } from "./help.js";
import { keyboard } from "./keyboard.js";
import { follow } from "./live.js";
import { quoted } from "./query.js";
import { editEvent, raise } from "./raise.js";
import { Entry, lost } from "./record.js";
import { knowHubs, sendTo } from "./send.js";
import { act, request } from "./server.js";
import { openSession } from "./session.js";
import { Store } from "./store.js";
import { theme } from "./theme.js";
import { Timeline } from "./timeline.js";

const store = new Store();
const timeline = new Timeline(store, $("scroll"), $("records"), { onselect, onfollow });
const search = filters(query => {
  store.filter(query);
  search.mistakes(store.errors);
  timeline.toEnd();
  render();
});
const clients = new Clients(store.lanes, query => {
  search.set(query);
  view("timeline");
});

let phase = "connecting"; // connecting, live, lost or refused
let paused = false;
let trouble = "";

// Records wait here for the next frame of the screen.
const maxQueue = 4000;
let queue = [];
let flushed; // resolves the promise of a reader that waits
let failures = 0, unseen = 0;

function enqueue(entry) {
  queue.push(entry);
  if (queue.length === 1) (document.hidden ? f => setTimeout(f, 200) : requestAnimationFrame)(flush);
  return queue.length < maxQueue ? undefined : new Promise(resolve => { flushed = resolve; });
}

function flush() {
  const batch = queue;
  queue = [];
  store.add(batch);
  for (const r of batch) {
    if (r.failed) failures++;
    if (!timeline.following) unseen++;
  }
  if (batch.some(r => ["client", "group"].includes(r.family))) clients.changed();
  timeline.update();
  render();
  const n = batch.findLast(r => r.n === awaited);
  if (n) open(n);
  flushed?.();
}

let awaited = 0; // number of the record to show when it comes
document.addEventListener("raised", event => {
  const found = store.all.findLast(r => r.n === event.detail);
  if (found) open(found);
  else awaited = event.detail;
});

function clear() {
  store.clear();
  failures = unseen = 0;
  onselect(undefined);
  timeline.update();
  render();
}

// forgotten updates the page after the server has dropped records.
function forgotten() {
  failures = store.all.filter(r => r.failed).length;
  if (store.all.length === 0) {
    store.clear();
    unseen = 0;
    onselect(undefined);
  }
  timeline.update();
}

function render() {
  $("count-timeline").textContent = store.all.length ? (store.filtered ? `${store.shown.length.toLocaleString()} of ` : "") + store.all.length.toLocaleString() : "";
  search.failures(failures);
  $("newest").hidden = timeline.following || timeline.atEnd() || store.shown.length === 0;
  $("newest-text").textContent = unseen ? `${unseen.toLocaleString()} new` : "Newest";
  empty($("empty"), { records: store.all.length, shown: store.shown.length, phase, trouble, paused });
  say(phase === "live" ? (paused ? "paused" : "live") : phase);
}

const notices = {
  lost: "The emulator does not answer. The page tries again and again.",
  refused: "The emulator has a new token since it started again. Open the address of the inspector that it has printed.",
};

function say(state) {
  if (document.body.dataset.state === state) return;
  document.body.dataset.state = state;
  $("state-text").textContent = { live: "Live", paused: "Paused", lost: "Reconnecting", refused: "Not connected", connecting: "Connecting" }[state];
  $("notice").textContent = notices[state] ?? "";
  $("notice").hidden = !(state in notices) || (state === "refused" && store.all.length === 0);
  $("pause").setAttribute("aria-pressed", paused);
  $("pause").setAttribute("aria-label", paused ? "Resume" : "Pause");
  $("pause").title = paused ? "Resume (p)" : "Pause (p)";
  $("pause").replaceChildren(icon(paused ? "play" : "pause"));
}

// A screen reader hears of failures, and not more than every ten seconds.
let announced = 0, announcedAt = 0;
setInterval(() => {
  if (failures === announced || performance.now() - announcedAt < 10_000) return;
  const n = failures - announced;
  if (n > 0) $("announce").textContent = `${n} new ${n === 1 ? "failure" : "failures"}`;
  announced = failures;
  announcedAt = performance.now();
}, 1000);

function onfollow(is) {
  if (is) unseen = 0;
  render();
}

// onselect shows a record in the pane, if it is open or shall be.
function onselect(record, wanted) {
  const pane = $("detail");
  if (!record) {
    if (pane.contains(document.activeElement)) $("scroll").focus();
    pane.hidden = true;
    $("work").classList.remove("split");
    timeline.selected = undefined;
    timeline.render();
    return;
  }
  if (!wanted && pane.hidden) return;
  const was = pane.hidden;
  pane.hidden = false;
  $("work").classList.add("split");
  detail(pane, record, { store, search: search.add, select: open, close: () => onselect(undefined) });
  if (was) timeline.select(record); // the list is narrower now
}

function open(record) {
  awaited = 0;
  view("timeline");
  timeline.select(record, { open: true });
}

function view(name) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const is = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", is);
    tab.tabIndex = is ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !is;
  }
  if (name === "clients") clients.show();
  else timeline.measure();
}

async function pause() {
  try {
    ({ paused } = await act("pause", { paused: !paused }));
    render();
  } catch (problem) {
    failed(problem);
  }
}

async function importFile(file) {
  if (!file) return;
  try {
    const { imported, skipped } = await (await request("import", { method: "POST", body: file, headers: { "Content-Type": "application/x-ndjson" } })).json();
    toast(`${imported} ${imported === 1 ? "record is" : "records are"} imported${skipped ? `, ${skipped} skipped` : ""}.`);
  } catch (problem) {
    failed(problem);
  }
}

const on = (id, f) => $(id).addEventListener("click", f);
on("pause", pause);
on("clear", () => act("clear", {}).catch(failed)); // the status that follows clears the page
on("export", () => request("export").then(answer => answer.blob()).then(blob => save(blob, `webpubsub-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jsonl`), failed));
on("import", () => $("file").click());
on("connect", () => openSession());
on("send", () => sendTo());
on("help", help);
on("newest", () => timeline.toEnd());
on("tab-timeline", () => view("timeline"));
on("tab-clients", () => view("clients"));
$("file").addEventListener("change", () => importFile($("file").files[0]).finally(() => { $("file").value = ""; }));
document.addEventListener("dragover", event => event.preventDefault());
document.addEventListener("drop", event => {
  event.preventDefault();
  importFile(event.dataTransfer.files[0]);
});
document.querySelector("[role=tablist]").addEventListener("keydown", event => {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  const other = document.querySelector("[role=tab][aria-selected=false]");
  other.click();
  other.focus();
});

const eventOf = f => () => {
  if (timeline.selected?.raw.event?.request) f(timeline.selected);
};
// step selects another record. The list gets the focus, so that Enter opens the record and
// presses no button.
const step = by => () => {
  $("scroll").focus({ preventScroll: true });
  timeline.move(by);
};
keyboard({
  j: step(1), ArrowDown: step(1), k: step(-1), ArrowUp: step(-1), g: step(-Infinity), G: step(Infinity),
  Enter: () => timeline.selected && onselect(timeline.selected, true), Escape: () => onselect(undefined),
  "/": () => { view("timeline"); $("query").select(); }, p: pause, "?": help, t: () => openSession(),
  c: () => timeline.selected?.conn && search.add(quoted("conn", timeline.selected.conn)),
  e: eventOf(editEvent), r: eventOf(r => raise({ record: r.n, sameId: false })),
  1: () => view("timeline"), 2: () => view("clients"),
});

theme($("theme"));
say("connecting");
render();
follow((event, data, size) => {
  switch (event) {
    case "hello":
      if (data.restarted) clear();
      ({ paused } = data);
      phase = "live";
      knowHubs(data.hubs);
      clients.show();
      render();
      return undefined;
    case "message":
      return enqueue(new Entry(data, size));
    case "lost":
      return enqueue(lost(data, (queue.at(-1) ?? store.all.at(-1))?.raw.at ?? new Date().toISOString(), "this page was too slow, or the emulator keeps them no longer."));
    case "status":
      ({ paused } = data);
      flush();
      if (store.forget(data.first)) forgotten();
      render();
      return undefined;
    default:
      phase = data.refused ? "refused" : "lost";
      trouble = data.refused?.message ?? "";
      render();
      return undefined;
  }
});
