// The search: words and "phrases" that a record contains, and conditions such as
// event:say, status:4xx, took:>100 or is:failed. All of them must hold. A minus negates
// one, a comma separates alternatives, and a star is any text.

const numbers = new Set(["status", "took", "size", "attempts"]);
const texts = new Set(["user", "group", "event", "hub", "kind", "method"]);
const prefixes = new Set(["conn", "id"]);
const flags = new Set(["is"]);

const keys = new Set([...numbers, ...texts, ...prefixes, ...flags]);

// parse returns a query's test of records, and its mistakes.
export function parse(query) {
  const terms = [], errors = [];
  for (const token of query.match(/-?(?:[a-z]+:)?(?:"[^"]*"?|[^\s"]+)+/gi) ?? []) {
    const [, minus, key, rest] = /^(-?)(?:([a-z]+):)?([\s\S]*)$/i.exec(token);
    const name = key?.toLowerCase();
    const test = name === undefined || !keys.has(name) ? word(token.slice(minus.length)) : condition(name, plain(rest), errors);
    if (test) terms.push(minus ? r => !test(r) : test);
  }
  return { test: r => terms.every(t => t(r)), errors, empty: terms.length === 0 };
}

const plain = text => text.replaceAll('"', "");

function word(text) {
  const wanted = plain(text).toLowerCase();
  return wanted === "" ? undefined : r => r.has(wanted);
}

function condition(name, value, errors) {
  if (value === "") return undefined; // it is still being written
  const tests = value.split(",").filter(Boolean).map(v => one(name, v));
  if (tests.includes(undefined)) {
    errors.push(`${name}:${value} needs ${numbers.has(name) ? "a number, such as 404, >100 or 4xx" : "another value"}`);
    return undefined;
  }
  return r => tests.some(t => t(r));
}

function one(name, value) {
  if (numbers.has(name)) return number(name, value);
  if (name === "is") return r => r.is.has(value.toLowerCase());
  if (prefixes.has(name)) {
    const wanted = value.toLowerCase();
    return r => String(r[name]).toLowerCase().startsWith(wanted);
  }
  if (texts.has(name)) {
    const pattern = new RegExp("^" + value.split("*").map(part => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*") + "$", "is");
    return r => pattern.test(r[name] ?? "");
  }
  return undefined;
}

function number(name, value) {
  const [, compare, digits, unit] = /^(>=|<=|>|<|)(\d+(?:\.\d+)?|\dxx)(|ms|s|k)$/i.exec(value) ?? [];
  if (digits === undefined) return undefined;
  if (/xx$/i.test(digits)) return r => String(r[name] ?? "").length === 3 && String(r[name])[0] === digits[0];
  const n = Number(digits) * ({ s: 1000, k: 1024 }[unit.toLowerCase()] ?? 1);
  return {
    "": r => r[name] === n, ">": r => r[name] > n, "<": r => r[name] < n, ">=": r => r[name] >= n, "<=": r => r[name] <= n,
  }[compare];
}

// toggled returns the query with or without a condition.
export function toggled(query, term) {
  const terms = query.split(/\s+/).filter(Boolean);
  return (terms.includes(term) ? terms.filter(t => t !== term) : [...terms, term]).join(" ");
}

// quoted returns a condition for a value that may contain spaces.
export const quoted = (key, value) => `${key}:${/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value}`;
