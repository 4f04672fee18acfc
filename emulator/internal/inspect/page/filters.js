import { $, el } from "./element.js";
import { toggled } from "./query.js";

const families = [["Failed", "is:failed"], ["Events", "is:event"], ["Frames", "is:frame"], ["Connections", "is:client"], ["Groups", "is:group"], ["REST", "is:rest"]];

// filters connects the search and its buttons with the function that filters. It returns
// functions that set the query and show its mistakes.
export function filters(onquery) {
  const input = $("query");
  const buttons = families.map(([name, term]) => el("button", { type: "button", class: term === "is:failed" ? "alarm" : "", "aria-pressed": false, "data-term": term, onclick: () => set(toggled(input.value, term)) }, name, el("span", { class: "count" })));
  $("families").append(...buttons);
  let timer;
  const apply = () => {
    clearTimeout(timer);
    const terms = input.value.split(/\s+/);
    for (const b of buttons) b.setAttribute("aria-pressed", terms.includes(b.dataset.term));
    onquery(input.value);
  };
  const set = query => {
    input.value = query;
    apply();
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  });
  return {
    set,
    add: term => set(toggled(input.value.split(/\s+/).filter(t => t !== term).join(" "), term)),
    mistakes: errors => {
      $("query-error").textContent = errors.join(" ");
      if (errors.length > 0) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    },
    failures: n => { buttons[0].lastChild.textContent = n || ""; },
  };
}
