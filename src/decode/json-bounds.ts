import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";

/** What a parsed JSON value takes in memory, at least. */
const bytesPerValue = 16;
const [other, opens, closes, separates, quotes] = [0, 1, 2, 3, 4];
const [quote, backslash] = [0x22, 0x5c];

const kinds = new Uint8Array(256).fill(other);
for (const [text, kind] of [
  ["{[", opens],
  ["}]", closes],
  [",", separates],
  ['"', quotes],
] as const) {
  for (const char of text) kinds[char.charCodeAt(0)] = kind;
}

/**
 * Bounds depth and number of values before anything is parsed: 16 MiB of `[` keep the parser busy for seconds and take a
 * gigabyte. One pass, about a nanosecond a byte.
 * @throws DecodeError limit
 */
export function boundJson(bytes: Uint8Array, limits: Limits): void {
  const valuesMax = limits.decodedBytes / bytesPerValue;
  // The array around the rows and the row itself are no nesting of a field's.
  const depthMax = limits.nesting + 2;
  let [depth, values] = [0, 0];
  for (let at = 0; at < bytes.length; at++) {
    const kind = kinds[bytes[at] as number];
    if (kind === other) continue;
    if (kind === quotes) {
      at += 1;
      for (; at < bytes.length; at++) {
        const byte = bytes[at];
        if (byte === quote) break;
        if (byte === backslash) at += 1;
      }
    } else if (kind === opens) {
      depth += 1;
      values += 1;
      if (depth > depthMax) throw new DecodeError("limit", `JSON nested deeper than ${limits.nesting}`);
    } else if (kind === closes) depth -= 1;
    else values += 1;
  }
  if (values > valuesMax) throw new DecodeError("limit", `${values} JSON values, at most ${valuesMax}`);
}
