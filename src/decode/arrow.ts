import type { Batch, Column, DictionaryColumn } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type Budget, openBody } from "./arrow-body.ts";
import { readColumn, readColumns } from "./arrow-columns.ts";
import { appendDictionary, createDictionaryCache, type DictionaryCache } from "./arrow-dictionary.ts";
import { type ArrowField, type ArrowSchema, readSchema } from "./arrow-schema.ts";
import { bool, int8, int64, rootTable, type Table, table } from "./flatbuffer.ts";

const continuation = 0xffff_ffff;
const [schemaHeader, dictionaryHeader, batchHeader] = [1, 2, 3];
/** Metadata of one message: schemas of 2,000 fields stay far below. */
const metadataBytesMax = 4 * 1024 * 1024;
/** Messages in one IPC stream: a Kafka message with more batches is refused. */
const messagesMax = 100_000;

/**
 * Reads Arrow IPC streams, each from its first byte, and remembers schemas and dictionaries between them: the same bytes
 * give the same objects, so that whoever compiled something for them need not do it again.
 * @see https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
export interface ArrowReader {
  /** @throws DecodeError for anything that is not a whole, consistent stream. */
  read(bytes: Uint8Array): Batch[];
}

/** One encapsulated message: flatbuffer header and body, views over the stream's bytes. */
export interface Framed {
  readonly metadata: Uint8Array;
  readonly body: Uint8Array;
  /** Of the next message. */
  readonly end: number;
}

export function createArrowReader(limits: Limits): ArrowReader {
  const cache = createDictionaryCache();
  let lastSchema: { bytes: Uint8Array; schema: ArrowSchema } | undefined;
  return {
    read(given) {
      const bytes = given.byteOffset % 8 === 0 ? given : given.slice();
      const budget: Budget = { bytes: limits.decodedBytes };
      const state = createStreamState(limits, budget, cache);
      const batches: Batch[] = [];
      let at = 0;
      for (let messages = 0; at < bytes.length; messages++) {
        if (messages > messagesMax)
          throw new DecodeError("limit", `more than ${messagesMax} messages in a stream`);
        const framed = frameAt(bytes, at);
        if (framed === undefined) break;
        at = framed.end;
        const first = messages === 0;
        if (first && lastSchema !== undefined && sameBytes(lastSchema.bytes, framed.metadata)) {
          state.schema = lastSchema.schema;
          continue;
        }
        const batch = guarded(() => acceptMessage(state, framed));
        if (first && state.schema !== undefined)
          lastSchema = { bytes: framed.metadata.slice(), schema: state.schema };
        if (batch !== undefined) batches.push(batch);
      }
      if (state.schema === undefined) throw new DecodeError("truncated", "an Arrow stream without a schema");
      return batches;
    },
  };
}

/** What the messages of one stream build on. */
export interface StreamState {
  readonly limits: Limits;
  readonly budget: Budget;
  readonly cache: DictionaryCache;
  readonly dictionaries: Map<number, DictionaryColumn["dictionary"]>;
  schema: ArrowSchema | undefined;
}

export function createStreamState(limits: Limits, budget: Budget, cache: DictionaryCache): StreamState {
  return { limits, budget, cache, dictionaries: new Map(), schema: undefined };
}

/** Takes one message in; a record batch comes back as a `Batch`. */
export function acceptMessage(state: StreamState, { metadata, body }: Framed): Batch | undefined {
  const message = rootTable(metadata);
  const header = table(message, 2);
  if (header === undefined) throw new DecodeError("malformed", "a message without a header");
  switch (int8(message, 1, 0)) {
    case schemaHeader:
      state.schema = readSchema(header, state.limits);
      state.dictionaries.clear();
      return undefined;
    case dictionaryHeader:
      acceptDictionary(state, header, metadata, body);
      return undefined;
    case batchHeader: {
      if (state.schema === undefined) throw new DecodeError("malformed", "a record batch before its schema");
      const opened = openBody(header, body, state.limits, state.budget);
      const columns: ReadonlyMap<string, Column> = readColumns(
        state.schema.fields,
        opened,
        state.dictionaries,
      );
      return { rows: opened.rows, columns };
    }
    default:
      throw new DecodeError("format", `Arrow message type ${int8(message, 1, 0)}`);
  }
}

function acceptDictionary(state: StreamState, header: Table, metadata: Uint8Array, body: Uint8Array): void {
  const id = int64(header, 0);
  const field = state.schema === undefined ? undefined : findDictionary(state.schema.fields, id);
  if (field === undefined) return; // no column uses it
  const before = state.dictionaries.get(id);
  const delta = bool(header, 2) && before !== undefined;
  const column = state.cache.of(metadata, body, delta ? before : undefined, () => {
    const data = table(header, 1);
    if (data === undefined) throw new DecodeError("malformed", `dictionary ${id} without data`);
    const opened = openBody(data, body.slice(), state.limits, state.budget);
    if (opened.rows > state.limits.dictionaryEntries)
      throw new DecodeError("limit", `a dictionary of ${opened.rows} values`);
    const { dictionary: _, ...plain } = field;
    const values = readColumn({ ...plain, dictionary: undefined }, opened, new Map(), opened.rows);
    const allowed = asDictionary(values, field);
    return delta ? appendDictionary(before, allowed, state.limits) : allowed;
  });
  state.dictionaries.set(id, column);
}

function asDictionary(values: Column, field: ArrowField): DictionaryColumn["dictionary"] {
  switch (values.kind) {
    case "utf8":
    case "numeric":
    case "int64":
    case "bool":
    case "timestamp":
      return values;
    default:
      throw new DecodeError("format", `column "${field.name}": a dictionary of ${field.declared}`);
  }
}

function findDictionary(fields: readonly ArrowField[], id: number): ArrowField | undefined {
  for (const field of fields) {
    if (field.dictionary?.id === id) return field;
    const inside = findDictionary(field.children, id);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** The message at byte `at`; `undefined` at the end-of-stream mark. */
export function frameAt(bytes: Uint8Array, at: number): Framed | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (at + 4 > bytes.length)
    throw new DecodeError("truncated", `an Arrow stream that ends in a length at byte ${at}`);
  let start = at;
  if (view.getUint32(start, true) === continuation) start += 4;
  if (start + 4 > bytes.length)
    throw new DecodeError("truncated", `an Arrow stream that ends in a length at byte ${at}`);
  const length = view.getInt32(start, true);
  if (length === 0) return undefined;
  start += 4;
  if (length < 8 || length > metadataBytesMax)
    throw new DecodeError("malformed", `Arrow metadata of ${length} bytes at byte ${at}`);
  if (start + length > bytes.length) {
    throw new DecodeError(
      "truncated",
      `Arrow metadata of ${length} bytes at byte ${at}, ${bytes.length - start} are there`,
    );
  }
  const metadata = bytes.subarray(start, start + length);
  const bodyLength = guarded(() => int64(rootTable(metadata), 3));
  const bodyAt = start + length;
  if (bodyAt + bodyLength > bytes.length) {
    throw new DecodeError(
      "truncated",
      `an Arrow body of ${bodyLength} bytes at byte ${bodyAt}, ${bytes.length - bodyAt} are there`,
    );
  }
  return { metadata, body: bytes.subarray(bodyAt, bodyAt + bodyLength), end: bodyAt + bodyLength };
}

/** A read past the metadata's end is the bytes' fault, and so is a typed array that does not fit. */
export function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError)
      throw new DecodeError("malformed", `Arrow metadata: ${error.message}`, { cause: error });
    throw error;
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
