// @azure/web-pubsub and package service on one emulator, with the same connected
// clients: each sees the effects of the other, and both have the same effects.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { WebPubSubServiceClient, odata } from "@azure/web-pubsub";
import { WebSocket } from "ws";
import { open, service, startHarness, within } from "./kit.js";

const hub = "both";
const text = { contentType: "text/plain" };
let harness, js, go, ann, bob, raw;

before(async () => {
  harness = await startHarness();
  js = service(harness, hub);
  go = startGo(harness.connectionString);
  ann = await open(harness, hub, { protocol: "json", userId: "o'brien", roles: [] });
  bob = await open(harness, hub, { protocol: "json", userId: "bob", roles: [] });
  raw = await openRaw((await js.getClientAccessToken()).url);
});
after(async () => {
  await go.stop();
  raw.socket.close();
  await ann.close();
  await bob.close();
  await harness.stop();
});

/** startGo runs package service; call resolves to a result, or rejects like the npm package does. */
function startGo(connectionString) {
  const program = process.env.GOSERVICE;
  if (!program) throw new Error("GOSERVICE names no program: run make interop");
  const child = spawn(program, ["-hub", hub, "-connection-string", connectionString], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()(JSON.parse(line)));
  return {
    call: async (what, args = {}) => {
      const answered = new Promise((resolve) => waiting.push(resolve));
      child.stdin.write(JSON.stringify({ do: what, ...args }) + "\n");
      const { result, error } = await within(answered, `answer to ${what}`);
      if (error) throw Object.assign(new Error(error.message), error);
      return result;
    },
    stop: async () => {
      const exit = once(child, "exit");
      child.stdin.end();
      assert.deepEqual(await exit, [0, null]);
    },
  };
}

/** openRaw connects without a subprotocol: frames are payloads as they are. */
async function openRaw(url) {
  const socket = new WebSocket(url);
  const frames = [];
  const waiting = [];
  socket.on("message", (data, binary) => {
    const frame = { data: data.toString("hex"), binary };
    waiting.length ? waiting.shift()(frame) : frames.push(frame);
  });
  await within(once(socket, "open"), "open");
  return { socket, next: () => within(frames.length ? Promise.resolve(frames.shift()) : new Promise((r) => waiting.push(r)), "frame") };
}

/** fails returns what an error has in both clients. */
async function fails(promise) {
  const e = await promise.then(
    () => assert.fail("no error"),
    (e) => e,
  );
  let { code, message } = e;
  try {
    ({ code, message } = JSON.parse(message)); // which the npm package leaves to its caller
  } catch {}
  return { statusCode: e.statusCode, code: code || undefined, message };
}

const sorted = (members) => members.map((m) => ({ connectionId: m.connectionId, userId: m.userId || "" })).sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1));
const listJS = async (group, options) => {
  const all = [];
  for await (const m of await js.group(group).listConnections(options)) all.push(m);
  return sorted(all);
};
const listGo = async (group, options) => sorted(await go.call("list", { group, ...options }));

