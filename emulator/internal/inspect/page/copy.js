import { dialog, failed, field, toast, withIcon } from "./dialog.js";
import { el } from "./element.js";
import { request } from "./server.js";

// copyText copies what the server writes for a record.
export async function copyText(path, what) {
  try {
    const text = await (await request(path)).text();
    try {
      await navigator.clipboard.writeText(text);
      toast(`${what} is copied.`);
    } catch {
      dialog(what, el("pre", { class: "body", tabindex: "0" }, text), { hint: "The browser does not let the page copy it. Select it here." });
    }
  } catch (problem) {
    failed(problem);
  }
}

// showGoTest opens a dialog with the Go test of an event.
export function showGoTest(r) {
  const code = el("pre", { class: "body", id: "gotest", tabindex: "0" });
  const load = async () => {
    const parameters = new URLSearchParams(Object.entries({ package: box.querySelector("[name=package]").value, handler: box.querySelector("[name=handler]").value }).filter(([, v]) => v));
    try {
      code.textContent = await (await request(`records/${r.n}/gotest?${parameters}`)).text();
    } catch (problem) {
      code.textContent = problem.message;
    }
  };
  const box = dialog(`A Go test of ${r.title}`, [
    el("div", { class: "pair", onchange: () => load() },
      field("Package", "package", { placeholder: "main_test" }),
      field("Handler", "handler", { placeholder: "newHandler(t)", hint: "An expression of type http.Handler" })),
    code,
    el("div", { class: "actions" },
      withIcon("copy", "Copy", { class: "primary", onclick: async () => {
        try {
          await navigator.clipboard.writeText(code.textContent);
          toast("The test is copied.");
        } catch {
          getSelection().selectAllChildren(code);
        }
      } }),
      withIcon("save", "Save", { class: "bordered", onclick: () => save(new Blob([code.textContent]), `${r.title.replaceAll(/\W+/g, "_").toLowerCase()}_test.go`) })),
  ], { hint: "It sends the same event to your handler and expects the same answer." });
  load();
}

// save downloads data as a file.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
