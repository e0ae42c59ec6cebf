import { hashText, viewOf } from "../model/hash.ts";
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
  const view = viewOf(known);
  const low = Int32Array.from(entries, (entry) => entry.low);
  const high = Int32Array.from(entries, (entry) => entry.high);
  return (text) => {
    for (let slot = (text.low ^ text.high) & mask; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry < 0) return false;
      if (low[entry] !== text.low || high[entry] !== text.high) continue;
      if (holdsAt(view, starts[entry] as number, starts[entry + 1] as number, text)) return true;
    }
  };
}

/** Whether `view[from, end)` is the text: four bytes at a time, then one by one. */
function holdsAt(view: DataView, from: number, end: number, text: Text): boolean {
  if (end - from !== text.to - text.from) return false;
  let [at, other] = [from, text.from];
  for (; at + 4 <= end; at += 4, other += 4)
    if (view.getInt32(at) !== text.view.getInt32(other)) return false;
  for (; at < end; at++, other++) if (view.getUint8(at) !== text.view.getUint8(other)) return false;
  return true;
}
