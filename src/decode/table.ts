import type { Batch } from "../model/batch.ts";
import type { Limits } from "../model/limits.ts";
import { createArrowReader } from "./arrow.ts";
import { decodeJson, type Hints } from "./json.ts";

/** A format of messages: one file that reads it, one entry here. */
export interface MessageFormat {
  /** Whether bytes look like it; the first format that says yes is tried. */
  detects(bytes: Uint8Array): boolean;
  open(options: { readonly hints: Hints; readonly limits: Limits }): (bytes: Uint8Array) => readonly Batch[];
}

const [openBrace, openBracket] = [0x7b, 0x5b];

export const formats: Readonly<Record<"arrow" | "json", MessageFormat>> = {
  arrow: {
    detects: (bytes) =>
      startsWith(bytes, [0xff, 0xff, 0xff, 0xff]) || startsWith(bytes, [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31]),
    open: ({ limits }) => {
      const reader = createArrowReader(limits);
      return (bytes) => reader.read(bytes);
    },
  },
  json: {
    detects: (bytes) => {
      const first = firstVisible(bytes);
      return first === openBrace || first === openBracket;
    },
    open:
      ({ hints, limits }) =>
      (bytes) => [decodeJson(bytes, hints, limits)],
  },
};

/** The first byte behind blanks and a byte order mark. */
function firstVisible(bytes: Uint8Array): number | undefined {
  let at = startsWith(bytes, [0xef, 0xbb, 0xbf]) ? 3 : 0;
  while (at < bytes.length && (bytes[at] as number) <= 0x20) at += 1;
  return bytes[at];
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
