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
  const starts = new Int32Array(entries.length + 1);
  entries.forEach(({ low, high, bytes }, entry) => {
    let slot = (low ^ high) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = entry + 1;
    starts[entry + 1] = (starts[entry] as number) + bytes.length;
  });
  const known = new Uint8Array(starts.at(-1) ?? 0);
  for (const [entry, { bytes }] of entries.entries()) known.set(bytes, starts[entry]);
  const low = Int32Array.from(entries, (entry) => entry.low);
  const high = Int32Array.from(entries, (entry) => entry.high);
  return (text) => {
    for (let slot = (text.low ^ text.high) & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return false;
      if (low[entry] !== text.low || high[entry] !== text.high) continue;
      if (holdsAt(known, starts[entry] as number, starts[entry + 1] as number, text)) return true;
    }
  };
}

/** Whether `known[from, end)` is the text. Nearly always it is: its hash was found. */
function holdsAt(known: Uint8Array, from: number, end: number, { bytes, from: start, to }: Text): boolean {
  if (end - from !== to - start) return false;
  for (let at = from; at < end; at++) if (known[at] !== bytes[start + at - from]) return false;
  return true;
}
