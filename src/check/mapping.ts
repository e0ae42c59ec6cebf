import { hashText } from "../model/hash.ts";
import type { CompileRule, Text } from "./rule.ts";

/** Values outside the mapping hit the serving model's default case. */
export const mapping: CompileRule = ({ mapping: rule, type }) => {
  if (rule === undefined || type !== "string") return undefined;
  const known = compileMapping(rule.values);
  const { length } = rule.values;
  return {
    kind: "text",
    name: "default",
    expected: length <= 8 ? `one of ${rule.values.join(", ")}` : `one of ${length} values`,
    breaks: (text) => !known(text),
  };
};

/** Open addressing at half load over the values' bytes: no text is decoded to be looked up. */
function compileMapping(values: readonly string[]): (text: Text) => boolean {
  const entries = [...new Set(values)].map((value) => hashText(value));
  let size = 4;
  while (size < entries.length * 2) size *= 2;
  const mask = size - 1;
  const slots = new Int32Array(size);
  entries.forEach(({ low, high }, entry) => {
    let slot = (low ^ high) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = entry + 1;
  });
  const low = Int32Array.from(entries, (entry) => entry.low);
  const high = Int32Array.from(entries, (entry) => entry.high);
  return (text) => {
    for (let slot = (text.low ^ text.high) & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return false;
      if (low[entry] !== text.low || high[entry] !== text.high) continue;
      if (sameBytes((entries[entry] as { bytes: Uint8Array }).bytes, text)) return true;
    }
  };
}

function sameBytes(bytes: Uint8Array, { bytes: other, from, to }: Text): boolean {
  if (bytes.length !== to - from) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== other[from + i]) return false;
  return true;
}
