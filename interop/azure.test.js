// deploy/azure, read by a parser of Bicep. It knows the syntax; names of properties are
// compared with the types of Bicep by hand, see docs/deploying.md.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { Language, Parser } from "web-tree-sitter";

const read = (name) => readFileSync(new URL(`../deploy/azure/${name}`, import.meta.url), "utf8");
const source = read("main.bicep");

// Functions of Bicep that the template may call.
const functions = ["concat", "empty", "items", "json", "map", "replace", "resourceGroup", "string", "tenant", "union", "uniqueString"];
const decorators = ["allowed", "description", "maxLength", "maxValue", "minLength", "minValue"];

let root;
before(async () => {
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(createRequire(import.meta.url).resolve("tree-sitter-bicep/tree-sitter-bicep.wasm")));
  root = parser.parse(source).rootNode;
});

/** all returns a node and all below it. */
function* all(node) {
  yield node;
  for (const child of node.namedChildren) yield* all(child);
}

/** declarations returns the declarations of a kind, by name. */
const declarations = (kind) => Object.fromEntries(root.namedChildren.filter((n) => n.type === `${kind}_declaration`).map((n) => [n.namedChild(0).text, n]));

/** body returns the object of a resource, also of a conditional one. */
const body = (resource) => [...all(resource)].find((n) => n.type === "object");

/** property returns the value of a property of an object, by its path. */
function property(object, path) {
  return path.split(".").reduce((node, name) => {
    const found = node.namedChildren.find((p) => p.type === "object_property" && p.namedChild(0).text === name);
    assert.ok(found, `${name} of ${path}`);
    return found.namedChild(1);
  }, object);
}

/** uses returns the identifiers of an expression, without names of properties and of lambdas' variables. */
function uses(node) {
  const bound = new Set([...all(node)].filter((n) => ["lambda_expression", "for_statement"].includes(n.type)).map((n) => [...all(n)].find((i) => i.type === "identifier").text));
  return [...all(node)].filter((n) => n.type === "identifier" && !(n.parent.type === "object_property" && n.parent.namedChild(0).equals(n)) && !bound.has(n.text)).map((n) => n.text);
}

test("the template is Bicep", () => {
  assert.equal(root.hasError, false);
});

test("names are declared, and used", () => {
  const [parameters, variables, resources] = ["parameter", "variable", "resource"].map(declarations);
  const declared = [parameters, variables, resources].flatMap(Object.keys);
  assert.equal(new Set(declared).size, declared.length, "names are unique");
  const used = new Set();
  for (const node of root.namedChildren) {
    if (node.type === "decorators") {
      for (const call of all(node)) if (call.type === "call_expression") assert.ok(decorators.includes(call.namedChild(0).text), call.text);
    } else if (node.type.endsWith("_declaration")) {
      for (const name of uses(node).slice(1)) {
        assert.ok(declared.includes(name) || functions.includes(name), `${name} is not declared`);
        used.add(name);
      }
    }
  }
  assert.deepEqual([...Object.keys(parameters), ...Object.keys(variables)].filter((name) => !used.has(name)), [], "parameters and variables without a use");
});

test("every parameter has a description", () => {
  root.namedChildren.forEach((node, i, nodes) => {
    if (node.type === "parameter_declaration") assert.match(nodes[i - 1].text, /^@description\('/, node.text);
  });
});

test("no secret is an output, a setting or a log", () => {
  assert.equal(source.match(/listKeys\(/g).length, 1);
  const template = body(declarations("resource").app);
  assert.match(property(template, "properties.configuration.secrets").text, /value: service\.listKeys\(\)/);
  assert.match(property(template, "properties.template.containers").text, /name: 'WEBPUBSUB_CONNECTION_STRING', secretRef: secretName/);
  for (const output of Object.values(declarations("output"))) assert.doesNotMatch(output.text, /secret|listKeys|password|sharedKey/i);
});

test("the app is reached over TLS only, at the port that it is told", () => {
  const ingress = property(body(declarations("resource").app), "properties.configuration.ingress");
  assert.equal(property(ingress, "allowInsecure").text, "false");
  assert.equal(property(ingress, "targetPort").text, "port");
  const [container] = property(body(declarations("resource").app), "properties.template.containers").namedChildren;
  assert.match(property(container, "env").text, /name: 'PORT', value: string\(port\)/);
  for (const probe of property(container, "probes").namedChildren.filter((n) => n.type === "object")) assert.equal(property(probe, "tcpSocket.port").text, "port");
});

test("the examples read the variables of the app", () => {
  const examples = ["echo/main.go", "auth/entra.go"].map((name) => readFileSync(new URL(`../examples/${name}`, import.meta.url), "utf8")).join("");
  const names = [...source.matchAll(/name: '([A-Z_]+)'/g)].map((match) => match[1]);
  assert.ok(names.includes("ENTRA_TENANT_ID"));
  for (const name of names) assert.ok(examples.includes(`"${name}"`), name);
});

test("a hub is created after the app that consents to its events", () => {
  const resources = declarations("resource");
  const hubs = Object.values(resources).filter((r) => r.namedChild(1).text.includes("/hubs@"));
  assert.deepEqual(hubs.map((hub) => hub.namedChild(1).text), [
    "'Microsoft.SignalRService/webPubSub/hubs@2024-03-01'",
    "'Microsoft.SignalRService/webPubSub/hubs@2025-08-01-preview'",
  ]);
  const conditions = hubs.map((hub) => [...all(hub)].find((n) => n.type === "parenthesized_expression").text);
  assert.deepEqual(conditions, ["(empty(groupPresenceEvents))", "(!empty(groupPresenceEvents))"]);
  for (const hub of hubs) {
    assert.equal(property(body(hub), "dependsOn").text, "[app]");
    assert.equal(property(body(hub), "parent").text, "service");
    assert.equal(property(body(hub), "properties.anonymousConnectPolicy").text, "'deny'");
  }
  assert.match(property(body(hubs[1]), "properties.eventHandlers").text, /presence/);
});

test("azd finds the template, and sets its parameters", () => {
  const project = Object.fromEntries([...read("azure.yaml").matchAll(/^ {2}(\w+): (.+)$/gm)].map((match) => match.slice(1)));
  assert.deepEqual(project, { provider: "bicep", path: ".", module: "main" });
  const parameters = declarations("parameter");
  const set = JSON.parse(read("main.parameters.json")).parameters;
  for (const name of Object.keys(set)) assert.ok(parameters[name], `${name} is no parameter`);
  for (const [name, node] of Object.entries(parameters)) {
    if (node.namedChildCount === 2) assert.ok(set[name], `${name} has no default and no value`);
  }
});
