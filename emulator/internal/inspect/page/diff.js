// diff returns the changes between two values of JSON: lists of { path, before, after },
// in which a member that is missing on a side is undefined.
export function diff(before, after, path = "", depth = 0) {
  if (Object.is(before, after)) return [];
  if (!branches(before) || !branches(after) || Array.isArray(before) !== Array.isArray(after) || depth > 32) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
  }
  const out = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const at = Array.isArray(before) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    out.push(...diff(own(before, key), own(after, key), at, depth + 1));
  }
  return out;
}

const branches = value => typeof value === "object" && value !== null;
const own = (value, key) => (Object.hasOwn(value, key) ? value[key] : undefined);