describe("messages", () => {
  const payloads = {
    text: ["plain \"text\" <&> 'ü' 𝄞\u2028\n", "", "null"],
    json: [{ a: [1, null, "<&>\u2028'"], b: { c: 1.5e-7 } }, "a string", "", 0, false, null, [], 1e21],
    binary: ["", "00ff0a0d", "efbbbf22"],
  };
  const byJS = {
    text: (v) => [v, text],
    json: (v) => [v, {}],
    binary: (v) => [new Uint8Array(Buffer.from(v, "hex")).buffer, {}],
  };
  const byGo = {
    text: (v) => ({ text: v }),
    json: (v) => ({ json: v }),
    binary: (v) => ({ binary: Buffer.from(v, "hex").toString("base64") }),
  };
  for (const [type, values] of Object.entries(payloads)) {
    for (const value of values) {
      test(`${type} ${JSON.stringify(value)} is the same to the byte`, async () => {
        await js.sendToAll(...byJS[type](value));
        const frame = await raw.next();
        await go.call("send", byGo[type](value));
        assert.deepEqual(await raw.next(), frame);
        if (value === null) return; // which the official client keeps to itself
        const { message } = await ann.server.next();
        assert.deepEqual((await ann.server.next()).message, message);
        for (let i = 0; i < 2; i++) assert.deepEqual((await bob.server.next()).message, message);
        assert.equal(message.dataType, type);
      });
    }
  }

  test("to users, connections and groups; excluded, filters, TTL", async () => {
    const hears = async (c, source, data) => assert.equal((await c[source].next()).message.data, data);
    await js.group("m").addUser("o'brien");
    await go.call("addConnection", { group: "m", connection: bob.id });

    await js.sendToUser("o'brien", "js", text);
    await go.call("send", { user: "o'brien", text: "go" });
    await js.sendToConnection(ann.id, "js", { ...text, messageTtlSeconds: 300 });
    await go.call("send", { connection: ann.id, text: "go", ttl: 300 });
    for (const sender of ["js", "go", "js", "go"]) await hears(ann, "server", sender);

    await js.group("m").sendToAll("js", { ...text, excludedConnections: [ann.id] });
    await go.call("send", { group: "m", text: "go", excluded: [ann.id] });
    for (const sender of ["js", "go"]) await hears(bob, "group", sender);

    const filter = odata`userId eq ${"o'brien"} and ${"m"} in groups`;
    const built = { op: "and", parts: [{ op: "user eq", args: ["o'brien"] }, { op: "in group", args: ["m"] }] };
    await js.sendToAll("js", { ...text, filter });
    await go.call("send", { text: "go", filter: built });
    await go.call("send", { group: "m", text: "js's filter", filter: { op: "raw", args: [filter] } });
    await js.group("m").sendToAll("go's filter", { ...text, filter: await go.call("filter", { filter: built }) });
    for (const sender of ["js", "go"]) await hears(ann, "server", sender);
    for (const sender of ["js's filter", "go's filter"]) await hears(ann, "group", sender);

    await js.removeUserFromAllGroups("o'brien");
    await go.call("removeConnectionFromAllGroups", { connection: bob.id });
    assert.equal(await js.groupExists("m"), false);
    await js.sendToAll("last", text);
    for (const c of [ann, bob]) await hears(c, "server", "last"); // and nothing before it
    assert.deepEqual(await raw.next(), { data: Buffer.from("last").toString("hex"), binary: false });
  });
});

test("filters are the same text", async () => {
  const names = ["ann", "o'brien", "''", "' or true or '", "", "𝄞ü\n"];
  for (const name of names) {
    for (const [filter, want] of [
      [{ op: "user eq", args: [name] }, odata`userId eq ${name}`],
      [{ op: "user ne", args: [name] }, odata`userId ne ${name}`],
      [{ op: "user null" }, odata`userId eq ${null}`],
      [{ op: "user in", args: [name, "b"] }, odata`userId in (${name},${"b"})`],
      [{ op: "user starts", args: [name] }, odata`startswith(userId,${name})`],
      [{ op: "user longer", args: ["abc"] }, odata`length(userId) gt ${3}`],
      [{ op: "in group", args: [name] }, odata`${name} in groups`],
      [{ op: "not", parts: [{ op: "in group", args: [name] }] }, odata`not (${name} in groups)`],
      [
        { op: "or", parts: [{ op: "and", parts: [{ op: "user eq", args: [name] }, { op: "in group", args: ["g"] }] }, { op: "user null" }] },
        odata`(userId eq ${name} and ${"g"} in groups) or userId eq ${undefined}`,
      ],
    ]) {
      assert.equal(await go.call("filter", { filter }), want);
    }
  }
});

test("groups: each sees what the other has done", async () => {
  const all = async (group) => {
    const members = await listJS(group);
    assert.deepEqual(await listGo(group), members);
    const exists = members.length > 0;
    assert.deepEqual([await js.groupExists(group), await go.call("groupExists", { group })], [exists, exists]);
    return members.map((m) => m.connectionId).sort();
  };
  const both = [ann.id, bob.id].sort();
  for (const group of ["g", "a b+%ü'#?&=", "ü".repeat(300)]) {
    assert.deepEqual(await all(group), []);
    await js.group(group).addConnection(ann.id);
    await go.call("addUser", { group, user: "bob" });
    assert.deepEqual(await all(group), both);
    await go.call("removeConnection", { group, connection: ann.id });
    assert.deepEqual(await all(group), [bob.id]);
    await js.group(group).removeUser("bob");
    await go.call("addConnection", { group, connection: ann.id });
    await js.group(group).addUser("bob");
    assert.deepEqual(await all(group), both);
    await go.call("removeUser", { group, user: "o'brien" });
    await js.group(group).removeConnection(bob.id);
    assert.deepEqual(await all(group), []);
  }
  // Names with a slash are in bodies and queries.
  await js.addConnectionsToGroups(["s/1", "s2"], odata`userId eq ${"o'brien"}`);
  await go.call("addConnectionsToGroups", { groups: ["s2"], filter: { op: "in group", args: ["s/1"] } });
  await go.call("addConnectionsToGroups", { groups: ["s2"], filter: { op: "user eq", args: ["bob"] } });
  assert.deepEqual(await all("s2"), both);
  await go.call("removeConnectionsFromGroups", { groups: ["s2"], filter: { op: "in group", args: ["s/1"] } });
  assert.deepEqual(await all("s2"), [bob.id]);
  await js.removeConnectionsFromGroups(["s/1", "s2"], "true");
  assert.deepEqual(await all("s2"), []);
  assert.equal(await js.groupExists("s/1"), false);
});

