import { dialog } from "./dialog.js";
import { el } from "./element.js";

const shortcuts = [
  ["j k", "next and previous record"], ["g G", "first and newest record"], ["Enter", "open the record"], ["Esc", "close it; leave the search"],
  ["/", "search"], ["p", "pause and resume"], ["c", "only the connection of the record, or all"], ["e", "edit the event and send it"], ["r", "raise the event again, with a new id"],
  ["t", "test client"], ["1 2", "timeline, clients"], ["?", "this help"],
];

const conditions = [
  ["hello \"two words\"", "what a record contains"], ["event:say,join", "events by name, with * for any text"], ["user:ann conn:4911", "a user; a connection by the beginning of its id"],
  ["group:lobby hub:chat", "a group, a hub"], ["status:4xx status:200", "the status of an answer or a close code"], ["took:>100 size:>2k", "milliseconds, bytes; also attempts:>1"],
  ["is:failed", "also event, frame, in, out, client, group, ack, rest, refused, retried, again, imported"], ["kind:event.*", "the kind in the record"], ["-is:frame", "not"],
];

// help opens the list of keys and of the search's conditions.
export function help() {
  const table = rows => el("table", {}, el("tbody", {}, rows.map(([name, text]) => el("tr", {}, el("th", { scope: "row" }, name.includes(" ") && !/[:"]/.test(name) ? name.split(" ").flatMap(k => [el("kbd", {}, k), " "]) : /[:"]/.test(name) ? el("code", {}, name) : el("kbd", {}, name)), el("td", {}, text)))));
  dialog("Help", [el("h3", {}, "Keys"), table(shortcuts), el("h3", {}, "Search"), table(conditions),
    el("p", { class: "hint" }, "All conditions must hold. The timeline keeps the newest 20,000 records. Keys, tokens, cookies and signatures are removed before they are recorded.")]);
}
