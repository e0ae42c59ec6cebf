import {
  type BoolColumn,
  type DictionaryColumn,
  isPresent,
  type NumericArray,
  type UnsupportedColumn,
  type Utf8Column,
} from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type Budget, claim } from "./arrow-body.ts";
import { sameBytes } from "./arrow-message.ts";

/** What a dictionary holds; of values that no check understands only their number is kept. */
export type Values = DictionaryColumn["dictionary"] | UnsupportedColumn;

/** Dictionaries kept over messages; the least recently used goes. */
const entriesMax = 256;
/** Bytes of dictionaries kept over messages. */
const bytesMax = 32 * 1024 * 1024;

/** The same bytes, read as the same type and on top of the same predecessor, give the same object. */
export interface DictionaryCache {
  of(key: DictionaryKey, make: () => Values): Values;
}

export interface DictionaryKey {
  readonly metadata: Uint8Array;
  readonly body: Uint8Array;
  readonly declared: string;
  /** What a delta is added to. */
  readonly before: Values | undefined;
}

interface Entry extends DictionaryKey {
  readonly values: Values;
  readonly bytes: number;
}

export function createDictionaryCache(): DictionaryCache {
  const entries = new Map<number, Entry>();
  let bytes = 0;
  const drop = (key: number, entry: Entry): void => {
    entries.delete(key);
    bytes -= entry.bytes;
  };
  return {
    of({ metadata, body, declared, before }, make) {
      const key = hash(metadata) ^ hash(body);
      const found = entries.get(key);
      if (found !== undefined) {
        drop(key, found);
        if (
          found.before === before &&
          found.declared === declared &&
          sameBytes(found.metadata, metadata) &&
          sameBytes(found.body, body)
        ) {
          entries.set(key, found); // now the most recently used
          bytes += found.bytes;
          return found.values;
        }
      }
      const values = make();
      const entry: Entry = {
        metadata: new Uint8Array(metadata),
        body: new Uint8Array(body),
        declared,
        before,
        values,
        bytes: metadata.length + body.length + sizeOf(values),
      };
      entries.set(key, entry);
      bytes += entry.bytes;
      for (const [oldest, old] of entries) {
        if (entries.size <= 1 || (entries.size <= entriesMax && bytes <= bytesMax)) break;
        drop(oldest, old);
      }
      return values;
    },
  };
}

/** FNV-1a over at most 256 bytes spread over the whole, and the length: a first sieve, the bytes decide. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5 ^ bytes.length;
  const step = Math.max(1, bytes.length >> 8);
  for (let index = 0; index < bytes.length; index += step)
    value = Math.imul(value ^ (bytes[index] as number), 0x01000193);
  return value;
}

/** Bytes that the values of a dictionary take. */
function sizeOf(values: Values): number {
  switch (values.kind) {
    case "utf8":
      return values.bytes.length + 4 * values.rows;
    case "numeric":
      return values.values.byteLength;
    case "int64":
    case "timestamp":
      return 8 * values.rows;
    case "bool":
      return values.bits.length;
    case "unsupported":
      return 0;
  }
}

/**
 * A delta: the values of `more` behind those of `before`, as a new dictionary.
 * @throws DecodeError limit, malformed (values of another type)
 */
export function appendDictionary(before: Values, more: Values, limits: Limits, budget: Budget): Values {
  const rows = before.rows + more.rows;
  if (rows > limits.dictionaryEntries) throw new DecodeError("limit", `a dictionary of ${rows} values`);
  claim(budget, sizeOf(before) + sizeOf(more));
  const slot = { rows, validityOffset: 0, declared: before.declared, ...validityOf(before, more) };
  if (before.kind === "utf8" && more.kind === "utf8")
    return { kind: "utf8", ...slot, ...joinTexts(before, more) };
  if (before.kind === "numeric" && more.kind === "numeric") {
    const values = joinNumbers(before.values, before.rows, more.values, more.rows);
    return { kind: "numeric", ...slot, type: before.type, values };
  }
  if (before.kind === "int64" && more.kind === "int64")
    return { kind: "int64", ...slot, signed: before.signed, words: joinWords(before, more) };
  if (before.kind === "timestamp" && more.kind === "timestamp")
    return { kind: "timestamp", ...slot, unitMs: before.unitMs, words: joinWords(before, more) };
  if (before.kind === "bool" && more.kind === "bool") {
    const bits = joinBits(
      before.rows,
      (row) => bitAt(before, row),
      more.rows,
      (row) => bitAt(more, row),
    );
    return { kind: "bool", ...slot, bits, bitOffset: 0 };
  }
  if (before.kind === "unsupported") return { kind: "unsupported", ...slot };
  throw new DecodeError("malformed", `a delta of ${more.kind} for a dictionary of ${before.kind}`);
}

function validityOf(a: Values, b: Values): { validity: Uint8Array | undefined; nullCount: number } {
  const nullCount = a.nullCount + b.nullCount;
  if (nullCount === 0) return { validity: undefined, nullCount };
  return {
    validity: joinBits(
      a.rows,
      (row) => isPresent(a, row),
      b.rows,
      (row) => isPresent(b, row),
    ),
    nullCount,
  };
}

function joinBits(
  rows: number,
  first: (row: number) => boolean,
  moreRows: number,
  second: (row: number) => boolean,
): Uint8Array {
  const bits = new Uint8Array((rows + moreRows + 7) >> 3);
  for (let row = 0; row < rows + moreRows; row++) {
    if (row < rows ? first(row) : second(row - rows))
      bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  }
  return bits;
}

function bitAt({ bits, bitOffset }: BoolColumn, row: number): boolean {
  return ((bits[(bitOffset + row) >> 3] as number) & (1 << ((bitOffset + row) & 7))) !== 0;
}

function joinTexts(a: Utf8Column, b: Utf8Column): Pick<Utf8Column, "offsets" | "bytes"> {
  const [aFrom, aTo] = [a.offsets[0] as number, a.offsets[a.rows] as number];
  const [bFrom, bTo] = [b.offsets[0] as number, b.offsets[b.rows] as number];
  const bytes = new Uint8Array(aTo - aFrom + bTo - bFrom);
  bytes.set(a.bytes.subarray(aFrom, aTo));
  bytes.set(b.bytes.subarray(bFrom, bTo), aTo - aFrom);
  const offsets = new Int32Array(a.rows + b.rows + 1);
  for (let row = 0; row <= a.rows; row++) offsets[row] = (a.offsets[row] as number) - aFrom;
  for (let row = 1; row <= b.rows; row++)
    offsets[a.rows + row] = (b.offsets[row] as number) - bFrom + aTo - aFrom;
  return { offsets, bytes };
}

function joinNumbers(a: NumericArray, rows: number, b: NumericArray, moreRows: number): NumericArray {
  const make = a.constructor as new (length: number) => NumericArray;
  const joined = new make(rows + moreRows);
  joined.set(a.subarray(0, rows));
  joined.set(b.subarray(0, moreRows), rows);
  return joined;
}

function joinWords(
  a: { readonly rows: number; readonly words: Int32Array },
  b: { readonly rows: number; readonly words: Int32Array },
): Int32Array {
  const words = new Int32Array(2 * (a.rows + b.rows));
  words.set(a.words.subarray(0, 2 * a.rows));
  words.set(b.words.subarray(0, 2 * b.rows), 2 * a.rows);
  return words;
}
