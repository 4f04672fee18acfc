import { el } from "./element.js";
import { duration } from "./units.js";

// steps returns the steps of an event: the time in the queue, the wait for the handler's
// consent, each attempt, and the pauses between attempts, in milliseconds from the time
// that the event was raised.
export function steps(event) {
  const queued = event.queuedMs ?? 0, consent = event.consentMs ?? 0, turn = queued;
  const out = [];
  if (queued >= 0.05) out.push({ name: "Queued", from: 0, took: queued, wait: true });
  if (consent >= 0.05) out.push({ name: "Consent", from: turn, took: consent, wait: true });
  const attempts = event.attempts ?? [];
  let end = turn + consent;
  attempts.forEach((a, i) => {
    const from = turn + consent + (a.startMs ?? 0);
    if (i > 0 && from - end >= 0.5) out.push({ name: "Pause", from: end, took: from - end, wait: true });
    out.push({ name: attempts.length > 1 ? `Attempt ${i + 1}` : "Handler", from, took: a.tookMs ?? 0, failed: Boolean(a.error) || a.status >= 400, note: a.error || (a.status ? String(a.status) : "") });
    end = from + (a.tookMs ?? 0);
  });
  const all = turn + (event.tookMs ?? 0);
  if (attempts.length > 0 && all - end >= 1) out.push({ name: "Answer", from: end, took: all - end });
  return out;
}

// waterfall returns the steps as bars on one scale.
export function waterfall(list) {
  const whole = Math.max(...list.map(s => s.from + s.took), 0.001);
  return el("div", { class: "waterfall" }, list.flatMap(s => {
    const span = el("span", { class: s.failed ? "failed" : s.wait ? "wait" : "" });
    span.style.left = `min(${(100 * s.from) / whole}%, 100% - 3px)`;
    span.style.width = `${(100 * s.took) / whole}%`;
    return [el("span", {}, s.name), el("div", { class: "bar", "aria-hidden": "true" }, span), el("span", { class: "ms" }, [s.note, duration(s.took)].filter(Boolean).join(" · "))];
  }));
}
