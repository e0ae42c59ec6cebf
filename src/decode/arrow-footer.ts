import { DecodeError } from "../model/fault.ts";
import { guarded } from "./arrow-message.ts";
import { readSchema } from "./arrow-schema.ts";
import type { StreamState } from "./arrow-stream.ts";
import { rootTable, safeInt64, type Table, table, vectorOf } from "./flatbuffer.ts";

/** Where a message stands in a file. */
export interface Block {
  readonly offset: number;
  readonly size: number;
}

/** First and last bytes of the file framing. */
export const fileMagic = Uint8Array.of(0x41, 0x52, 0x52, 0x4f, 0x57, 0x31); // ARROW1
/** Footer length and magic. */
export const trailerBytes = 4 + fileMagic.length;
const blockBytes = 24;

export function startsWithMagic(bytes: Uint8Array): boolean {
  return fileMagic.every((byte, index) => bytes[index] === byte);
}

/** Length of the footer, by the file's last ten bytes. @throws DecodeError */
export function footerLength(trailer: Uint8Array): number {
  if (trailer.length < trailerBytes || !startsWithMagic(trailer.subarray(4))) {
    throw new DecodeError(
      "truncated",
      "an Arrow file without its closing ARROW1: it was cut, or is still being written",
    );
  }
  return new DataView(trailer.buffer, trailer.byteOffset, trailer.length).getInt32(0, true);
}

/**
 * Takes the schema from the footer; says where the dictionaries and then the record batches are, in reading order.
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 */
export function readFooter(footer: Uint8Array, state: StreamState): readonly Block[] {
  return guarded(() => {
    const root = rootTable(footer);
    const schema = table(root, 1);
    if (schema === undefined) throw new DecodeError("malformed", "an Arrow footer without a schema");
    state.schema = readSchema(schema, state.limits);
    return [...blocksOf(root, 2), ...blocksOf(root, 3)];
  });
}

function blocksOf(footer: Table, slot: number): Block[] {
  const vector = vectorOf(footer, slot, blockBytes);
  if (vector === undefined) return [];
  return Array.from({ length: vector.length }, (_, index) => {
    const at = vector.at + blockBytes * index;
    const metadata = footer.view.getInt32(at + 8, true);
    return { offset: safeInt64(footer.view, at), size: metadata + safeInt64(footer.view, at + 16) };
  });
}
