import { dialog, failed, field, toast } from "./dialog.js";
import { el } from "./element.js";
import { act } from "./server.js";

const hubs = new Set(); // that the server has named

// knowHubs remembers hubs for the forms.
export function knowHubs(names) {
  for (const name of names ?? []) hubs.add(typeof name === "string" ? name : name.name);
}

// firstHub returns a hub to begin with.
export const firstHub = () => [...hubs][0] ?? "";

// sendTo opens a dialog that sends a message to clients.
export function sendTo({ hub = firstHub(), target = "group", name = "" } = {}) {
  dialog("Send a message", [
    el("div", { class: "pair" },
      field("Hub", "hub", { value: hub }),
      field("To", "target", { value: target, options: [["group", "a group"], ["user", "a user"], ["connection", "a connection"], ["all", "everybody"]] })),
    field("Name", "name", { value: name, placeholder: "lobby", focus: name === "" }),
    field("Type", "type", { value: "json", options: [["json", "JSON"], ["text", "Text"], ["binary", "Binary, in base64"]] }),
    field("Message", "message", { tag: "textarea", rows: 5, value: '{"hello": "from the inspector"}', focus: name !== "" }),
  ], {
    submit: "Send",
    onsubmit: async form => {
      const to = form.get("target"), type = form.get("type");
      const { connections } = await act("send", {
        hub: form.get("hub"), type, target: to === "all" ? { all: true } : { [to]: form.get("name") },
        [type === "binary" ? "base64" : "text"]: form.get("message"),
      });
      toast(connections === 0 ? "Nobody is there to receive it." : `Sent to ${connections} ${connections === 1 ? "connection" : "connections"}.`);
    },
  });
}

// closeClient closes a connection after a question.
export function closeClient(hub, connection, user) {
  dialog(`Close the connection of ${user || connection.slice(0, 12)}?`, [
    field("Reason", "reason", { value: "closed by the inspector", focus: true, hint: "The client receives it in the close frame." }),
  ], {
    submit: "Close it",
    onsubmit: async form => {
      const { connections } = await act("close", { hub, target: { connection }, reason: form.get("reason") });
      if (connections === 0) failed(new Error("The connection has already ended."));
      else toast("The connection is closed.");
    },
  });
}
