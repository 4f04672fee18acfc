// @azure/web-pubsub-client against the emulator, in both of its subprotocols.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { open, protocols, service, startHarness, startProxy, within } from "./kit.js";

let harness;
before(async () => {
  harness = await startHarness();
});
after(() => harness.stop());

for (const protocol of Object.keys(protocols)) {
  describe(protocol, () => {
    test("connect, with user and without", async () => {
      const ann = await open(harness, "plain", { protocol, userId: "ann" });
      assert.equal(ann.greeting.userId, "ann");
      assert.match(ann.id, /./);
      const nobody = await open(harness, "plain", { protocol });
      assert.ok(nobody.greeting.userId == null);
      assert.notEqual(nobody.id, ann.id);
      await ann.close();
      await nobody.close();
    });

    test("groups: join, send all kinds of data, echo or not, leave", async () => {
      const ann = await open(harness, "plain", { protocol, userId: "ann" });
      const bob = await open(harness, "plain", { protocol, userId: "bob" });
      assert.deepEqual(await ann.client.joinGroup("g"), { ackId: 1, isDuplicated: false });
      await bob.client.joinGroup("g");
      for (const [data, dataType] of [["hä", "text"], [{ a: [1, null] }, "json"], [new Uint8Array([0, 255]).buffer, "binary"]]) {
        await ann.client.sendToGroup("g", data, dataType);
        for (const c of [ann, bob]) {
          const { message } = await c.group.next();
          assert.equal(message.group, "g");
          assert.equal(message.fromUserId, "ann");
          assert.equal(message.dataType, dataType);
          assert.deepEqual(message.data, data);
        }
      }
      await ann.client.sendToGroup("g", "no echo", "text", { noEcho: true });
      assert.equal((await bob.group.next()).message.data, "no echo");
      assert.deepEqual(await ann.client.sendToGroup("g", "no ack", "text", { fireAndForget: true }), { isDuplicated: false });
      assert.equal((await ann.group.next()).message.data, "no ack");
      assert.equal((await bob.group.next()).message.data, "no ack");
      await bob.client.leaveGroup("g");
      await ann.client.sendToGroup("g", "alone", "text");
      assert.equal((await ann.group.next()).message.data, "alone");
      assert.equal(bob.group.seen.length, 0);
      await ann.close();
      await bob.close();
    });

    test("a repeated ack id is a duplicate and done once", async () => {
      const ann = await open(harness, "plain", { protocol });
      await ann.client.joinGroup("g-dup");
      assert.deepEqual(await ann.client.sendToGroup("g-dup", "one", "text", { ackId: 77 }), { ackId: 77, isDuplicated: false });
      assert.deepEqual(await ann.client.sendToGroup("g-dup", "one", "text", { ackId: 77 }), { ackId: 77, isDuplicated: true });
      await ann.client.sendToGroup("g-dup", "two", "text");
      assert.equal((await ann.group.next()).message.data, "one");
      assert.equal((await ann.group.next()).message.data, "two");
      await ann.close();
    });

    test("without a role, a request is forbidden and the connection stays", async () => {
      const eve = await open(harness, "plain", { protocol, userId: "eve", roles: [] });
      await assert.rejects(eve.client.joinGroup("secret"), (e) => e.name === "SendMessageError" && e.errorDetail.name === "Forbidden");
      await service(harness, "plain").grantPermission(eve.id, "joinLeaveGroup", { targetName: "secret" });
      await eve.client.joinGroup("secret");
      await eve.close();
    });

    test("an event that nobody takes fails", async () => {
      const ann = await open(harness, "plain", { protocol });
      await assert.rejects(ann.client.sendEvent("e", "x", "text"), { name: "SendMessageError" });
      await ann.close();
    });

    test("events and their answers, in all kinds of data", async () => {
      const ann = await open(harness, "go", { protocol, userId: "ann" });
      for (const [event, data, dataType] of [["text", "hä", "text"], ["say", { text: "hi" }, "json"], ["raw", new Uint8Array([1, 2]).buffer, "binary"]]) {
        const { ackId, isDuplicated } = await ann.client.sendEvent(event, data, dataType);
        assert.ok(ackId > 0);
        assert.equal(isDuplicated, false);
        assert.equal(ann.server.seen.length, 1, "the answer comes before the ack");
        const { message } = await ann.server.next();
        assert.equal(message.dataType, dataType);
        assert.deepEqual(message.data, data);
      }
      await assert.rejects(ann.client.sendEvent("refuse", "x", "text"), (e) => e.errorDetail.name === "InternalServerError");
      await ann.close();
    });

    test("invoke", async () => {
      const ann = await open(harness, "go", { protocol });
      assert.deepEqual(await ann.client.invokeEvent("text", "hi", "text", { invocationId: "i1" }), { invocationId: "i1", dataType: "text", data: "hi" });
      const json = await ann.client.invokeEvent("say", { text: "hi" }, "json");
      assert.deepEqual(json.data, { text: "hi" });
      const raw = await ann.client.invokeEvent("raw", new Uint8Array([3]).buffer, "binary");
      assert.deepEqual(new Uint8Array(raw.data), new Uint8Array([3]));
      await assert.rejects(ann.client.invokeEvent("refuse", "x", "text"), { name: "InvocationError" });
      const abort = new AbortController();
      const cancelled = ann.client.invokeEvent("text", "x", "text", { abortSignal: abort.signal });
      abort.abort();
      await assert.rejects(cancelled);
      assert.equal((await ann.client.invokeEvent("text", "after", "text")).data, "after");
      await ann.close();
    });

    test("streams to a group: end and abort", async () => {
      const ann = await open(harness, "plain", { protocol, userId: "ann" });
      const bob = await open(harness, "plain", { protocol });
      await bob.client.joinGroup("s");
      const ended = [];
      let wake;
      bob.client.onGroupStream(
        async (stream) => {
          const seen = { id: stream.streamId, data: [] };
          try {
            for await (const m of stream) seen.data.push(m.data);
          } catch (e) {
            seen.error = e.name;
            seen.code = e.userErrorCode ?? e.errorDetail?.userErrorCode;
          }
          ended.push(seen);
          wake?.();
        },
        { handleFromStart: true, groupNames: ["s"] },
      );
      const until = (n) => within(poll(() => ended.length >= n, (f) => (wake = f)), `${n} streams`);
      const writer = await ann.client.openGroupStream("s", { streamId: "s1" });
      for (let i = 0; i < 5; i++) await writer.write({ i }, "json");
      await writer.end();
      await until(1);
      assert.deepEqual(ended[0].id, "s1");
      assert.deepEqual(ended[0].data.filter((d) => d !== ""), [0, 1, 2, 3, 4].map((i) => ({ i })));
      assert.equal(ended[0].error, undefined);

      const failing = await ann.client.openGroupStream("s");
      await failing.write("part", "text");
      await failing.abort({ message: "gave up", userErrorCode: "E1" });
      await until(2);
      assert.equal(ended[1].data[0], "part");
      assert.ok(ended[1].error);
      await ann.close();
      await bob.close();
    });

    test("a stream without the role is refused", async () => {
      const eve = await open(harness, "plain", { protocol, roles: [] });
      await assert.rejects(eve.client.openGroupStream("s"));
      await eve.close();
    });

    test("closed by the application: told why, no recovery, a new connection with its groups", async () => {
      const ann = await open(harness, "plain", { protocol, userId: "closed-" + protocol, reconnectRetryOptions: { retryDelayInMs: 10 } });
      await ann.client.joinGroup("again-" + protocol);
      await service(harness, "plain").closeConnection(ann.id, { reason: "bye" });
      const gone = await ann.disconnected.next();
      assert.equal(gone.connectionId, ann.id);
      assert.match(gone.message.message, /bye/);
      const next = await ann.connected.next();
      assert.notEqual(next.connectionId, ann.id);
      await ann.client.sendToGroup("again-" + protocol, "back", "text");
      assert.equal((await ann.group.next()).message.data, "back");
      await ann.close();
    });

    test("keep-alive: pings are answered", async () => {
      const ann = await open(harness, "plain", { protocol, keepAliveIntervalInMs: 100, keepAliveTimeoutInMs: 3000 });
      await new Promise((r) => setTimeout(r, 4500));
      assert.equal(ann.disconnected.seen.length, 0);
      assert.deepEqual(await ann.client.joinGroup("alive"), { ackId: 1, isDuplicated: false });
      await ann.close();
    });
  });
}

