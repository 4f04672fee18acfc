import { el } from "./element.js";

// empty fills the place of the timeline while it has no record to show: it says why, and
// what to do next.
export function empty(box, { records, shown, phase, trouble, paused }) {
  const what = shown > 0 ? "" : phase === "refused" ? "refused" : records > 0 ? "filtered" : paused ? "paused" : phase === "live" ? "waiting" : "";
  box.hidden = what === "";
  if (box.dataset.what === what + trouble) return;
  box.dataset.what = what + trouble;
  box.replaceChildren(...({
    refused: () => [
      el("h2", { class: "serif" }, "This page has no valid token"),
      el("p", {}, "Each start of the emulator has a new one. Open the address of the inspector that the emulator has printed; it looks like this:"),
      el("pre", {}, `${location.origin}/inspector/#token=…`),
      trouble && el("p", { class: "hint" }, trouble),
    ],
    filtered: () => [
      el("h2", { class: "serif" }, "No record matches"),
      el("p", {}, "Records that match appear here as they come. Press ? to see what you can search for."),
    ],
    paused: () => [
      el("h2", { class: "serif" }, "Recording is paused"),
      el("p", {}, "Press p to continue."),
    ],
    waiting: () => [
      el("h2", { class: "serif" }, "Waiting for the first client"),
      el("p", {}, "Open your application, connect a test client above, or use the command, with the connection string that the emulator has printed in WEBPUBSUB_CONNECTION_STRING:"),
      el("pre", {}, "webpubsub connect --hub chat --user ann"),
      el("p", {}, "Each handshake, frame, event and REST call appears here."),
    ],
  }[what]?.() ?? []).filter(Boolean));
}
