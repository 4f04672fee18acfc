// hex returns the lines of a dump: offset, sixteen bytes, and their ASCII.
export function hex(bytes, limit = 4096) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, limit); at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, limit))];
    const codes = row.map(b => b.toString(16).padStart(2, "0"));
    const left = codes.slice(0, 8).join(" ").padEnd(23), right = codes.slice(8).join(" ").padEnd(23);
    const ascii = row.map(b => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${left}  ${right}  ${ascii}`);
  }
  if (bytes.length > limit) lines.push(`… ${bytes.length - limit} more bytes`);
  return lines.join("\n");
}

// bytesOf decodes base64.
export function bytesOf(base64) {
  const text = atob(base64);
  return Uint8Array.from(text, c => c.charCodeAt(0));
}
