import { type Hash, hashBytes } from "../model/hash.ts";
import {
  addCategory,
  type Categories,
  countOf,
  createCategories,
  entries,
  insert,
  keptBytes,
  keptBytesOf,
  mergeCategories,
} from "./categories.ts";
import type { Sketch } from "./sketch.ts";
import {
  countBytesMax,
  createReader,
  createWriter,
  putCount,
  putWord,
  type Reader,
  type Writer,
} from "./wire.ts";

/** By hash, then by length: an order that a value has from itself alone. */
function byPlace({ low, high, lengths }: Categories, a: number, b: number): number {
  return (
    (low[a] as number) - (low[b] as number) ||
    (high[a] as number) - (high[b] as number) ||
    (lengths[a] as number) - (lengths[b] as number)
  );
}

/** Low words are sorted by a byte at a time, the lowest first. */
const digitValues = 256;
const ends = new Int32Array(4 * digitValues);
let [order, spare] = [new Int32Array(4_096), new Int32Array(4_096)];

/** Entries in the order of `byPlace`, until the next call. Low words decide nearly always. */
function placed(categories: Categories): Int32Array {
  const { low, size } = categories;
  if (order.length < size) [order, spare] = [new Int32Array(size), new Int32Array(size)];
  countDigits(low, size);
  for (let entry = 0; entry < size; entry++) order[entry] = entry;
  for (let digit = 0; digit < 4; digit++) {
    sortByDigit(low, order, spare, size, digit);
    [order, spare] = [spare, order];
  }
  for (let i = 1; i < size; i++) {
    const entry = order[i] as number;
    let at = i;
    for (; at > 0 && byPlace(categories, order[at - 1] as number, entry) > 0; at--)
      order[at] = order[at - 1] as number;
    order[at] = entry;
  }
  return order.subarray(0, size);
}

/** For each digit and each value of it: how many entries have it, and then where those begin. −2^31 comes first. */
function countDigits(low: Int32Array, size: number): void {
  ends.fill(0);
  for (let entry = 0; entry < size; entry++) {
    const key = (low[entry] as number) ^ 0x8000_0000;
    for (let digit = 0; digit < 4; digit++) {
      const at = digit * digitValues + ((key >>> (digit * 8)) & 0xff);
      ends[at] = (ends[at] as number) + 1;
    }
  }
  for (let at = 0, start = 0; at < ends.length; at++) {
    const many = ends[at] as number;
    if (at % digitValues === 0) start = 0;
    ends[at] = start;
    start += many;
  }
}

function sortByDigit(low: Int32Array, from: Int32Array, into: Int32Array, size: number, digit: number): void {
  for (let i = 0; i < size; i++) {
    const entry = from[i] as number;
    const key = (low[entry] as number) ^ 0x8000_0000;
    const at = digit * digitValues + ((key >>> (digit * 8)) & 0xff);
    const place = ends[at] as number;
    ends[at] = place + 1;
    into[place] = entry;
  }
}

/** Of an entry, but for its kept bytes: three counts, and two words. */
const entryBytesMax = 3 * countBytesMax + 8;
/** So few bytes are copied faster one by one. */
const shortBytes = 32;

/**
 * Limit, total, error and number of entries; then each entry's count, length, hash when it is longer than what is kept, and
 * kept bytes. Entries ascend by hash, so that equal contents are equal bytes whatever came first.
 */
export function writeCategories(writer: Writer, categories: Categories): void {
  for (const value of [categories.limit, categories.total, categories.error, categories.size])
    writer.count(value);
  writer.fill(categories.size * entryBytesMax + categories.bytesUsed, (bytes, start) => {
    let at = start;
    for (const entry of placed(categories)) at = putEntry(bytes, at, categories, entry);
    return at;
  });
}

function putEntry(into: Uint8Array, start: number, categories: Categories, entry: number): number {
  const { low, high, lengths, starts: places, counts, bytes } = categories;
  const length = lengths[entry] as number;
  const [kept, from] = [keptBytesOf(length), places[entry] as number];
  let at = putCount(into, putCount(into, start, counts[entry] as number), length);
  if (length > keptBytes) at = putWord(into, putWord(into, at, low[entry] as number), high[entry] as number);
  at = putCount(into, at, kept);
  if (kept > shortBytes) into.set(bytes.subarray(from, from + kept), at);
  else for (let i = 0; i < kept; i++) into[at + i] = bytes[from + i] as number;
  return at + kept;
}

export function readCategories(reader: Reader): Categories {
  const limit = reader.count();
  if (limit < 2 || limit > 0x7fff_ffff) throw reader.corrupt(`limit ${limit}`);
  const categories = createCategories(limit);
  const [sum, error, length] = [reader.count(), reader.count(), reader.length(3)];
  if (length > limit) throw reader.corrupt(`${length} values, limit ${limit}`);
  let counted = 0;
  const hash: Hash = { low: 0, high: 0 };
  for (let i = 0; i < length; i++) {
    const [count, bytes] = [reader.count(), reader.count()];
    if (bytes > keptBytes) [hash.low, hash.high] = [reader.word(), reader.word()];
    const [from, to] = reader.span();
    if (to - from !== keptBytesOf(bytes) || bytes > 0x7fff_ffff)
      throw reader.corrupt(`a value of ${bytes} bytes`);
    if (bytes <= keptBytes) hashBytes(hash, reader.view, from, to);
    counted += count;
    if (count === 0 || counted > sum) throw reader.corrupt(`count ${count}`);
    insert(categories, hash.low, hash.high, bytes, reader.all, from, count);
    if (i > 0 && byPlace(categories, i - 1, i) >= 0) throw reader.corrupt("a value out of order");
  }
  if (error > sum || (error === 0 && counted !== sum)) throw reader.corrupt(`${counted} values of ${sum}`);
  categories.total = sum;
  categories.error = error;
  return categories;
}

const version = 1;

/** Encoded as a version byte, then as by `writeCategories`. */
export function categoriesSketch(limit: number): Sketch<Categories, string> {
  return {
    create: () => createCategories(limit),
    add: (into, value) => addCategory(into, value),
    merge: mergeCategories,
    /** Exact ones are equal; bounded ones agree when no value's bounds contradict each other. */
    agrees(a, b) {
      if (a.total !== b.total) return false;
      const values = new Set([...entries(a), ...entries(b)].map(({ value }) => value));
      return [...values].every((value) => {
        const [p, q] = [countOf(a, value), countOf(b, value)];
        return p <= q + b.error && q <= p + a.error;
      });
    },
    encode(state) {
      const writer = createWriter();
      writer.byte(version);
      writeCategories(writer, state);
      return writer.done();
    },
    decode(bytes) {
      const reader = createReader(bytes, "categories");
      if (reader.byte() !== version) throw reader.corrupt(`version ${bytes[0]}`);
      const state = readCategories(reader);
      reader.end();
      return state;
    },
  };
}