test("listings: pages and bounds", async () => {
  const others = await Promise.all([0, 1, 2, 3, 4].map((i) => open(harness, hub, { protocol: "json", groups: ["list"], userId: i ? `user ${i}` : undefined, autoReconnect: false })));
  const whole = await listJS("list");
  assert.equal(whole.length, 5);
  assert.equal(whole.filter((m) => !m.userId).length, 1);
  for (const [maxPageSize, top] of [[1], [2], [5], [200], [2, 3], [2, 4], [3, 5], [undefined, 2], [2, 100]]) {
    const got = await listJS("list", { maxPageSize, top });
    assert.deepEqual(await listGo("list", { pageSize: maxPageSize, top }), got);
    assert.equal(got.length, Math.min(5, top ?? 5));
  }
  await go.call("closeGroupConnections", { group: "list", reason: "enough" });
  for (const o of others) {
    assert.match((await o.disconnected.next()).message.message, /enough/);
    await o.stopped.next();
  }
  assert.deepEqual(await listJS("list"), []);
});

test("existence", async () => {
  for (const [userId, connection, there] of [["bob", bob.id, true], ["o'brien", ann.id, true], ["nobody", "none", false]]) {
    assert.deepEqual([await js.userExists(userId), await go.call("userExists", { user: userId })], [there, there]);
    assert.deepEqual([await js.connectionExists(connection), await go.call("connectionExists", { connection })], [there, there]);
  }
  await go.call("health");
});

test("permissions", async () => {
  const target = { targetName: "p/1" };
  const has = async (permission, want) =>
    assert.deepEqual([await js.hasPermission(ann.id, permission, target), await go.call("hasPermission", { connection: ann.id, permission, group: "p/1" })], [want, want]);
  const may = async (act, want) => (want ? act() : assert.rejects(act()));
  const acts = { sendToGroup: () => ann.client.sendToGroup("p/1", "x", "text"), joinLeaveGroup: () => ann.client.joinGroup("p/1") };
  for (const [permission, act] of Object.entries(acts)) {
    await has(permission, false);
    await may(act, false);
    await js.grantPermission(ann.id, permission, target);
    await has(permission, true);
    await may(act, true);
    await go.call("revokePermission", { connection: ann.id, permission, group: "p/1" });
    await has(permission, false);
    await may(act, false);
    await go.call("grantPermission", { connection: ann.id, permission, group: "p/1" });
    await has(permission, true);
    await may(act, true);
    await js.revokePermission(ann.id, permission, target);
    await has(permission, false);
    await may(act, false);
  }
  await js.removeUserFromAllGroups("o'brien");
});

