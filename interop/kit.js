// Tools of the tests: the Go program with the emulator, a TCP proxy that can break
// connections, and waits for events. They use no internals of the packages.
import { spawn } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";

// The packages need it; Node.js 18 of Debian 12 does not have it.
globalThis.crypto ??= webcrypto;

export const protocols = {
  json: () => WebPubSubJsonProtocol(),
  "json.reliable": () => WebPubSubJsonReliableProtocol(),
};

/** startHarness runs the emulator until stop is called. */
export async function startHarness(args = []) {
  const program = process.env.HARNESS;
  if (!program) throw new Error("HARNESS names no program: run make interop");
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const lines = [];
  const waiting = new Set();
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    for (const look of [...waiting]) look();
  });
  const exit = once(child, "exit");
  const first = once(createInterface({ input: child.stdout }), "line");
  const died = exit.then(([code]) => {
    throw new Error(`the harness ended with ${code}: ${lines.join("\n")}`);
  });
  died.catch(() => {});
  const [line] = await Promise.race([first, died]);
  return {
    ...JSON.parse(line),
    lines,
    /** log waits for a line that has all the words. */
    log: (...words) =>
      within(
        new Promise((resolve) => {
          const look = () => {
            const found = lines.find((l) => words.every((w) => l.includes(w)));
            if (found) {
              waiting.delete(look);
              resolve(found);
            }
          };
          waiting.add(look);
          look();
        }),
        `log line with ${words.join(" and ")}`,
        () => lines.join("\n"),
      ),
    stop: async () => {
      for (const client of opened) client.stop(); // what a test that failed has left
      child.stdin.end();
      const [code] = await exit;
      if (code !== 0) throw new Error(`the harness ended with ${code}`);
    },
  };
}

/** within fails loudly instead of hanging. */
export function within(promise, what, detail = () => "") {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within 15 s\n${detail()}`)), 15_000);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** queue collects values; next returns one after another. */
export function queue(what) {
  const seen = [];
  const waiting = [];
  return {
    seen,
    put: (e) => (waiting.length ? waiting.shift()(e) : seen.push(e)),
    next: () => within(seen.length ? Promise.resolve(seen.shift()) : new Promise((r) => waiting.push(r)), what),
  };
}

/** events collects what an event of a client brings. */
export function events(client, name) {
  const q = queue(`event ${name}`);
  client.on(name, q.put);
  return q;
}

export function service(harness, hub) {
  return new WebPubSubServiceClient(harness.connectionString, hub, { allowInsecureConnection: true });
}

export const opened = new Set(); // clients, which the end of the harness stops
export const allRoles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/** clientURL returns the address at which a client connects, or that of a proxy. */
export async function clientURL(harness, hub, { endpoint = harness.endpoint, ...token }) {
  const at = harness.connectionString.replace(harness.endpoint, endpoint);
  return (await new WebPubSubServiceClient(at, hub, { allowInsecureConnection: true }).getClientAccessToken(token)).url;
}

/** open connects a client and waits until the service has greeted it. */
export async function open(harness, hub, { protocol = "json.reliable", userId, roles = allRoles, groups, endpoint, query = "", ...options } = {}) {
  const client = new WebPubSubClient(
    { getClientAccessUrl: async () => (await clientURL(harness, hub, { endpoint, userId, roles, groups })) + query },
    {
      protocol: protocols[protocol](),
      messageRetryOptions: { maxRetries: 0 },
      // Timers of the client outlive its stop and would keep the process running for 40 s.
      keepAliveIntervalInMs: 0,
      keepAliveTimeoutInMs: 0,
      ...options,
    },
  );
  const c = {
    client,
    connected: events(client, "connected"),
    disconnected: events(client, "disconnected"),
    stopped: events(client, "stopped"),
    group: events(client, "group-message"),
    server: events(client, "server-message"),
    close: async () => {
      client.stop();
      opened.delete(client);
      await c.stopped.next();
    },
  };
  opened.add(client);
  await client.start();
  c.greeting = await c.connected.next();
  c.id = c.greeting.connectionId;
  return c;
}

/** startProxy passes TCP on to the emulator; cut ends all connections without a word. */
export async function startProxy(harness) {
  const target = new URL(harness.endpoint);
  const sockets = new Set();
  let refusing = false;
  const server = createServer((front) => {
    if (refusing) return front.destroy();
    const back = connect(Number(target.port), target.hostname);
    for (const s of [front, back]) {
      sockets.add(s);
      s.on("error", () => {});
      s.on("close", () => {
        sockets.delete(s);
        front.destroy();
        back.destroy();
      });
    }
    front.pipe(back).pipe(front);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // Node.js never exits after it resets a socket that is ending.
  const cut = () => sockets.forEach((s) => (s.writableEnded ? s.destroy() : s.resetAndDestroy()));
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    cut,
    refuse: (yes) => (refusing = yes),
    stop: () => {
      cut();
      server.close();
    },
  };
}
