import { cellOf, type DictionaryColumn } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { utf8ColumnOf } from "./rows.ts";

type Dictionary = DictionaryColumn["dictionary"];

/** Dictionaries kept over messages; the least recently used goes. */
const entriesMax = 256;
/** Bytes of dictionaries kept over messages. */
const bytesMax = 32 * 1024 * 1024;

/** The same bytes on top of the same predecessor give the same object. */
export interface DictionaryCache {
  of(
    metadata: Uint8Array,
    body: Uint8Array,
    before: Dictionary | undefined,
    make: () => Dictionary,
  ): Dictionary;
}

interface Entry {
  readonly metadata: Uint8Array;
  readonly body: Uint8Array;
  readonly before: Dictionary | undefined;
  readonly dictionary: Dictionary;
}

export function createDictionaryCache(): DictionaryCache {
  const entries = new Map<number, Entry>();
  let bytes = 0;
  const sizeOf = (entry: Entry): number => entry.metadata.length + entry.body.length;
  return {
    of(metadata, body, before, make) {
      const key = hash(metadata) ^ hash(body);
      const found = entries.get(key);
      if (
        found?.before === before &&
        found !== undefined &&
        same(found.metadata, metadata) &&
        same(found.body, body)
      ) {
        entries.delete(key);
        entries.set(key, found); // now the most recently used
        return found.dictionary;
      }
      const entry = { metadata: metadata.slice(), body: body.slice(), before, dictionary: make() };
      if (found !== undefined) bytes -= sizeOf(found);
      entries.delete(key);
      entries.set(key, entry);
      bytes += sizeOf(entry);
      for (const [oldest, old] of entries) {
        if (entries.size <= 1 || (entries.size <= entriesMax && bytes <= bytesMax)) break;
        entries.delete(oldest);
        bytes -= sizeOf(old);
      }
      return entry.dictionary;
    },
  };
}

/** FNV-1a over at most 256 bytes spread over the whole, and the length: a first sieve, `same` decides. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5 ^ bytes.length;
  const step = Math.max(1, bytes.length >> 8);
  for (let index = 0; index < bytes.length; index += step)
    value = Math.imul(value ^ (bytes[index] as number), 0x01000193);
  return value;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** A delta: the values of `more` behind those of `before`. */
export function appendDictionary(before: Dictionary, more: Dictionary, limits: Limits): Dictionary {
  const rows = before.rows + more.rows;
  if (rows > limits.dictionaryEntries) throw new DecodeError("limit", `a dictionary of ${rows} values`);
  if (before.kind !== "utf8" || more.kind !== "utf8")
    throw new DecodeError("format", "a delta of a dictionary that is no text");
  const values = [before, more].flatMap((column) =>
    Array.from({ length: column.rows }, (_, row) => cellOf(column, row) as string | null),
  );
  return utf8ColumnOf(values, before.declared);
}
