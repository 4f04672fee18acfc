// webpubsub check names what is wrong with @azure/web-pubsub-express: by design, it does
// not verify signatures.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import express from "express";

const env = {
  ...process.env,
  WEBPUBSUB_CONNECTION_STRING: "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=not a real key;Version=1.0;",
};

/** application returns an application that does not print errors of handlers. */
const application = () => express().set("env", "test");

/** check runs the command on an application until it ends. */
async function check(app, path) {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}${path}`;
  const [code, stdout] = await new Promise((resolve) =>
    execFile(process.env.WEBPUBSUB, ["check", url, "--hub", "chat", "--output", "json"], { env }, (error, stdout) =>
      resolve([error?.code ?? 0, stdout]),
    ),
  );
  server.closeAllConnections();
  server.close();
  const report = JSON.parse(stdout);
  return { code, report, failed: report.checks.filter((c) => c.status === "failed") };
}

/** handlerOf returns a handler with all callbacks. */
function handlerOf(hub, options = {}) {
  return new WebPubSubEventHandler(hub, {
    handleConnect: (req, res) => res.success({ userId: req.context.userId }),
    handleUserEvent: (req, res) => res.success(),
    onConnected: () => {},
    onDisconnected: () => {},
    onGroupJoined: () => {},
    onGroupLeft: () => {},
    ...options,
  });
}

for (const [name, options] of [
  ["for all endpoints", {}],
  ["for one endpoint", { allowedEndpoints: ["https://contoso.webpubsub.azure.com"] }],
]) {
  test(`web-pubsub-express accepts unsigned events, ${name}`, async () => {
    const handler = handlerOf("chat", options);
    const { code, report, failed } = await check(application().use(handler.getMiddleware()), handler.path);
    assert.equal(code, 1);
    assert.equal(report.status, "failed");
    assert.equal(failed[0].id, "signature-missing", JSON.stringify(failed, null, 1));
    assert.equal(failed[0].cause.id, "unverified");
    const passed = report.checks.filter((c) => c.status === "passed").map((c) => c.id);
    for (const id of ["options-consent", "signed", "notifications", "hub-case", "connect-answer", "user-answer-type"]) {
      assert.ok(passed.includes(id), id);
    }
  });
}

for (const [name, app, path, id, cause] of [
  ["another hub", application().use(handlerOf("news").getMiddleware()), "/api/webpubsub/hubs/news/", "signed", "hub"],
  ["another path", application().use(handlerOf("chat").getMiddleware()), "/eventhandler", "options-consent", "not-found"],
  [
    "another endpoint",
    application().use(handlerOf("chat", { allowedEndpoints: ["https://fabrikam.webpubsub.azure.com"] }).getMiddleware()),
    "/api/webpubsub/hubs/chat/",
    "options-consent",
    "other-origin",
  ],
  [
    "CORS before it",
    application()
      .use((req, res, next) => {
        res.set("Access-Control-Allow-Origin", "*");
        if (req.method === "OPTIONS") return res.sendStatus(204);
        next();
      })
      .use(handlerOf("chat").getMiddleware()),
    "/api/webpubsub/hubs/chat/",
    "options-consent",
    "cors",
  ],
  [
    "a login before it",
    application()
      .use((req, res) => res.redirect("/signin"))
      .use(handlerOf("chat").getMiddleware()),
    "/api/webpubsub/hubs/chat/",
    "redirect",
    "login",
  ],
]) {
  test(`web-pubsub-express with ${name}`, async () => {
    const { code, failed } = await check(app, path);
    assert.equal(code, 1);
    assert.equal(failed[0].id, id, JSON.stringify(failed, null, 1));
    assert.equal(failed[0].cause.id, cause, JSON.stringify(failed[0], null, 1));
  });
}
