// keyboard calls the function of a key, unless the key belongs to what has the focus: an
// input, a dialog, or a button that Enter presses.
export function keyboard(keys) {
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const { target, key } = event;
    if (target.matches("input, textarea, select")) {
      if (key === "Escape") target.blur();
      return;
    }
    const own = target.closest("#detail") ? ["ArrowUp", "ArrowDown", "Enter"] : target.matches("button, summary, [role=log]") ? ["Enter", " ", "ArrowUp", "ArrowDown"] : [];
    if (own.includes(key) || !Object.hasOwn(keys, key)) return;
    event.preventDefault();
    keys[key]();
  });
}
