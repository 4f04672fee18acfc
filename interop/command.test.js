// The programs as a user starts them: webpubsub emulator, the example echo, and an
// official client that receives its echo.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";
import { open, service, within } from "./kit.js";

/** freePort asks the system for a port that nobody listens on. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** listening waits until a program takes connections on a port. */
async function listening(port) {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const open = await new Promise((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** start runs a program until its output has a line that fits. */
async function start(program, args, env, fits) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const found = await within(
    new Promise((resolve, reject) => {
      lines.on("line", (line) => fits(line) && resolve(line));
      child.on("exit", (code) => reject(new Error(`${program} ended with ${code}`)));
    }),
    `output of ${program}`,
  );
  return { child, found };
}

test("webpubsub emulator beside examples/echo", async () => {
  const port = await freePort();
  const upstream = `http://localhost:${port}/eventhandler`;
  const emulator = await start(
    process.env.WEBPUBSUB,
    ["emulator", "--addr", "127.0.0.1:0", "--origin", "localhost", "--hub", "echo", "--upstream", upstream],
    {},
    (line) => line.startsWith("connection string"),
  );
  const connectionString = emulator.found.replace("connection string", "").trim();
  const handler = { ...process.env, PORT: String(port), WEBPUBSUB_CONNECTION_STRING: connectionString };
  const echo = spawn(process.env.ECHO, [], { env: handler, stdio: "ignore" });
  await within(listening(port), "listening echo");
  const harness = { connectionString, endpoint: /Endpoint=([^;]+)/.exec(connectionString)[1] };
  const { stdout } = await promisify(execFile)(process.execPath, ["echo.js"], {
    env: { ...process.env, WEBPUBSUB_CONNECTION_STRING: connectionString },
    timeout: 15_000,
  });
  assert.equal(stdout, "hello\n", "the client of docs/emulator.md");
  const ann = await open(harness, "echo", { userId: "ann" });
  await ann.client.sendEvent("message", "hello", "text");
  assert.equal((await ann.server.next()).message.data, "hello");
  await service(harness, "echo").sendToUser("ann", "by the service", { contentType: "text/plain" });
  assert.equal((await ann.server.next()).message.data, "by the service");
  await ann.close();
  emulator.child.kill("SIGTERM");
  assert.deepEqual(await once(emulator.child, "exit"), [0, null]);
  echo.kill("SIGKILL");
  await once(echo, "exit");
});
