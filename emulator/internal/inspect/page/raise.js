import { dialog, failed, field, toast } from "./dialog.js";
import { el } from "./element.js";
import { act } from "./server.js";

// raise sends an event to its handler again.
export async function raise(body) {
  try {
    await send(body);
  } catch (problem) {
    failed(problem);
  }
}

async function send(body) {
  const { record, outcome, status } = await act("raise", body);
  toast(status ? `The handler answered ${status}.` : `No answer: ${outcome}.`);
  document.dispatchEvent(new CustomEvent("raised", { detail: record }));
}

// editEvent opens a dialog with the payload and the state of an event.
export function editEvent(r) {
  const { event } = r.raw, data = event.request?.data ?? {};
  const type = [].concat(event.request?.headers?.["Content-Type"] ?? "text/plain")[0];
  const text = pretty(data.text ?? "");
  const state = event.stateBefore?.text ?? "";
  const binary = data.base64 !== undefined;
  dialog(`Send ${r.title} again`, [
    field(binary ? "Payload in base64" : "Payload", "payload", { tag: "textarea", rows: 9, value: binary ? data.base64 : text, focus: true, hint: data.redacted || data.truncated ? "A part of the payload was removed or cut. Replace it before you send it." : undefined }),
    el("div", { class: "pair" },
      field("Content type", "contentType", { value: type }),
      field("Event id", "id", { value: "new", options: [["new", "a new id"], ["same", `the same id, ${event.id}`]] })),
    field("Connection state", "state", { tag: "textarea", rows: 3, value: state, hint: "The state that the handler gets. Its answer may change it." }),
  ], {
    submit: "Send",
    hint: "The event goes to the handler as if the client had sent it. The client receives the answer.",
    onsubmit: async form => {
      const body = { record: r.n, sameId: form.get("id") === "same", contentType: form.get("contentType") };
      body[binary ? "base64" : "text"] = form.get("payload") === text && !binary ? data.text : form.get("payload");
      if (form.get("state") !== state) body.state = form.get("state");
      await send(body);
    },
  });
}

function pretty(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}
