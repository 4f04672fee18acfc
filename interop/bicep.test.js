// What `webpubsub settings --format bicep` prints, read by a parser of Bicep: Node.js has
// one as a package, Go has none.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { Language, Parser } from "web-tree-sitter";

let parser;

before(async () => {
  await Parser.init();
  const grammar = createRequire(import.meta.url).resolve("tree-sitter-bicep/tree-sitter-bicep.wasm");
  parser = new Parser();
  parser.setLanguage(await Language.load(grammar));
});

/** bicep returns the Bicep file of settings. */
function bicep(settings, ...flags) {
  const run = spawnSync(process.env.WEBPUBSUB, ["settings", "-", "--format", "bicep", ...flags], { input: JSON.stringify(settings), encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

/** value returns what an expression of constants means. */
function value(node) {
  switch (node.type) {
    case "string":
      return text(node);
    case "array":
      return node.namedChildren.map(value);
    case "object":
      return Object.fromEntries(node.namedChildren.map((property) => [property.namedChild(0).text, value(property.namedChild(1))]));
    case "identifier":
      return { symbol: node.text };
  }
  return assert.fail(`${node.type} is no constant: ${node.text}`);
}

/** text returns the content of a string literal. The escape \\$ is between its nodes. */
function text(node) {
  let content = "";
  let at = 1;
  const between = (end) => node.text.slice(at, end).replaceAll("\\$", "$");
  for (const part of node.namedChildren) {
    content += between(part.startIndex - node.startIndex);
    at = part.endIndex - node.startIndex;
    if (part.type === "escape_sequence") {
      assert.match(part.text, /^\\[\\']$/);
      content += part.text[1];
    } else {
      assert.equal(part.type, "string_content", part.text);
      content += part.text;
    }
  }
  return content + between(-1);
}

/** resources returns the hubs of a Bicep file, by name. */
function resources(source, service) {
  const { rootNode } = parser.parse(source);
  assert.equal(rootNode.hasError, false, source);
  const [parameter, existing, ...hubs] = rootNode.namedChildren;
  assert.equal(parameter.type, "parameter_declaration");
  assert.equal(text(parameter.namedChild(2)), service);
  assert.match(existing.text, /^resource service 'Microsoft\.SignalRService\/webPubSub@2024-03-01' existing = \{\n {2}name: serviceName\n\}$/);
  const symbols = new Set();
  const found = {};
  for (const hub of hubs) {
    assert.equal(hub.type, "resource_declaration");
    const [symbol, type, body] = hub.namedChildren;
    assert.ok(!symbols.has(symbol.text), symbol.text);
    symbols.add(symbol.text);
    const { parent, name, properties, ...rest } = value(body);
    assert.deepEqual(parent, { symbol: "service" });
    assert.deepEqual(rest, {});
    found[name] = { type: text(type), properties };
  }
  return found;
}

// Not "//" or "/*" at the start of a string: this parser takes them for comments, and Bicep does not.
const hostile = ["a", "'", "''", '"', "\\\\", "${", "${a}", "$${a}", "\\\\${a}", "'${a}'", "''' a '''", "a//b", "a/*", "*/", "#if", "é 世界", "[a]", "{a}", "\\\\'"];

test("hostile names", () => {
  const eventHandlers = hostile.map((word) => ({
    urlTemplate: "https://h.test/$${hub}/it's/{event}",
    userEventPattern: word,
    systemEvents: ["connect", "connected"],
    groupPresenceEvents: { eventNames: ["joined"], groupFilters: [word, "a.*"] },
    auth: { type: "ManagedIdentity", managedIdentity: { resource: word.replace(/[^!-~]/g, "_") } }, // visible ASCII
  }));
  const got = resources(bicep({ hubs: { chat: { anonymousConnectPolicy: "allow", eventHandlers } } }), "my-service");
  assert.deepEqual(got, {
    chat: { type: "Microsoft.SignalRService/webPubSub/hubs@2025-08-01-preview", properties: { anonymousConnectPolicy: "allow", eventHandlers } },
  });
});

test("hubs whose names differ in punctuation only", () => {
  const names = ["a.b", "a,b", "a`b", "a[b", "a]b"];
  const settings = { hubs: Object.fromEntries(names.map((name) => [name, {}])) };
  const got = resources(bicep(settings, "--service", "my-chat"), "my-chat");
  const properties = { anonymousConnectPolicy: "deny", eventHandlers: [] };
  const want = names.map((name) => [name, { type: "Microsoft.SignalRService/webPubSub/hubs@2024-03-01", properties }]);
  assert.deepEqual(got, Object.fromEntries(want));
});
