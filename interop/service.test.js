// @azure/web-pubsub against the emulator: all its methods, with a connection string
// and with endpoint and key.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { AzureKeyCredential, WebPubSubServiceClient } from "@azure/web-pubsub";
import { WebPubSubClient, WebPubSubJsonProtocol } from "@azure/web-pubsub-client";
import { open, startHarness } from "./kit.js";

let harness;
before(async () => {
  harness = await startHarness();
});
after(() => harness.stop());

const options = { allowInsecureConnection: true };
const makers = {
  "connection string": (hub) => new WebPubSubServiceClient(harness.connectionString, hub, options),
  "endpoint and key": (hub) => new WebPubSubServiceClient(harness.endpoint, new AzureKeyCredential(harness.accessKey), hub, options),
};
const text = { contentType: "text/plain" };

/** refuses wants the error that the package makes of the service's 400. */
function refuses(call, target, message) {
  return assert.rejects(call, (e) => {
    assert.equal(e.statusCode, 400);
    const { code, ...rest } = JSON.parse(e.message);
    assert.equal(code, "Error.BadRequest");
    assert.deepEqual([rest.target, rest.message], [target, message]);
    assert.equal(e.response.headers.get("x-ms-error-code"), "Error.BadRequest");
    return true;
  });
}

// Each set of tests has its own hub.
for (const [i, [name, make]] of Object.entries(makers).entries()) {
  describe(name, () => {
    const hub = `service${i}`;
    let service, ann, bob;
    before(async () => {
      service = make(hub);
      ann = await open(harness, hub, { protocol: "json", userId: "ann", roles: [] });
      bob = await open(harness, hub, { protocol: "json", userId: "bob", roles: [] });
    });
    after(async () => {
      await ann.close();
      await bob.close();
    });
    const gets = async (c, data, dataType) => {
      const { message } = await c.next();
      assert.equal(message.dataType, dataType);
      assert.deepEqual(message.data, data);
    };

    test("sendToAll: text, JSON, binary; excluded, filter, TTL", async () => {
      await service.sendToAll("hä", text);
      await service.sendToAll({ a: 1 });
      await service.sendToAll("quoted");
      await service.sendToAll(new Uint8Array([0, 255]).buffer);
      for (const c of [ann.server, bob.server]) {
        await gets(c, "hä", "text");
        await gets(c, { a: 1 }, "json");
        await gets(c, "quoted", "json");
        await gets(c, new Uint8Array([0, 255]).buffer, "binary");
      }
      await service.sendToAll("for bob", { ...text, excludedConnections: [ann.id, "none"] });
      await service.sendToAll("for ann", { ...text, filter: "userId eq 'ann'", messageTtlSeconds: 60 });
      await gets(bob.server, "for bob", "text");
      await gets(ann.server, "for ann", "text");
      await refuses(service.sendToAll("x", { ...text, filter: "userId gt 'a'" }), "filter", "Invalid syntax for 'userId gt 'a'': Type 'string', expect 'int'. (Parameter 'filter')");
      await refuses(service.sendToAll("x", { ...text, messageTtlSeconds: 301 }), "messageTtlSeconds", "Invalid messageTtlSeconds.");
      // The text of the test of the package against the service.
      await refuses(service.sendToAll("x", { ...text, filter: "invalid filter" }), "filter", "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')");
    });

    test("sendToAll: a stream of unknown length", async () => {
      await service.sendToAll(() => Readable.from([Buffer.from("a"), Buffer.from("b")]));
      await gets(ann.server, new TextEncoder().encode("ab").buffer, "binary");
      await gets(bob.server, new TextEncoder().encode("ab").buffer, "binary");
    });

    test("sendToUser, sendToConnection", async () => {
      await service.sendToUser("ann", "for ann", text);
      await service.sendToUser("ann", { a: 1 }, { filter: "startswith(userId, 'a')", messageTtlSeconds: 1 });
      await service.sendToConnection(bob.id, "for bob", text);
      await service.sendToConnection(bob.id, [1], { messageTtlSeconds: 1 });
      await gets(ann.server, "for ann", "text");
      await gets(ann.server, { a: 1 }, "json");
      await gets(bob.server, "for bob", "text");
      await gets(bob.server, [1], "json");
      await service.sendToUser("nobody", "x", text);
      await service.sendToConnection("none", "x", text);
    });

    test("group: addConnection, addUser, sendToAll, removeConnection, removeUser", async () => {
      const g = service.group("a b/ü");
      assert.equal(await service.groupExists("a b/ü"), false);
      await g.addConnection(ann.id);
      await g.addUser("bob");
      assert.equal(await service.groupExists("a b/ü"), true);
      await g.sendToAll("hi", text);
      await g.sendToAll({ a: 1 }, { excludedConnections: [ann.id], filter: "'a b/ü' in groups", messageTtlSeconds: 5 });
      const { message } = await ann.group.next();
      assert.equal(message.group, "a b/ü");
      assert.ok(message.fromUserId == null);
      await gets(bob.group, "hi", "text");
      await gets(bob.group, { a: 1 }, "json");
      await g.removeConnection(ann.id);
      await g.removeUser("bob");
      assert.equal(await service.groupExists("a b/ü"), false);
      await assert.rejects(g.addConnection("none"), (e) => e.statusCode === 404 && e.code === "Error.Connection.NotExisted");
      await assert.rejects(g.addUser("nobody"), (e) => e.statusCode === 404 && /`nobody` is not found/.test(e.message));
      await g.removeConnection("none");
      await g.removeUser("nobody");
    });

    test("group: listConnections, by pages", async () => {
      const others = await Promise.all([1, 2, 3, 4, 5].map(() => open(harness, hub, { protocol: "json", groups: ["list"], autoReconnect: false })));
      const g = service.group("list");
      await g.addUser("ann");
      const all = [];
      for await (const m of await g.listConnections()) all.push(m);
      assert.equal(all.length, 6);
      assert.deepEqual(all.find((m) => m.userId), { connectionId: ann.id, userId: "ann" });
      const ids = [];
      for await (const m of await g.listConnections({ maxPageSize: 2 })) ids.push(m.connectionId);
      assert.deepEqual(ids, all.map((m) => m.connectionId));
      const five = [];
      for await (const m of await g.listConnections({ maxPageSize: 2, top: 5 })) five.push(m.connectionId);
      assert.deepEqual(five, ids.slice(0, 5));
      const sizes = [];
      for await (const page of (await g.listConnections({ maxPageSize: 4 })).byPage()) sizes.push(page.length);
      assert.deepEqual(sizes, [4, 2]);
      for await (const m of await service.group("nobody").listConnections()) assert.fail(m.connectionId);
      await service.removeUserFromAllGroups("ann");
      await g.closeAllConnections({ reason: "enough" });
      for (const o of others) {
        assert.match((await o.disconnected.next()).message.message, /enough/);
        await o.stopped.next();
      }
    });

    test("addConnectionsToGroups, removeConnectionsFromGroups, removeUserFromAllGroups, removeConnectionFromAllGroups", async () => {
      await service.addConnectionsToGroups(["m1", "m2"], "userId in ('ann', 'bob')");
      assert.deepEqual([await service.groupExists("m1"), await service.groupExists("m2")], [true, true]);
      await refuses(service.addConnectionsToGroups([], "true"), "groups", "The field groups must have one group at least.");
      await refuses(service.addConnectionsToGroups(["m3"], " "), "filter", "Invalid syntax for ' ': End of filter at offset 1, expect an operand. (Parameter 'filter')");
      await service.removeConnectionsFromGroups(["m1"], "'m2' in groups");
      assert.deepEqual([await service.groupExists("m1"), await service.groupExists("m2")], [false, true]);
      await service.removeUserFromAllGroups("ann");
      await service.removeConnectionFromAllGroups(bob.id);
      assert.equal(await service.groupExists("m2"), false);
      await service.removeConnectionFromAllGroups("none");
      await service.removeUserFromAllGroups("nobody");
    });

    test("listConnections: a page of another listing is refused", async () => {
      const list = async (group, continuationToken) => (await service.group(group).listConnections({ continuationToken })).next();
      await refuses(list("m1", "bm8="), "continuationToken", "Invalid continuationToken.");
    });

    test("connectionExists, userExists, groupExists", async () => {
      assert.deepEqual(await Promise.all([service.connectionExists(ann.id), service.userExists("ann")]), [true, true]);
      assert.deepEqual(await Promise.all([service.connectionExists("none"), service.userExists("nobody"), service.groupExists("none")]), [false, false, false]);
    });

    test("grantPermission, hasPermission, revokePermission", async () => {
      const target = { targetName: "p" };
      assert.equal(await service.hasPermission(ann.id, "sendToGroup", target), false);
      await assert.rejects(ann.client.sendToGroup("p", "x", "text"));
      await service.grantPermission(ann.id, "sendToGroup", target);
      assert.equal(await service.hasPermission(ann.id, "sendToGroup", target), true);
      assert.equal(await service.hasPermission(ann.id, "joinLeaveGroup", target), false);
      await ann.client.sendToGroup("p", "x", "text");
      await service.revokePermission(ann.id, "sendToGroup", target);
      assert.equal(await service.hasPermission(ann.id, "sendToGroup", target), false);
      await assert.rejects(ann.client.sendToGroup("p", "x", "text"));
      await assert.rejects(service.grantPermission("none", "sendToGroup", target), (e) => e.code === "Info.Connection.NotExisted");
      await service.revokePermission("none", "sendToGroup", target);
    });

    test("getClientAccessToken", async () => {
      const got = await service.getClientAccessToken({ userId: "eve", roles: ["webpubsub.sendToGroup"], groups: ["t1", "t2"], expirationTimeInMinutes: 5 });
      assert.equal(got.baseUrl, `${harness.endpoint.replace("http", "ws")}/client/hubs/${hub}`);
      const client = new WebPubSubClient(got.url, { protocol: WebPubSubJsonProtocol(), keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 });
      const connected = new Promise((resolve) => client.on("connected", resolve));
      await client.start();
      assert.equal((await connected).userId, "eve");
      const members = [];
      for await (const m of await service.group("t2").listConnections()) members.push(m.userId);
      assert.deepEqual(members, ["eve"]);
      const stopped = new Promise((resolve) => client.on("stopped", resolve));
      client.stop();
      await stopped;
      const mqtt = await service.getClientAccessToken({ clientProtocol: "mqtt" });
      assert.match(mqtt.baseUrl, /\/clients\/mqtt\/hubs\//);
    });

    test("closeConnection, closeUserConnections, closeAllConnections", async () => {
      const [one, two, three] = await Promise.all(["one", "two", "three"].map((userId) => open(harness, hub, { protocol: "json", userId, autoReconnect: false })));
      await service.closeConnection(one.id, { reason: "r1" });
      assert.match((await one.disconnected.next()).message.message, /r1/);
      await service.closeUserConnections("two", { reason: "r2" });
      assert.match((await two.disconnected.next()).message.message, /r2/);
      await service.closeAllConnections({ reason: "r3" });
      assert.match((await three.disconnected.next()).message.message, /r3/);
      await service.closeConnection("none");
      await service.closeUserConnections("nobody");
      for (const c of [one, two, three]) await c.stopped.next();
      for (const c of [ann, bob]) assert.notEqual((await c.connected.next()).connectionId, c.id);
    });
  });
}

describe("refusals and proxies", () => {
  test("another key is refused", async () => {
    const service = new WebPubSubServiceClient(harness.endpoint, new AzureKeyCredential("not the key"), "plain", options);
    await assert.rejects(service.sendToAll("x", text), (e) => e.statusCode === 401);
  });

  test("a hub with a hyphen is refused", async () => {
    const service = new WebPubSubServiceClient(harness.connectionString, "my-hub", options);
    await assert.rejects(service.sendToAll("x", text), (e) => e.statusCode === 400);
  });

  test("a reverse proxy: tokens are made out to the address behind it, which the proxy restores", async () => {
    const { hostname, port, host } = new URL(harness.endpoint);
    const proxy = createServer((req, res) => {
      const { method, url: path, headers } = req;
      const back = request({ hostname, port, method, path, headers: { ...headers, host } }, (answer) => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
      });
      req.pipe(back);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const reverseProxyEndpoint = `http://127.0.0.1:${proxy.address().port}`;
    const service = new WebPubSubServiceClient(harness.connectionString, "plain", { ...options, reverseProxyEndpoint });
    assert.equal(await service.userExists("nobody"), false);
    proxy.closeAllConnections();
    proxy.close();
  });
});
