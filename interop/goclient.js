// The Go client for tests: the program goclient, with commands over its standard input
// and output.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { allRoles, clientURL, opened, queue, within } from "./kit.js";

/** The payload of a message as both clients' tests compare it. */
export const payload = {
  text: (s) => ({ type: "text", text: s }),
  json: (s) => ({ type: "json", text: s }),
  binary: (b) => ({ type: "binary", text: Buffer.from(b).toString("base64") }),
  protobuf: (b) => ({ type: "protobuf", text: Buffer.from(b).toString("base64") }),
};

/** openGo starts the Go client as open does the JavaScript client. */
export async function openGo(harness, hub, { protocol = "json.reliable", userId, roles = allRoles, groups, endpoint } = {}) {
  const program = process.env.GOCLIENT;
  if (!program) throw new Error("GOCLIENT names no program: run make interop");
  const child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  const running = { stop: () => child.stdin.end() };
  opened.add(running);
  const answers = new Map();
  const heard = {};
  const of = (event) => (heard[event] ??= queue(`event ${event} of the Go client`));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const a = JSON.parse(line);
    if (a.event) return of(a.event).put(a);
    const { resolve, reject } = answers.get(a.id);
    answers.delete(a.id);
    if (a.error) reject(Object.assign(new Error(a.error.text), a.error));
    else resolve(a);
  });
  let last = 0;
  const call = (command, args = {}) => {
    const id = ++last;
    const answer = new Promise((resolve, reject) => answers.set(id, { resolve, reject }));
    child.stdin.write(JSON.stringify({ id, do: command, ...args }) + "\n");
    const died = exit.then(([code]) => Promise.reject(new Error(`goclient ended with ${code}`)));
    died.catch(() => {});
    return within(Promise.race([answer, died]), `answer to ${command} of the Go client`);
  };
  const c = {
    call,
    events: of,
    next: (event) => of(event).next(),
    join: (name, args) => call("join", { name, ...args }),
    leave: (name, args) => call("leave", { name, ...args }),
    send: (name, data, args) => call("send", { name, data, ...args }),
    event: (name, data, args) => call("event", { name, data, ...args }),
    invoke: async (name, data) => (await call("invoke", { name, data })).data,
    /** stream opens a stream to a group. */
    stream: async (name, args = {}) => {
      const stream = args.stream ?? `go-${++last}`;
      await call("open", { name, ...args, stream });
      return {
        id: stream,
        write: (data) => call("write", { stream, data }),
        close: () => call("close", { stream }),
        abort: (code, message) => call("abort", { stream, code, message }),
        done: () => call("done", { stream }),
      };
    },
    close: async () => {
      running.stop();
      opened.delete(running);
      const [code] = await within(exit, "end of the Go client");
      if (code !== 0) throw new Error(`goclient ended with ${code}`);
    },
  };
  const url = await clientURL(harness, hub, { userId, roles, groups, endpoint });
  c.id = (await call("start", { url, protocol })).connection;
  c.greeting = await c.next("connected");
  return c;
}
