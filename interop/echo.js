// The client of docs/emulator.md: it sends hello to the hub "echo", prints the answer
// and stops.
import { webcrypto } from "node:crypto";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient } from "@azure/web-pubsub-client";

globalThis.crypto ??= webcrypto; // Node.js 18

const emulator = "Endpoint=http://localhost:8080;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;";
const service = new WebPubSubServiceClient(process.env.WEBPUBSUB_CONNECTION_STRING ?? emulator, "echo", { allowInsecureConnection: true });
const { url } = await service.getClientAccessToken({ userId: "ann" });
const client = new WebPubSubClient(url);
client.on("server-message", ({ message }) => {
  console.log(message.data);
  client.stop();
});
client.on("stopped", () => process.exit());
await client.start();
await client.sendEvent("message", "hello", "text");
