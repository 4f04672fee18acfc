import { contentOf, maxParsed, texts } from "./frame.js";
import { bytes } from "./units.js";

// titles are the words for kinds of records. A kind that is missing here is shown by its name.
const titles = {
  __proto__: null,
  "client.handshake": "Handshake", "client.connected": "Connected", "client.refused": "Refused", "client.gone": "Closed",
  "client.lost": "Connection lost", "client.recovered": "Recovered", "client.recoveryRefused": "Recovery refused",
  "client.handshakeFailed": "Handshake failed", "client.roleIgnored": "Role ignored", "client.rolesLeftOut": "Roles left out",
  "client.noSubprotocol": "No subprotocol", "client.pingUnanswered": "Ping not answered", "client.frameInvalid": "Invalid frame",
  "client.requestRefused": "Request refused", "group.joined": "Joined", "group.left": "Left",
  "groupState.set": "Group state set", "groupState.cleared": "Group state cleared", "groupState.subscribed": "Group state subscribed",
  "groupState.unsubscribed": "Group state unsubscribed", "permission.granted": "Permission granted", "permission.revoked": "Permission revoked",
  "events.dropping": "Events are dropped", "events.dropped": "Events were dropped", "validation.passed": "Validation passed",
  "validation.failed": "Validation failed", "foreign.refused": "Foreign request refused", lost: "Records lost",
};

const families = {
  __proto__: null,
  client: "client", frame: "frame", ack: "ack", group: "group", groupState: "group", permission: "group",
  event: "event", events: "event", validation: "event", rest: "rest", foreign: "rest", lost: "lost",
};

const glyphs = { __proto__: null, client: "open", frame: "in", ack: "check", group: "group", event: "event", rest: "rest", lost: "gap" };
const closed = new Set(["client.gone", "client.refused", "client.handshakeFailed", "client.recoveryRefused"]);
const maxTitle = 200, maxSummary = 240, maxMessage = 500; // characters

let order = 0;

// Entry is a record as the page uses it: raw is what the server sent. What is expensive is
// computed when it is first read, since most records are never looked at.
export class Entry {
  constructor(raw, weight) {
    this.order = ++order;
    this.raw = raw;
    this.weight = weight;
    this.n = raw.n;
    this.at = Date.parse(raw.at);
    this.kind = String(raw.kind);
    this.conn = raw.connection ?? "";
    this.user = raw.user ?? "";
    this.hub = raw.hub ?? "";
    const { event, rest, frame, client } = raw;
    this.status = event?.status ?? rest?.status ?? client?.status ?? frame?.close ?? client?.code;
    this.took = event?.tookMs ?? rest?.tookMs;
    this.attempts = event?.attempts?.length;
    this.size = (frame?.data ?? event?.request?.data ?? rest?.request?.data)?.bytes;
    this.method = rest?.method ?? "";
    this.id = event?.id ?? raw.ack?.id ?? raw.dropped?.id ?? "";
    this.family = families[this.kind.split(".")[0]] ?? "client";
    this.refusal = event && refusal(event.answer?.data?.text);
    this.failed = this.family !== "lost" && (raw.level === "warn" || raw.level === "error" || ((event ?? rest) && this.status >= 400) || this.refusal !== undefined);
    this.is = this.#flags();
  }

  // tone is how a record looks: good, bad, warn, quiet, gap or plain.
  get tone() {
    if (this.family === "lost") return "gap";
    if (this.failed) return this.raw.level === "warn" && ["client", "ack"].includes(this.family) && this.kind !== "client.refused" ? "warn" : "bad";
    if (["frame", "ack", "group"].includes(this.family)) return "quiet";
    return closed.has(this.kind) || this.kind === "client.lost" ? "plain" : "good";
  }

  get glyph() {
    if (this.kind === "frame.out") return "out";
    if (closed.has(this.kind)) return "close";
    if (["client", "ack"].includes(this.family) && this.failed) return "warn";
    if (this.kind.startsWith("validation")) return "check";
    return glyphs[this.family];
  }

  get title() {
    return this.#title().slice(0, maxTitle);
  }

