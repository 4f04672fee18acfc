export const maxParsed = 64 << 10; // characters of a text that are parsed

const contents = new WeakMap(); // by frame

// contentOf returns the content of a frame. A message for many clients has many records
// with one frame, and one content.
export function contentOf(frame) {
  let content = contents.get(frame);
  if (!content) contents.set(frame, content = new Content(frame));
  return content;
}

// Content is what the page computes of a frame, when it is first read.
class Content {
  #frame;
  #json;
  #texts;

  constructor(frame) {
    this.#frame = frame;
  }

  // json is the object of a JSON frame, or a protobuf frame in that form, or null.
  get json() {
    if (this.#json === undefined) this.#json = parsed(this.#frame.data);
    return this.#json;
  }

  // texts are all texts of the frame in lower case.
  get texts() {
    this.#texts ??= texts(this.#frame, 1).toLowerCase();
    return this.#texts;
  }
}

function parsed(data) {
  const text = data?.decoded ?? data?.text;
  if (!text || text.length > maxParsed || !text.startsWith("{")) return null;
  try {
    const value = JSON.parse(text);
    return plain(data.decoded === undefined ? value : asJSON(value));
  } catch {
    return null; // it is no JSON, or cut
  }
}

// asJSON returns a decoded protobuf frame in the form of the JSON subprotocol.
function asJSON(frame) {
  const [[name, inner] = ["", {}]] = Object.entries(frame);
  if (name === "systemMessage") {
    const [[event, details] = ["", {}]] = Object.entries(inner);
    return { type: "system", ...details, event: event.replace(/Message$/, "") };
  }
  const out = { ...inner, type: { __proto__: null, dataMessage: "message", invokeEventMessage: "invoke" }[name] ?? name.replace(/Message$/, "") };
  if (inner?.data) [out.data] = Object.values(inner.data);
  return out;
}

// plain drops members of a frame that are not of the type that the subprotocol has: a
// stranger has written them, and an object need not have a text.
function plain(frame) {
  const out = { ...frame }, text = v => (typeof v === "string" ? v : undefined), number = v => (typeof v === "number" ? v : undefined);
  for (const name of ["type", "event", "group", "from"]) out[name] = text(out[name]);
  for (const name of ["ackId", "sequenceId"]) out[name] = number(out[name]);
  out.error = { name: text(out.error?.name), message: text(out.error?.message) };
  return out;
}

// texts returns all texts of a record's details.
export function texts(value, depth = 0) {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null || depth > 6) return "";
  let out = "";
  for (const [key, v] of Object.entries(value)) out += key === "base64" ? "" : `${depth > 2 ? key + " " : ""}${texts(v, depth + 1)} `;
  return out;
}
