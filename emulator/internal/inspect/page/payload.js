import { el } from "./element.js";
import { bytesOf, hex } from "./hex.js";
import { bytes } from "./units.js";

const chosen = new Map(); // the view that the user chose, by the type of data

// payload returns a block with data in several views: JSON, text, decoded protobuf, hex.
export function payload(title, data, headers) {
  const views = viewsOf(data);
  const block = el("section", { class: "block" });
  const box = el("div");
  const buttons = views.map(v => el("button", { type: "button", "aria-pressed": false, onclick: () => show(v, true) }, v.name));
  const show = (view, remember) => {
    if (remember) chosen.set(data.type, view.name);
    views.forEach((v, i) => buttons[i].setAttribute("aria-pressed", v === view));
    box.replaceChildren(view.render());
  };
  block.append(el("header", {},
    el("h3", {}, title, el("span", { class: "hint" }, data?.bytes ? bytes(data.bytes) : "empty")),
    data?.redacted && el("span", { class: "pill", title: "A key, token or signature was removed" }, "redacted"),
    data?.truncated && el("span", { class: "pill", title: "Only the beginning is kept" }, "cut"),
    views.length > 1 && el("div", { class: "segments", role: "group", "aria-label": `${title} as` }, buttons)));
  if (views.length > 0) {
    show(views.find(v => v.name === chosen.get(data.type)) ?? views[0]);
    block.append(box);
  }
  const table = headerTable(headers);
  if (table) block.append(table);
  return block;
}

function viewsOf(data) {
  if (!data || !data.bytes) return [];
  const views = [];
  const parsed = parse(data.text);
  const raw = () => (data.base64 ? bytesOf(data.base64) : new TextEncoder().encode(data.text ?? ""));
  if (data.decoded) views.push({ name: "Protobuf", render: () => tree(parse(data.decoded) ?? data.decoded) });
  if (parsed !== undefined && typeof parsed === "object") views.push({ name: "JSON", render: () => tree(parsed) });
  if (data.text !== undefined) views.push({ name: "Text", render: () => el("pre", { class: "body", tabindex: "0" }, data.text) });
  views.push({ name: "Hex", render: () => el("pre", { class: "body hex", tabindex: "0" }, hex(raw())) });
  return views;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const maxChildren = 200, maxDepth = 100;

// tree returns a value of JSON whose objects and arrays fold.
export function tree(value) {
  return el("div", { class: "tree" }, node(undefined, value, 0));
}

function node(key, value, depth) {
  const label = key === undefined ? [] : [el("span", { class: "key" }, key), el("span", { class: "hush" }, ": ")];
  if (typeof value !== "object" || value === null) {
    const kind = value === null ? "null" : typeof value;
    return el("div", { class: "leaf" }, label, el("span", { class: kind }, kind === "string" ? JSON.stringify(value) : String(value)));
  }
  const entries = Object.entries(value), array = Array.isArray(value);
  if (entries.length === 0 || depth > maxDepth) return el("div", { class: "leaf" }, label, el("span", { class: "hush" }, entries.length === 0 ? (array ? "[]" : "{}") : "…"));
  const inside = el("div");
  const details = el("details", {}, el("summary", {}, label, el("span", { class: "hush" }, array ? `[${entries.length}]` : `{${entries.length}}`)), inside);
  // The children of a folded value are made when it is opened.
  const fill = () => {
    if (inside.firstChild) return;
    inside.append(...entries.slice(0, maxChildren).map(([k, v]) => node(k, v, depth + 1)));
    if (entries.length > maxChildren) inside.append(el("div", { class: "leaf hush" }, `… ${entries.length - maxChildren} more`));
  };
  details.addEventListener("toggle", fill);
  if (depth < 3) {
    fill();
    details.open = true;
  }
  return details;
}

function headerTable(headers) {
  const names = Object.keys(headers ?? {}).sort();
  if (names.length === 0) return undefined;
  return el("details", { class: "fold" }, el("summary", {}, `${names.length} ${names.length === 1 ? "header" : "headers"}`), pairs(names.flatMap(name => [].concat(headers[name]).map(value => [name, value]))));
}

// pairs returns a table of names and values.
export function pairs(list) {
  return el("table", { class: "headers" }, el("tbody", {}, list.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))));
}