/** poll resolves when a condition holds, looked at whenever wake is called. */
function poll(holds, setWake) {
  return new Promise((resolve) => {
    const look = () => holds() && resolve();
    setWake(look);
    look();
  });
}

describe("a cut TCP connection", () => {
  test("json.reliable recovers: same connection, nothing lost, nothing twice, in order", async () => {
    const proxy = await startProxy(harness);
    const ann = await open(harness, "plain", { userId: "cut", endpoint: proxy.endpoint });
    await ann.client.joinGroup("cut");
    const rest = service(harness, "plain").group("cut");
    await rest.sendToAll("1", { contentType: "text/plain" });
    assert.equal((await ann.group.next()).message.data, "1");
    proxy.refuse(true);
    proxy.cut();
    for (const n of ["2", "3"]) await rest.sendToAll(n, { contentType: "text/plain" });
    proxy.refuse(false);
    assert.equal((await ann.group.next()).message.data, "2");
    assert.equal((await ann.group.next()).message.data, "3");
    proxy.cut();
    await rest.sendToAll("4", { contentType: "text/plain" });
    assert.equal((await ann.group.next()).message.data, "4");
    assert.equal(ann.disconnected.seen.length, 0);
    assert.equal(ann.connected.seen.length, 0);
    assert.equal(await service(harness, "plain").connectionExists(ann.id), true);
    await ann.close();
    proxy.stop();
  });

  test("json.reliable: a stream goes on after recovery", async () => {
    const proxy = await startProxy(harness);
    const ann = await open(harness, "plain", { endpoint: proxy.endpoint });
    const bob = await open(harness, "plain");
    await bob.client.joinGroup("cut-stream");
    const writer = await ann.client.openGroupStream("cut-stream");
    await writer.write("a", "text");
    assert.equal((await bob.group.next()).message.data, "a");
    proxy.cut();
    const writing = writer.write("b", "text").then(() => writer.end());
    assert.equal((await bob.group.next()).message.data, "b");
    await within(writing, "end of the stream");
    assert.equal((await bob.group.next()).message.stream.endOfStream, true);
    await ann.close();
    await bob.close();
    proxy.stop();
  });

  test("json does not recover: it comes back as another connection, in its groups", async () => {
    const proxy = await startProxy(harness);
    const ann = await open(harness, "plain", { protocol: "json", endpoint: proxy.endpoint, reconnectRetryOptions: { retryDelayInMs: 10 } });
    await ann.client.joinGroup("cut-json");
    proxy.cut();
    assert.equal((await ann.disconnected.next()).connectionId, ann.id);
    assert.notEqual((await ann.connected.next()).connectionId, ann.id);
    await service(harness, "plain").group("cut-json").sendToAll("x", { contentType: "text/plain" });
    assert.equal((await ann.group.next()).message.data, "x");
    await ann.close();
    proxy.stop();
  });
});

describe("handshake", () => {
  test("a token for another hub is refused", async () => {
    const { url } = await service(harness, "other").getClientAccessToken();
    // Its timers outlive a failed start and would keep the process running for 40 s.
    const client = new WebPubSubClient(url.replace("/other", "/plain"), { keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 });
    await assert.rejects(client.start(), /401/);
  });
});
