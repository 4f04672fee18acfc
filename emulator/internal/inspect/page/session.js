import { dialog, failed, field } from "./dialog.js";
import { $, el, icon } from "./element.js";
import { firstHub } from "./send.js";
import { act } from "./server.js";
import { clock } from "./units.js";

const maxHeard = 500; // lines that are kept
const subprotocols = [["json.webpubsub.azure.v1", "JSON"], ["json.reliable.webpubsub.azure.v1", "JSON, reliable"], ["", "none"]];
const roles = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup", "webpubsub.getGroupState", "webpubsub.setGroupState"];

let socket;

// openSession opens the form for a test client.
export function openSession() {
  if (socket) {
    $("session").querySelector("[name=text]").focus();
    return;
  }
  dialog("Connect a test client", [
    el("div", { class: "pair" }, field("Hub", "hub", { value: firstHub(), placeholder: "chat" }), field("User", "user", { value: "tester", focus: true })),
    el("div", { class: "pair" }, field("Subprotocol", "subprotocol", { options: subprotocols, value: subprotocols[0][0] }), field("Groups", "groups", { placeholder: "lobby, news" })),
    field("More of the query", "query", { placeholder: "ticket=…", hint: "Your connect handler gets it." }),
    el("label", {}, el("input", { type: "checkbox", name: "roles", checked: true }), " May join and send to any group"),
  ], {
    submit: "Connect",
    hint: "The page becomes a client of the emulator, and shows what it receives.",
    onsubmit: async form => {
      const list = form.get("groups").split(",").map(g => g.trim()).filter(Boolean);
      const { url } = await act("clientURL", { hub: form.get("hub"), user: form.get("user"), roles: form.get("roles") ? roles : [], groups: list, lifetimeMs: 60_000 });
      start(url + (form.get("query") ? "&" + form.get("query") : ""), form.get("subprotocol"), form.get("user"));
    },
  });
}

function start(url, subprotocol, user) {
  const panel = $("session");
  const heard = el("div", { class: "heard", role: "log", "aria-label": "Received", tabindex: "0" });
  const end = () => {
    socket?.close(1000);
    socket = undefined;
    panel.hidden = true;
  };
  const say = (glyph, text, hush) => {
    const following = heard.scrollTop + heard.clientHeight >= heard.scrollHeight - 8;
    heard.append(el("p", { class: hush ? "hush" : "" }, el("time", {}, clock(Date.now())), icon(glyph), el("span", {}, text)));
    while (heard.childElementCount > maxHeard) heard.firstElementChild.remove();
    if (following) heard.scrollTop = heard.scrollHeight;
  };
  const form = subprotocol === "" ? rawForm(say) : jsonForm(say);
  panel.replaceChildren(
    el("header", {}, el("h2", { class: "serif" }, user || "Test client"), el("span", { class: "hint", id: "session-state", role: "status" }, "Connecting"), el("button", { class: "quiet square", "aria-label": "Disconnect", title: "Disconnect", onclick: end }, icon("x"))),
    el("div", { class: "columns" }, form, heard));
  panel.hidden = false;
  let ws;
  try {
    ws = subprotocol ? new WebSocket(url, [subprotocol]) : new WebSocket(url);
  } catch (problem) {
    end();
    failed(problem);
    return;
  }
  socket = ws;
  ws.binaryType = "arraybuffer";
  const status = text => {
    if (socket === ws) $("session-state").textContent = text;
  };
  ws.onopen = () => {
    status("Connected");
    form.querySelector("[data-focus]").focus();
  };
  ws.onmessage = event => {
    say("out", typeof event.data === "string" ? event.data : `${event.data.byteLength} bytes`);
    acknowledge(ws, subprotocol, event.data);
  };
  ws.onclose = event => {
    say("close", `Closed with ${event.code}${event.reason ? ": " + event.reason : ""}. ${event.code === 1006 ? "The timeline says why." : ""}`, true);
    status("Closed");
    if (socket === ws) socket = undefined;
  };
}

// acknowledge answers the messages of a reliable connection.
function acknowledge(ws, subprotocol, data) {
  if (!subprotocol.includes("reliable") || typeof data !== "string") return;
  const { sequenceId } = JSON.parse(data);
  if (sequenceId) ws.send(JSON.stringify({ type: "sequenceAck", sequenceId }));
}

function send(text, say) {
  if (socket?.readyState !== WebSocket.OPEN) {
    failed(new Error("The client is not connected."));
    return;
  }
  socket.send(text);
  say("in", text, true);
}

function jsonForm(say) {
  let acks = 0;
  const form = el("form", { onsubmit: event => {
    event.preventDefault();
    const data = new FormData(form), what = data.get("what"), name = data.get("name"), ackId = ++acks;
    send(JSON.stringify({
      join: { type: "joinGroup", group: name, ackId },
      leave: { type: "leaveGroup", group: name, ackId },
      send: { type: "sendToGroup", group: name, ackId, ...content(data.get("text")) },
      event: { type: "event", event: name, ackId, ...content(data.get("text")) },
    }[what]), say);
  } },
  el("div", { class: "pair" },
    field("Do", "what", { value: "event", options: [["event", "raise an event"], ["join", "join a group"], ["send", "send to a group"], ["leave", "leave a group"]] }),
    field("Event or group", "name", { value: "say", focus: true })),
  field("Payload", "text", { tag: "textarea", rows: 4, value: '{"text": "hello"}' }),
  el("button", { class: "primary" }, icon("send"), "Send"));
  return form;
}

function rawForm(say) {
  const form = el("form", { onsubmit: event => {
    event.preventDefault();
    send(new FormData(form).get("text"), say);
  } }, field("Message", "text", { tag: "textarea", rows: 5, value: "hello", focus: true, hint: "Without a subprotocol, a message is the event “message”." }), el("button", { class: "primary" }, icon("send"), "Send"));
  return form;
}

function content(text) {
  try {
    return { dataType: "json", data: JSON.parse(text) };
  } catch {
    return { dataType: "text", data: text };
  }
}
