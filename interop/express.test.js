// @azure/web-pubsub-express as the event handler of the emulator: each understands
// what the other sends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import express from "express";
import WebSocket from "ws";
import { open, service, startHarness, within } from "./kit.js";

let harness, web;
const seen = [];
const waiting = new Set();
const note = (kind, req) => {
  seen.push({ kind, ...req });
  for (const look of [...waiting]) look();
};
/** noted waits for an event of a kind that a condition fits. */
const noted = (kind, fits) =>
  within(
    new Promise((resolve) => {
      const look = () => {
        const found = seen.find((e) => e.kind === kind && fits(e));
        if (found) {
          waiting.delete(look);
          resolve(found);
        }
      };
      waiting.add(look);
      look();
    }),
    kind,
    () => JSON.stringify(seen, null, 1),
  );

const handler = new WebPubSubEventHandler("express", {
  allowedEndpoints: ["http://127.0.0.1", "https://other.example"],
  handleConnect: (req, res) => {
    note("connect", req);
    switch (req.queries.as?.[0]) {
      case "refused":
        return res.fail(401, "not you");
      case "silent":
        return res.success();
    }
    res.setState("visits", 1);
    res.success({ userId: "from-express", groups: ["lobby"], roles: ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"] });
  },
  handleUserEvent: (req, res) => {
    note("event", req);
    switch (req.context.eventName) {
      case "fail":
        return res.fail(400, "no");
      case "count":
        res.setState("visits", (req.context.states.visits ?? 0) + 1);
        return res.success(JSON.stringify(req.context.states), "json");
      case "silent":
        return res.success();
    }
    if (req.dataType === "json") return res.success(JSON.stringify(req.data), "json");
    res.success(req.data, req.dataType);
  },
  onConnected: (req) => note("connected", req),
  onDisconnected: (req) => note("disconnected", req),
  onGroupJoined: (req) => note("joined", req),
  onGroupLeft: (req) => note("left", req),
});

before(async () => {
  const app = express();
  app.use(handler.getMiddleware());
  web = createServer(app).listen(0, "127.0.0.1");
  await once(web, "listening");
  harness = await startHarness(["-express", `http://127.0.0.1:${web.address().port}${handler.path}`]);
});
after(async () => {
  await harness.stop();
  web.closeAllConnections();
  web.close();
});

describe("web-pubsub-express behind the emulator", () => {
  test("connect: claims, query, headers, subprotocols; user, groups and roles of its answer", async () => {
    const ann = await open(harness, "express", { userId: "ann", query: "&as=you&as=me" });
    assert.equal(ann.greeting.userId, "from-express");
    const connect = await noted("connect", (e) => e.context.connectionId === ann.id);
    assert.equal(connect.context.hub, "express");
    assert.equal(connect.context.userId, "ann");
    assert.equal(connect.context.origin, "127.0.0.1");
    assert.equal(connect.context.clientProtocol, "default");
    assert.match(connect.context.signature, /^sha256=[0-9a-f]{64}$/);
    assert.deepEqual(connect.claims.sub, ["ann"]);
    assert.deepEqual(connect.query.as, ["you", "me"]);
    assert.equal(connect.query.access_token, undefined);
    assert.ok(connect.headers);
    assert.deepEqual(connect.subprotocols, ["json.reliable.webpubsub.azure.v1"]);
    assert.deepEqual(connect.clientCertificates, []);
    const connected = await noted("connected", (e) => e.context.connectionId === ann.id);
    assert.equal(connected.context.userId, "from-express");
    assert.deepEqual(connected.context.states, { visits: 1 });
    const joined = await noted("joined", (e) => e.context.connectionId === ann.id);
    assert.equal(joined.group, "lobby");
    await ann.client.joinGroup("g");
    await noted("joined", (e) => e.context.connectionId === ann.id && e.group === "g");
    await ann.client.leaveGroup("g");
    await noted("left", (e) => e.context.connectionId === ann.id && e.group === "g");
    await ann.close();
    await noted("left", (e) => e.context.connectionId === ann.id && e.group === "lobby");
    await noted("disconnected", (e) => e.context.connectionId === ann.id);
  });

  test("an answer without body keeps what the token says", async () => {
    const ann = await open(harness, "express", { userId: "ann", query: "&as=silent", groups: ["mine"] });
    assert.equal(ann.greeting.userId, "ann");
    const members = [];
    for await (const m of await service(harness, "express").group("mine").listConnections()) members.push(m.connectionId);
    assert.deepEqual(members, [ann.id]);
    await ann.close();
  });

  test("refusal", async () => {
    const { url } = await service(harness, "express").getClientAccessToken();
    const client = new WebPubSubClient(`${url}&as=refused`, { keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 });
    await assert.rejects(client.start(), /401/);
  });

  test("events in all kinds of data", async () => {
    const ann = await open(harness, "express");
    for (const [data, dataType] of [["hä", "text"], [{ a: [1] }, "json"], [new Uint8Array([0, 255]).buffer, "binary"]]) {
      await ann.client.sendEvent("echo", data, dataType);
      const { message } = await ann.server.next();
      assert.equal(message.dataType, dataType);
      assert.deepEqual(message.data, data);
    }
    const event = await noted("event", (e) => e.context.connectionId === ann.id);
    assert.equal(event.context.eventName, "echo");
    assert.deepEqual((await ann.client.invokeEvent("echo", { b: 2 }, "json")).data, { b: 2 });
    await assert.rejects(ann.client.sendEvent("fail", "x", "text"), (e) => e.errorDetail.name === "InternalServerError");
    await ann.client.sendEvent("echo", "after", "text");
    assert.equal((await ann.server.next()).message.data, "after");
    await ann.close();
  });

  test("state goes to and fro", async () => {
    const ann = await open(harness, "express");
    for (const visits of [2, 3, 4]) {
      await ann.client.sendEvent("count", "", "text");
      assert.deepEqual((await ann.server.next()).message.data, { visits });
    }
    await ann.close();
  });

  test("a raw client: frames are the event message", async () => {
    const { url } = await service(harness, "express").getClientAccessToken({ userId: "raw" });
    const socket = new WebSocket(url);
    await once(socket, "open");
    for (const [frame, binary] of [["hä", false], [Buffer.from([0, 255]), true]]) {
      socket.send(frame);
      const [data, isBinary] = await within(once(socket, "message"), "answer");
      assert.equal(isBinary, binary);
      assert.deepEqual(data, Buffer.from(frame));
    }
    await noted("event", (e) => e.context.eventName === "message" && e.context.userId === "from-express");
    socket.close(1000, "bye");
    await once(socket, "close");
    const gone = await noted("disconnected", (e) => e.reason === "bye");
    assert.equal(gone.context.userId, "from-express");
  });
});

test("a handler for another origin gives no consent: the client is refused", async () => {
  const strict = new WebPubSubEventHandler("express", { allowedEndpoints: ["https://other.example"] });
  const server = createServer(express().use(strict.getMiddleware())).listen(0, "127.0.0.1");
  await once(server, "listening");
  const other = await startHarness(["-express", `http://127.0.0.1:${server.address().port}${strict.path}`]);
  const { url } = await service(other, "express").getClientAccessToken();
  await assert.rejects(new WebPubSubClient(url, { keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 }).start(), /500/);
  await other.log("validation failed", "other.example");
  await other.stop();
  server.closeAllConnections();
  server.close();
});