test("tokens: the same claims, and both get in", async () => {
  const claims = (token) => {
    const [header, payload] = token.split(".").map((part, i) => (i < 2 ? JSON.parse(Buffer.from(part, "base64url")) : part));
    const { iat, exp, ...rest } = payload;
    return { header, rest, lifetime: exp - iat };
  };
  for (const [options, args] of [
    [{}, {}],
    [{ userId: "eve" }, { user: "eve" }],
    [
      { userId: "<'é&\u2028>", roles: ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.a b"], groups: ["t1", "t/ü"], expirationTimeInMinutes: 5 },
      { user: "<'é&\u2028>", roles: ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.a b"], groups: ["t1", "t/ü"], minutes: 5 },
    ],
    [{ clientProtocol: "mqtt" }, { mqtt: true }],
    [{ clientProtocol: "socketio" }, { socketio: true }],
  ]) {
    const a = await js.getClientAccessToken(options);
    const b = await go.call("access", args);
    assert.equal(b.baseUrl, a.baseUrl);
    assert.deepEqual(claims(b.token), claims(a.token));
    assert.equal(b.url, `${b.baseUrl}?access_token=${b.token}`);
    if (options.clientProtocol) continue;
    for (const { url } of [a, b]) {
      const c = await openRaw(url);
      if (options.userId) {
        assert.deepEqual([await js.userExists(options.userId), await go.call("userExists", { user: options.userId })], [true, true]);
      }
      for (const group of options.groups ?? []) assert.equal(await js.groupExists(group), true);
      const closed = once(c.socket, "close");
      c.socket.close();
      await within(closed, "close");
    }
  }
});

test("closing: the same words", async () => {
  const told = async (close) => {
    const c = await open(harness, hub, { protocol: "json", userId: "guest", groups: ["closing"], autoReconnect: false });
    await close(c);
    const { message } = await c.disconnected.next();
    await c.stopped.next();
    assert.deepEqual([await js.connectionExists(c.id), await go.call("connectionExists", { connection: c.id })], [false, false]);
    return message;
  };
  const reason = "bye & ü+'";
  for (const [a, b] of [
    [(c) => js.closeConnection(c.id, { reason }), (c) => go.call("closeConnection", { connection: c.id, reason })],
    [(c) => js.closeConnection(c.id), (c) => go.call("closeConnection", { connection: c.id })],
    [() => js.closeUserConnections("guest", { reason }), () => go.call("closeUserConnections", { user: "guest", reason })],
    [() => js.group("closing").closeAllConnections({ reason }), () => go.call("closeGroupConnections", { group: "closing", reason })],
    [
      () => js.closeAllConnections({ reason, excluded: [ann.id, bob.id] }),
      (c) => go.call("closeAllConnections", { reason, excluded: [ann.id, bob.id] }),
    ],
  ]) {
    const message = await told(a);
    assert.deepEqual(await told(b), message);
  }
});

test("errors: the same status, code and message", async (t) => {
  const forged = new WebPubSubServiceClient(harness.connectionString.replace(/AccessKey=[^;]*/, "AccessKey=forged"), hub, { allowInsecureConnection: true });
  const other = startGo(harness.connectionString.replace(/AccessKey=[^;]*/, "AccessKey=forged"));
  t.after(() => other.stop());
  const bad = { op: "raw", args: ["userId gt 'a'"] };
  for (const [byJS, byGo, statusCode, code] of [
    [() => js.group("g").addConnection("none"), () => go.call("addConnection", { group: "g", connection: "none" }), 404, "Error.Connection.NotExisted"],
    [() => js.group("g").addUser("nobody"), () => go.call("addUser", { group: "g", user: "nobody" }), 404, "Error.User.NotExisted"],
    [
      () => js.grantPermission("none", "sendToGroup", { targetName: "g" }),
      () => go.call("grantPermission", { connection: "none", permission: "sendToGroup", group: "g" }),
      404,
      "Info.Connection.NotExisted",
    ],
    [() => js.sendToAll("x", { ...text, filter: bad.args[0] }), () => go.call("send", { text: "x", filter: bad }), 400, "Error.BadRequest"],
    [() => js.sendToUser("bob", "x", { ...text, filter: "(" }), () => go.call("send", { user: "bob", text: "x", filter: { op: "raw", args: ["("] } }), 400, "Error.BadRequest"],
    [() => js.addConnectionsToGroups(["g"], bad.args[0]), () => go.call("addConnectionsToGroups", { groups: ["g"], filter: bad }), 400, "Error.BadRequest"],
    [() => forged.sendToAll("x", text), () => other.call("send", { text: "x" }), 401],
    [() => forged.userExists("bob"), () => other.call("userExists", { user: "bob" }), 401],
  ]) {
    const known = await fails(byJS());
    assert.equal(known.statusCode, statusCode);
    if (code) assert.equal(known.code, code);
    assert.deepEqual(await fails(byGo()), known);
  }
  // For both, it is no error to remove what does not exist.
  await Promise.all([js.group("g").removeConnection("none"), go.call("removeConnection", { group: "g", connection: "none" })]);
  await Promise.all([js.closeConnection("none"), go.call("closeConnection", { connection: "none" })]);
  await Promise.all([js.revokePermission("none", "sendToGroup", { targetName: "g" }), go.call("revokePermission", { connection: "none", permission: "sendToGroup", group: "g" })]);
  await Promise.all([js.sendToUser("nobody", "x", text), go.call("send", { user: "nobody", text: "x" })]);
});
