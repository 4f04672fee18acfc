// The official client and service packages with the Go handler, on the emulator.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { open, protocols, service, startHarness } from "./kit.js";

let harness;
before(async () => {
  harness = await startHarness();
});
after(() => harness.stop());

for (const protocol of Object.keys(protocols)) {
  test(`${protocol}: from connect to disconnected`, async () => {
    const userId = `ann-${protocol}`;
    const rest = service(harness, "go");
    const ann = await open(harness, "go", { protocol, userId, roles: [] });
    await harness.log("go connected", userId);
    await harness.log("go joined", userId, "lobby");
    await rest.group("lobby").sendToAll("welcome", { contentType: "text/plain" });
    assert.equal((await ann.group.next()).message.data, "welcome");
    await ann.client.sendToGroup("lobby", "hello", "text"); // by the role that the handler gave
    assert.equal((await ann.group.next()).message.data, "hello");
    await ann.client.sendEvent("say", { text: "echo" }, "json");
    assert.deepEqual((await ann.server.next()).message.data, { text: "echo" });
    for (const count of [1, 2]) {
      assert.deepEqual((await ann.client.invokeEvent("count", "", "text")).data, { count });
    }
    await assert.rejects(ann.client.sendEvent("say", { text: "" }, "json"), (e) => e.errorDetail.name === "InternalServerError");
    await rest.removeUserFromAllGroups(userId);
    await harness.log("go left", userId, "lobby");
    await rest.sendToUser(userId, { bye: true });
    assert.deepEqual((await ann.server.next()).message.data, { bye: true });
    await ann.close();
    await harness.log("go disconnected", userId);
    assert.equal(await rest.userExists(userId), false);
  });
}

test("the Go handler refuses a client", async () => {
  const { url } = await service(harness, "go").getClientAccessToken();
  const client = new WebPubSubClient(`${url}&ticket=forged`, { keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 });
  await assert.rejects(client.start(), /401/);
});
