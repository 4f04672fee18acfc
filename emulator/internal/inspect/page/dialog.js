import { $, el, icon } from "./element.js";

// dialog opens a dialog with a title and content. The content's form, if it has one, is
// submitted by onsubmit; an error that it throws is shown and keeps the dialog open.
export function dialog(title, content, { submit, onsubmit, hint } = {}) {
  const box = $("dialog");
  const error = el("p", { class: "error", role: "alert" });
  const close = () => box.close();
  const heading = [el("h2", { id: "dialog-title", class: "serif" }, title), hint && el("p", { class: "hint" }, hint)].filter(Boolean);
  if (!onsubmit) {
    box.replaceChildren(...heading, el("div", { class: "stack" }, content, el("div", { class: "end" }, error, el("button", { class: "bordered", onclick: close }, "Close"))));
  } else {
    const button = el("button", { class: "primary" }, submit);
    const form = el("form", { onsubmit: async event => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      try {
        await onsubmit(new FormData(form));
        close();
      } catch (problem) {
        error.textContent = problem.message;
      } finally {
        button.disabled = false;
      }
    } }, content, el("div", { class: "end" }, error, el("button", { type: "button", class: "bordered", onclick: close }, "Cancel"), button));
    box.replaceChildren(...heading, form);
  }
  if (!box.open) box.showModal();
  box.querySelector("[data-focus]")?.focus();
  return box;
}

let sequence = 0;

// field returns a labelled input, select or textarea.
export function field(label, name, { value = "", tag = "input", options, hint, focus, ...rest } = {}) {
  const id = `field-${++sequence}`;
  const input = options
    ? el("select", { id, name, "data-focus": focus }, options.map(([v, text]) => el("option", { value: v, selected: v === value }, text)))
    : el(tag, { id, name, autocomplete: "off", spellcheck: "false", "data-focus": focus, ...rest });
  if (!options) input.value = value;
  return el("div", {}, el("label", { for: id }, label), input, hint && el("p", { class: "hint" }, hint));
}

let timer;

// toast says something for a moment.
export function toast(text) {
  clearTimeout(timer);
  $("toast").replaceChildren(text);
  timer = setTimeout(() => $("toast").replaceChildren(), 4000);
}

// failed reports an action that did not work.
export function failed(problem) {
  toast(problem.message);
}

// withIcon returns a button with a picture.
export const withIcon = (name, text, properties) => el("button", { type: "button", ...properties }, icon(name), text);
