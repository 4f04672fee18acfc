// @azure/web-pubsub-client and the Go client in one group: each receives what the
// other sends, byte for byte.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openGo, payload } from "./goclient.js";
import { open, protocols, queue, service, startHarness, startProxy } from "./kit.js";

let harness;
before(async () => {
  harness = await startHarness();
});
after(() => harness.stop());

const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);

/** A serialized google.protobuf.Any with bytes as its value. */
const any = (b) => {
  const length = b.length < 128 ? [b.length] : b.length < 16384 ? [(b.length & 127) | 128, b.length >> 7] : [(b.length & 127) | 128, ((b.length >> 7) & 127) | 128, b.length >> 14];
  return Uint8Array.from([0x0a, 1, 0x78, 0x12, ...length, ...b]);
};

const blobs = [bytes, new Uint8Array(0), bytes.toReversed().slice(1), new Uint8Array(100_000)];

/** Every kind of data: what the JavaScript client sends and hears, and how the Go client has it. */
const kinds = [
  ...["", "hä", "日本 🎉 e\u0301", 'quotes " and \\ and </script>', "\u0000\u0001\u001f\u007f\u2028\u2029\n\r\t", "null", "x".repeat(100_000)].map((s) => ["text", s, payload.text(s)]),
  ...[
    { a: { b: [1, [2, { c: null }], []] }, "": {}, "ключ": "значение 🎉", "__proto__x": "<&>" },
    [0, -1, 1.5, 1e21, 5e-324, 1.7976931348623157e308, Number.MAX_SAFE_INTEGER, 0.1],
    "a string", "", 0, -12.25, true, false, [], {}, [null], "\u2028\u2029\\\"/",
  ].map((v) => ["json", v, payload.json(JSON.stringify(v))]),
  ...blobs.map((b) => ["binary", b.buffer, payload.binary(b)]),
  ...blobs.map(any).map((b) => ["protobuf", b.buffer, payload.protobuf(b)]),
];

/** together opens one client of each kind, both in a group. */
async function together(hub, group, js = {}, go = {}) {
  const ann = await open(harness, hub, { userId: "ann", ...js });
  const gus = await openGo(harness, hub, { userId: "gus", ...go });
  await ann.client.joinGroup(group);
  await gus.join(group);
  return { ann, gus, close: () => Promise.all([ann.close(), gus.close()]) };
}

for (const js of Object.keys(protocols)) {
  for (const go of Object.keys(protocols)) {
    test(`every kind of data, both ways and back to its sender: JavaScript on ${js}, Go on ${go}`, async () => {
      const group = `kinds-${js}-${go}`;
      const { ann, gus, close } = await together("plain", group, { protocol: js }, { protocol: go });
      for (const [type, value, wanted] of kinds) {
        for (const [user, send] of [["ann", () => ann.client.sendToGroup(group, value, type)], ["gus", () => gus.send(group, wanted)]]) {
          const sent = await send();
          assert.ok(sent.ackId > 0);
          assert.deepEqual(await gus.next("group"), { event: "group", group, user, data: wanted });
          const { message } = await ann.group.next();
          assert.deepEqual([message.group, message.fromUserId, message.dataType], [group, user, type]);
          assert.deepEqual(message.data, value);
        }
      }
      await close();
    });
  }
}

