import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { createDictionaryCache } from "./arrow-dictionary.ts";
import { footerLength, readFooter, startsWithMagic, trailerBytes } from "./arrow-footer.ts";
import { type Framed, frameAt, guarded } from "./arrow-message.ts";
import { createSchemaCache } from "./arrow-schema.ts";
import { acceptMessage, createStreamState, type StreamState } from "./arrow-stream.ts";

/** Messages in one IPC stream: a Kafka message with more is refused. */
const messagesMax = 100_000;

/**
 * Reads Arrow IPC streams and files, each from its first byte, and remembers schemas and dictionaries between them: the
 * same bytes give the same objects, so that whoever compiled something for them need not do it again.
 * @see https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
export interface ArrowReader {
  /** @throws DecodeError for anything that is not a whole, consistent stream. */
  read(bytes: Uint8Array): Batch[];
}

export function createArrowReader(limits: Limits): ArrowReader {
  const schemas = createSchemaCache();
  const dictionaries = createDictionaryCache();
  return {
    read(given) {
      const bytes = aligned(given);
      const budget = { bytes: limits.decodedBytes };
      const state = createStreamState(limits, budget, schemas, dictionaries);
      return startsWithMagic(bytes) ? readFile(bytes, state) : readStream(bytes, state);
    },
  };
}

/** A plain array at a multiple of 8: one copy here is cheaper than one a column. A `Buffer`'s own `slice` would not copy. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Uint8Array(bytes);
}

function readStream(bytes: Uint8Array, state: StreamState): Batch[] {
  const batches: Batch[] = [];
  let at = 0;
  for (let messages = 0; at < bytes.length; messages++) {
    if (messages > messagesMax)
      throw new DecodeError("limit", `more than ${messagesMax} messages in a stream`);
    const framed = frameAt(bytes, at);
    if (framed === undefined) {
      // Streams may stand one behind the other; the next one brings its own schema.
      at = skipEndMark(bytes, at);
      if (at < bytes.length) state.schema = undefined;
      continue;
    }
    at = framed.end;
    accept(state, framed, batches);
  }
  if (state.schema === undefined) throw new DecodeError("truncated", "an Arrow stream without a schema");
  return batches;
}

/** Behind the end-of-stream mark and the zeros that may pad it. */
function skipEndMark(bytes: Uint8Array, at: number): number {
  let next = at;
  while (next < at + 4 && bytes[next] === 0xff) next += 1;
  while (next < bytes.length && bytes[next] === 0) next += 1;
  return next;
}

function readFile(bytes: Uint8Array, state: StreamState): Batch[] {
  const length = footerLength(bytes.subarray(-trailerBytes));
  const end = bytes.length - trailerBytes;
  if (length < 8 || length > end) throw new DecodeError("malformed", `an Arrow footer of ${length} bytes`);
  const blocks = readFooter(bytes.subarray(end - length, end), state);
  if (blocks.length > messagesMax)
    throw new DecodeError("limit", `more than ${messagesMax} messages in a file`);
  const batches: Batch[] = [];
  for (const { offset } of blocks) {
    const framed = frameAt(bytes, offset);
    if (framed === undefined)
      throw new DecodeError("malformed", `no message at byte ${offset} of an Arrow file`);
    accept(state, framed, batches);
  }
  return batches;
}

function accept(state: StreamState, framed: Framed, into: Batch[]): void {
  const batch = guarded(() => acceptMessage(state, framed));
  if (batch !== undefined) into.push(batch);
}
