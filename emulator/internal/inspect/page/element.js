// Elements are made here and nowhere else. Whatever a stranger has sent becomes a text
// node or an attribute of this list, never markup.
const attributes = new Set(["id", "type", "name", "role", "href", "title", "value", "placeholder", "for", "tabindex", "colspan", "open", "disabled", "rows", "spellcheck", "autocomplete", "download", "scope", "hidden", "selected", "checked"]);

// el returns an element. The properties are a class, listeners ("onclick") and
// attributes; children that are no nodes become text.
export function el(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") && value !== undefined) {
      e.setAttribute(name, value);
      continue;
    }
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") e.className = value;
    else if (name.startsWith("on") && typeof value === "function") e.addEventListener(name.slice(2), value);
    else if (name.startsWith("data-") || attributes.has(name)) e.setAttribute(name, value === true ? "" : value);
    else throw new Error(`no attribute ${name}`);
  }
  e.append(...children.flat().filter(c => c !== undefined && c !== null && c !== false).map(c => (c instanceof Node ? c : String(c))));
  return e;
}

// icon returns a picture of the page's sprite, which screen readers skip.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  return svg;
}

export const $ = id => document.getElementById(id);