for (const protocol of Object.keys(protocols)) {
  describe(protocol, () => {
    const group = `room-${protocol}`;
    const both = (hub = "plain", name = group) => together(hub, name, { protocol }, { protocol });

    test("no echo, no ack, metadata, leaving", async () => {
      const { ann, gus, close } = await both();
      await ann.client.sendToGroup(group, "to others", "text", { noEcho: true });
      assert.deepEqual((await gus.next("group")).data, payload.text("to others"));
      await gus.send(group, payload.text("to others, too"), { noEcho: true });
      assert.equal((await ann.group.next()).message.data, "to others, too");
      assert.deepEqual(await ann.client.sendToGroup(group, "no ack", "text", { fireAndForget: true }), { isDuplicated: false });
      assert.equal((await ann.group.next()).message.data, "no ack", "the first that comes back to its sender");
      assert.deepEqual((await gus.next("group")).data, payload.text("no ack"));
      assert.equal((await gus.send(group, payload.text("no ack, too"), { fireAndForget: true, metadata: { lang: "en" } })).ackId, undefined);
      const heard = await gus.next("group");
      assert.deepEqual([heard.data, heard.metadata], [payload.text("no ack, too"), { lang: "en" }], "the first that comes back to its sender");
      const { message } = await ann.group.next();
      assert.deepEqual([message.data, message.metadata], ["no ack, too", { lang: "en" }]);

      await gus.leave(group);
      await ann.client.sendToGroup(group, "without Go", "text");
      await gus.join(group);
      await ann.client.sendToGroup(group, "with Go", "text");
      assert.deepEqual((await gus.next("group")).data, payload.text("with Go"));
      await close();
    });

    test("acks: a repeated one is a duplicate and done once, a request without the role is forbidden", async () => {
      const { ann, gus, close } = await both();
      assert.deepEqual(await ann.client.sendToGroup(group, "of JavaScript", "text", { ackId: 900 }), { ackId: 900, isDuplicated: false });
      assert.deepEqual(await ann.client.sendToGroup(group, "of JavaScript", "text", { ackId: 900 }), { ackId: 900, isDuplicated: true });
      assert.equal((await gus.send(group, payload.text("of Go"), { ackId: 900 })).duplicate, undefined, "ack ids are a connection's own");
      assert.equal((await gus.send(group, payload.text("of Go"), { ackId: 900 })).duplicate, true);
      await gus.send(group, payload.text("end"));
      for (const text of ["of JavaScript", "of Go", "end"]) {
        assert.deepEqual((await gus.next("group")).data, payload.text(text));
        assert.equal((await ann.group.next()).message.data, text);
      }
      const eve = await openGo(harness, "plain", { protocol, roles: [] });
      await assert.rejects(eve.send(group, payload.text("let me in")), { forbidden: true, name: "Forbidden" });
      await assert.rejects(eve.join(group), { forbidden: true });
      await assert.rejects(eve.call("open", { name: group, stream: "s" }), { forbidden: true });
      await eve.close();
      await close();
    });

    test("events and invocations, answered by a Go handler", async () => {
      const { ann, gus, close } = await both("go");
      for (const [event, value, data] of [
        ["text", "hä 🎉", payload.text("hä 🎉")],
        ["say", { text: "hi" }, payload.json('{"text":"hi"}')],
        ["raw", bytes.buffer, payload.binary(bytes)],
      ]) {
        const { ackId } = await gus.event(event, data);
        assert.ok(ackId > 0);
        assert.deepEqual(await gus.next("server"), { event: "server", data });
        await ann.client.sendEvent(event, value, data.type);
        assert.deepEqual(ann.server.seen.shift().message.data, value);
        assert.deepEqual(await gus.invoke(event, data), data);
        assert.deepEqual((await ann.client.invokeEvent(event, value, data.type)).data, value);
      }
      for (const count of [1, 2]) {
        assert.deepEqual(await gus.invoke("count", payload.text("")), payload.json(`{"count":${count}}`));
        assert.deepEqual((await ann.client.invokeEvent("count", "", "text")).data, { count }, "state is a connection's own");
      }
      await assert.rejects(gus.event("refuse", payload.text("x")), { name: "InternalServerError" });
      await assert.rejects(ann.client.sendEvent("refuse", "x", "text"), (e) => e.errorDetail.name === "InternalServerError");
      const refused = await gus.invoke("refuse", payload.text("x")).catch((e) => e);
      await assert.rejects(ann.client.invokeEvent("refuse", "x", "text"), (e) => e.name === "InvocationError" && e.errorDetail.name === refused.name);
      await close();
    });

    test("streams from JavaScript to Go: end, abort, silence", async () => {
      const { ann, gus, close } = await both();
      const hears = async (stream, ...pieces) => {
        const named = { group, stream, user: "ann" };
        assert.deepEqual(await gus.next("stream"), { event: "stream", ...named });
        for (const data of pieces) assert.deepEqual(await gus.next("piece"), { event: "piece", ...named, data });
        const { error, ...end } = await gus.next("end");
        assert.deepEqual(end, { event: "end", ...named });
        return error;
      };
      const sent = kinds.filter(([type, value]) => type === "json" || value.length > 0 || value.byteLength > 0);
      const writer = await ann.client.openGroupStream(group, { streamId: "whole" });
      for (const [type, value] of sent) await writer.write(value, type);
      await writer.end();
      assert.equal(await hears("whole", ...sent.map(([, , data]) => data)), undefined);

      const failing = await ann.client.openGroupStream(group, { streamId: "part" });
      await failing.write("part", "text");
      await failing.abort({ message: "gave up", userErrorCode: "E 1" });
      const error = await hears("part", payload.text("part"));
      assert.deepEqual([error.name, error.userErrorCode], ["UserError", "E 1"]);
      assert.match(error.text, /gave up/);

      const silent = await ann.client.openGroupStream(group, { streamId: "silent", idleTimeoutInMs: 100 });
      const failed = queue("error of the stream");
      silent.onError(failed.put);
      await silent.write("…", "text");
      assert.equal((await hears("silent", payload.text("…"))).name, "IdleTimeout");
      assert.match((await failed.next()).message, /idle/i);
      await close();
    });

    test("streams from Go to JavaScript: end, abort, silence", async () => {
      const { ann, gus, close } = await both();
      const streams = queue("stream");
      ann.client.onGroupStream(async (stream) => {
        const heard = { id: stream.streamId, group: stream.groupName, pieces: [] };
        try {
          for await (const m of stream) heard.pieces.push([m.fromUserId, m.dataType, m.data]);
        } catch (e) {
          heard.error = e;
        }
        streams.put(heard);
      });
      const hears = async (id, ...pieces) => {
        const { error, ...heard } = await streams.next();
        assert.deepEqual(heard, { id, group, pieces: pieces.map(([type, value]) => ["gus", type, value]) });
        return error;
      };
      const whole = await gus.stream(group, { stream: "whole" });
      for (const [, , data] of kinds) await whole.write(data);
      await whole.close();
      assert.equal(await hears("whole", ...kinds), undefined);

      const failing = await gus.stream(group, { stream: "part" });
      await failing.write(payload.text("part"));
      await failing.abort("E 1", "gave up");
      const { name, userErrorCode, message } = await hears("part", ["text", "part"]);
      assert.deepEqual([name, userErrorCode, message], ["UserError", "E 1", "gave up"]);

      const silent = await gus.stream(group, { stream: "silent", idleMs: 100 });
      await silent.write(payload.text("…"));
      assert.equal((await hears("silent", ["text", "…"])).name, "IdleTimeout");
      await assert.rejects(silent.done(), { name: "IdleTimeout" });
      await close();
    });

    test("closed by the application: both are told why, and come back to their groups", async () => {
      const { ann, gus, close } = await both("plain", `closed-${protocol}`);
      const rest = service(harness, "plain").group(`closed-${protocol}`);
      await rest.closeAllConnections({ reason: "maintenance" });
      const gone = await gus.next("disconnected");
      const { connectionId, message } = await ann.disconnected.next();
      assert.deepEqual([gone.connection, connectionId], [gus.id, ann.id]);
      assert.match(gone.message, /Reason: maintenance$/);
      assert.equal(gone.message, message.message);
      assert.equal(gone.closeCode, 1000);
      assert.notEqual((await gus.next("connected")).connection, gus.id);
      await ann.connected.next();
      await rest.sendToAll("again", { contentType: "text/plain" });
      assert.deepEqual((await gus.next("group")).data, payload.text("again"));
      assert.equal((await ann.group.next()).message.data, "again");
      await close();
    });
  });
}