  #title() {
    const { event, rest, frame, ack, group, dropped } = this.raw;
    if (event) return event.name || event.type || "event";
    if (rest) return `${rest.method} ${rest.path?.replace(/^\/api\/hubs\/[^/]*\//, "")}`;
    if (ack) return ack.error ? `Ack ${ack.id}: ${ack.error}` : `Ack ${ack.id ?? ""}`;
    if (group) return `${titles[this.kind]} ${group.name}`;
    if (dropped) return titles[this.kind];
    if (frame) return this.#frameTitle(frame);
    return titles[this.kind] ?? this.kind;
  }

  // summary is the content in a line.
  get summary() {
    const { event, rest, frame, ack, client, handshake, group, groupState, permission, dropped, validation, foreign, lost } = this.raw;
    const text = event ? event.reason || this.refusal?.message || (this.kind === "event.refused" && messageOf(textOf(event.answer?.data))) || textOf(event.request?.data)
      : rest ? rest.reason || (this.failed && messageOf(textOf(rest.answer?.data))) || textOf(rest.request?.data) || rest.query
      : frame ? this.#frameSummary(frame)
      : client ? client.reason || client.subprotocol || (client.recoverableMs ? `recoverable for ${client.recoverableMs / 1000} s` : "")
      : handshake ? (handshake.subprotocols ?? []).join(", ") || "no subprotocol"
      : ack ? ack.message
      : groupState ? `${groupState.group} ${groupState.entries ? JSON.stringify(groupState.entries) : ""}`
      : permission ? `${permission.name} ${permission.group ?? ""}`
      : dropped ? [dropped.name, dropped.count && `${dropped.count} notifications`, dropped.reason].filter(Boolean).join(": ")
      : validation ? `${validation.url} ${validation.reason ?? ""}`
      : foreign ? foreign.reason
      : lost ? lost.text
      : group ? "" : "";
    return (text ?? "").slice(0, maxSummary).replaceAll(/\s+/g, " ");
  }

  get group() {
    const { group, groupState, permission, rest } = this.raw;
    return group?.name ?? groupState?.group ?? permission?.group ?? this.frameJSON?.group ?? decoded(/\/groups\/([^/:?]+)/.exec(rest?.path ?? "")?.[1]) ?? "";
  }

  get event() {
    const { event, dropped } = this.raw;
    const frame = this.frameJSON;
    return event?.name ?? dropped?.name ?? (frame?.type === "event" || frame?.type === "invoke" ? frame.event : "") ?? "";
  }

  // frameJSON is the object of a JSON frame, or a protobuf frame in that form.
  get frameJSON() {
    return this.raw.frame ? contentOf(this.raw.frame).json : null;
  }

  // has reports whether a text in lower case is in the record, for the search.
  has(text) {
    const { frame, ...rest } = this.raw;
    this.haystack ??= `${this.title} ${this.kind} ${this.conn} ${this.user} ${this.hub} ${texts(rest)}`.toLowerCase();
    return this.haystack.includes(text) || Boolean(frame && contentOf(frame).texts.includes(text));
  }

  // spoken is the record for a screen reader.
  spoken() {
    return [this.failed && "failed", { in: "from the client", out: "to the client" }[this.kind.slice(6)], this.family === "event" && "event", this.title,
      this.user && `of ${this.user}`, this.status && `status ${this.status}`, this.size && bytes(this.size)].filter(Boolean).join(", ");
  }

  #frameTitle(frame) {
    if (frame.close) return `Close ${frame.close}`;
    const json = this.frameJSON;
    const subject = (json && (this.event || json.group || (json.type === "sequenceAck" && json.sequenceId))) || "";
    if (this.kind === "frame.in") return `${words(frame.request || json?.type || "Frame")} ${subject}`.trim();
    if (json?.type === "message" && json.from === "server") return "Message of the server";
    if (json?.type) {
      return `${words((json.type === "system" && json.event) || json.type)} ${json.type === "ack" ? json.ackId : subject}`.trim();
    }
    return "Message";
  }

  // #frameSummary is the data inside a frame, or all of a frame of another form.
  #frameSummary(frame) {
    const json = this.frameJSON;
    if (json?.data !== undefined) return typeof json.data === "string" ? json.data : JSON.stringify(json.data);
    if (json?.type === "ack") return json.success ? "" : [json.error?.name, json.error?.message].filter(Boolean).join(": ");
    if (/^((join|leave)Group|ping|pong|sequenceAck)$/.test(json?.type)) return "";
    return textOf(frame.data);
  }

  #flags() {
    const is = new Set([this.family, this.kind.toLowerCase()]);
    const { raw } = this;
    if (this.failed) is.add("failed");
    if (this.kind === "frame.in") is.add("in");
    if (this.kind === "frame.out") is.add("out");
    if (closed.has(this.kind)) is.add("closed");
    if (this.refusal || this.kind === "event.refused") is.add("refused");
    if (raw.event?.again) is.add("again");
    if (this.attempts > 1) is.add("retried");
    if (raw.imported) is.add("imported");
    return is;
  }
}

// lost returns the record of a gap in the records, with the time of the last one before.
export function lost({ count, after, before }, at, why) {
  const text = `${count} ${count === 1 ? "record is" : "records are"} missing here: ${why}`;
  return new Entry({ n: after, at, kind: "lost", level: "warn", lost: { text, count, after, before } }, 200);
}

export const textOf = data => data?.decoded ?? data?.text ?? (data?.base64 ? `${data.bytes} bytes` : "");

// messageOf returns the reason in an answer: the message of an error in JSON, or the text.
export function messageOf(answer) {
  if (answer.length > maxParsed || !answer.startsWith("{")) return answer.slice(0, maxMessage);
  try {
    const value = JSON.parse(answer);
    const text = value.error?.message ?? value.error ?? value.message ?? value.detail ?? value.title;
    return (typeof text === "string" ? text : answer).slice(0, maxMessage);
  } catch {
    return answer.slice(0, maxMessage);
  }
}

const words = name => name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().replace(/^./, c => c.toUpperCase());

// refusal returns the error of an answer that refuses an event with a status of 2xx, as
// webpubsub.JSONRefusal does so that the client learns the reason.
function refusal(text) {
  if (!text?.startsWith('{"error":{"status":') || text.length > maxParsed) return undefined;
  try {
    const { error } = JSON.parse(text);
    return error.status >= 400 ? { status: error.status, message: String(error.message ?? "") } : undefined;
  } catch {
    return undefined;
  }
}

function decoded(part) {
  if (part === undefined) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
