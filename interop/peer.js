// The peer of npm for the program in peers, which compares the clients: the packages with
// their defaults. It carries out the commands of standard input, one after the other.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient } from "@azure/web-pubsub-client";

globalThis.crypto ??= webcrypto; // Node.js 18

const [url, connectionString, hub] = process.argv.slice(2);
const body = { text: "a message of 100 bytes, which a client receives 2000 times a second, one at a time: 12345" };
const sink = "sink";
const text = "x".repeat(1024);

let whole = 0;
let broken = false;
let news = () => {};
let sending;
let group;

async function start(prepare = () => {}) {
  const client = new WebPubSubClient(url);
  prepare(client);
  await client.start();
  return client;
}

async function send(options) {
  sending ??= await start();
  await sending.sendToGroup(sink, body, "json", options);
}

const jobs = {
  async open(n) {
    for (let i = 0; i < n; i++) await start();
  },
  listen: () =>
    start((client) =>
      client.on("group-message", ({ message }) => {
        if (message.data.text === body.text) whole++;
        else broken = true;
        news();
      }),
    ),
  async receive(n) {
    await new Promise((resolve) => {
      news = () => (whole >= n || broken) && resolve();
      news();
    });
    news = () => {};
    if (broken || whole !== n) throw new Error(`${whole} messages are whole, want ${n} and no others`);
  },
  async forget(n) {
    for (let i = 0; i < n; i++) await send({ fireAndForget: true });
  },
  async ack(all, together) {
    const some = async () => {
      for (let i = 0; i < all / together; i++) await send();
    };
    sending ??= await start();
    await Promise.all(Array.from({ length: together }, some));
  },
  async post(n) {
    group ??= new WebPubSubServiceClient(connectionString, hub, { allowInsecureConnection: true }).group(sink);
    for (let i = 0; i < n; i++) await group.sendToAll(text, { contentType: "text/plain" });
  },
  async collect() {
    for (let i = 0; i < 3; i++) globalThis.gc();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...numbers] = line.split(" ");
  try {
    await jobs[name](...numbers.map(Number));
    console.log("done");
  } catch (err) {
    console.log(String(err));
  }
}
process.exit(); // the clients keep timers