describe("TCP connections that are cut while messages flow, on json.reliable", () => {
  const count = 400;
  const numbers = Array.from({ length: count }, (_, n) => String(n));

  /** flow has clients behind a proxy that cuts all connections ten times while f is called for each number by each. */
  async function flow(group, f) {
    const proxy = await startProxy(harness);
    const at = { endpoint: proxy.endpoint };
    const c = await together("plain", group, { ...at, messageRetryOptions: { maxRetries: 1000, retryDelayInMs: 10 } }, at);
    const steps = await f(c);
    let done = 0;
    await Promise.all(
      steps.map(async (step) => {
        for (const n of numbers) {
          await step(n);
          if (++done % 80 === 0) proxy.cut();
        }
      }),
    );
    return {
      ...c,
      close: async () => {
        for (const gone of [c.ann.disconnected.seen, c.ann.connected.seen, c.gus.events("disconnected").seen, c.gus.events("connected").seen]) {
          assert.deepEqual(gone, [], "both were recovered each time");
        }
        assert.ok(c.gus.events("recovered").seen.length > 0);
        assert.equal(c.gus.events("recovered").seen.length, c.gus.events("recovering").seen.length);
        await c.close();
        proxy.stop();
      },
    };
  }

  test("messages: nothing lost, nothing twice, in order", async () => {
    // The JavaScript client repeats an ack id only if the caller sets it.
    const { ann, gus, close } = await flow("cut", ({ ann, gus }) => [
      (n) => ann.client.sendToGroup("cut", n, "text", { ackId: 1000 + Number(n) }),
      (n) => gus.send("cut", payload.text(n)),
    ]);
    await service(harness, "plain").group("cut").sendToAll("end", { contentType: "text/plain" });
    const heard = { ann: { ann: [], gus: [] }, gus: { ann: [], gus: [] } };
    for (let m; (m = (await ann.group.next()).message).data !== "end"; ) heard.ann[m.fromUserId].push(m.data);
    for (let m; (m = await gus.next("group")).data.text !== "end"; ) heard.gus[m.user].push(m.data.text);
    assert.deepEqual(heard, { ann: { ann: numbers, gus: numbers }, gus: { ann: numbers, gus: numbers } });
    await close();
  });

  test("streams: the same", async () => {
    const heard = queue("end of a stream");
    const writers = {};
    const { gus, close } = await flow("cut-stream", async ({ ann, gus }) => {
      ann.client.onGroupStream(
        async (stream) => {
          const pieces = [];
          for await (const m of stream) pieces.push(m.data);
          heard.put(pieces);
        },
        { handleFromStart: true },
      );
      writers.ann = await ann.client.openGroupStream("cut-stream", { noEcho: true });
      writers.gus = await gus.stream("cut-stream", { noEcho: true });
      return [(n) => writers.ann.write(n, "text"), (n) => writers.gus.write(payload.text(n))];
    });
    await writers.ann.end();
    await writers.gus.close();
    assert.deepEqual(await heard.next(), numbers);
    assert.equal((await gus.next("end")).error, undefined);
    assert.deepEqual(gus.events("piece").seen.map((p) => p.data.text), numbers);
    await close();
  });
});

describe("TCP connections that are cut, on json", () => {
  test("both come back as other connections, in their groups", async () => {
    const proxy = await startProxy(harness);
    const at = { protocol: "json", endpoint: proxy.endpoint };
    const { ann, gus, close } = await together("plain", "cut-json", { ...at, reconnectRetryOptions: { retryDelayInMs: 10 } }, at);
    proxy.cut();
    assert.equal((await gus.next("disconnected")).connection, gus.id);
    assert.equal((await ann.disconnected.next()).connectionId, ann.id);
    assert.notEqual((await gus.next("connected")).connection, gus.id);
    assert.notEqual((await ann.connected.next()).connectionId, ann.id);
    await ann.client.sendToGroup("cut-json", "here again", "text");
    assert.deepEqual((await gus.next("group")).data, payload.text("here again"));
    await gus.send("cut-json", payload.text("so am I"), { noEcho: true });
    assert.equal((await ann.group.next()).message.data, "here again");
    assert.equal((await ann.group.next()).message.data, "so am I");
    await close();
    proxy.stop();
  });
});
