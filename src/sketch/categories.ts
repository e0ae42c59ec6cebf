import assert from "node:assert/strict";
import { type Hash, hashBytes, hashText } from "../model/hash.ts";
import type { Sketch } from "./sketch.ts";
import { createReader, createWriter, type Reader, type Writer } from "./wire.ts";

/**
 * How often each value occurs: exact up to `limit` values, bounded frequent items beyond (Misra & Gries 1982, in the form of
 * Anderson et al., "A high-performance algorithm for identifying frequent items in data streams", 2017: when the table is full,
 * the median count is taken off every one). A value's true count is in [countOf, countOf + error], and
 * error ≤ 2 · total / limit. No chance, and no dependence on how a stream is cut into batches.
 *
 * A value is known by its length and 64-bit hash; its first 256 bytes are kept for people.
 */
export interface Categories {
  limit: number;
  /** Values added. */
  total: number;
  /** What any count may have lost; 0 while exact. */
  error: number;
  /** Values kept. */
  size: number;
  /** Open addressing: an entry's number plus one, 0 is free. Length a power of two. */
  slots: Int32Array;
  /** Of each entry: hash, bytes of the value, where its kept bytes begin, and its count. */
  low: Int32Array;
  high: Int32Array;
  lengths: Int32Array;
  starts: Int32Array;
  counts: Float64Array;
  bytes: Uint8Array;
  bytesUsed: number;
}

export interface CategoryCount {
  readonly value: string;
  readonly count: number;
}

const keptBytes = 256;

export function createCategories(limit: number): Categories {
  assert(limit >= 2);
  return {
    limit,
    total: 0,
    error: 0,
    size: 0,
    slots: new Int32Array(16),
    low: new Int32Array(8),
    high: new Int32Array(8),
    lengths: new Int32Array(8),
    starts: new Int32Array(8),
    counts: new Float64Array(8),
    bytes: new Uint8Array(64),
    bytesUsed: 0,
  };
}

/** Adds `count` occurrences. */
export function addCategory(into: Categories, value: string, count = 1): void {
  const { bytes, low, high } = hashText(value);
  addBytes(into, low, high, bytes, 0, bytes.length, count);
}

/** Adds `count` occurrences of `bytes[from, to)`, whose `hashBytes` is (low, high). */
export function addBytes(
  into: Categories,
  low: number,
  high: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  count: number,
): void {
  into.total += count;
  const entry = find(into, low, high, to - from);
  if (entry >= 0) into.counts[entry] = (into.counts[entry] as number) + count;
  else insert(into, low, high, to - from, bytes, from, count);
}

/** The number of the entry that keeps a value, −1 when none does; numbers last until the next `add`. */
export function find(into: Categories, a: number, b: number, length: number): number {
  const { slots, low, high, lengths } = into;
  const mask = slots.length - 1;
  let slot = (a ^ b) & mask;
  let entry = (slots[slot] as number) - 1;
  while (entry >= 0) {
    if (low[entry] === a && high[entry] === b && lengths[entry] === length) return entry;
    slot = (slot + 1) & mask;
    entry = (slots[slot] as number) - 1;
  }
  return -1;
}

/** Keeps the first `keptBytes` of `bytes[from, from + length)`; nothing is allocated unless an array is full. */
function insert(
  into: Categories,
  low: number,
  high: number,
  length: number,
  bytes: Uint8Array,
  from: number,
  count: number,
): void {
  if (into.size >= into.limit) purge(into);
  if (into.size === into.low.length) growEntries(into);
  const entry = into.size++;
  const kept = Math.min(length, keptBytes);
  const start = into.bytesUsed;
  into.low[entry] = low;
  into.high[entry] = high;
  into.lengths[entry] = length;
  into.starts[entry] = start;
  into.counts[entry] = count;
  if (start + kept > into.bytes.length) {
    const grown = new Uint8Array(Math.max(into.bytes.length * 2, start + kept));
    grown.set(into.bytes.subarray(0, start));
    into.bytes = grown;
  }
  const own = into.bytes;
  for (let i = 0; i < kept; i++) own[start + i] = bytes[from + i] as number;
  into.bytesUsed = start + kept;
  place(into, entry);
}

function place({ slots, low, high }: Categories, entry: number): void {
  const mask = slots.length - 1;
  let slot = ((low[entry] as number) ^ (high[entry] as number)) & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entry + 1;
}

function growEntries(into: Categories): void {
  const size = into.low.length * 2;
  const grow = <A extends Int32Array | Float64Array>(grown: A, old: A): A => {
    grown.set(old);
    return grown;
  };
  into.low = grow(new Int32Array(size), into.low);
  into.high = grow(new Int32Array(size), into.high);
  into.lengths = grow(new Int32Array(size), into.lengths);
  into.starts = grow(new Int32Array(size), into.starts);
  into.counts = grow(new Float64Array(size), into.counts);
  into.slots = new Int32Array(size * 2);
  for (let entry = 0; entry < into.size; entry++) place(into, entry);
}

/** Takes the median count off every entry and drops those that have nothing left: at least half of them. */
function purge(into: Categories): void {
  takeOff(into, medianCount(into.counts, into.size));
}

/** Counts up to this are told apart without sorting: where values have to be dropped, most were seen once or twice. */
const smallCounts = 64;
const small = new Int32Array(smallCounts + 1);

/** The count at place ⌊size / 2⌋ of the sorted counts. */
function medianCount(counts: Float64Array, size: number): number {
  small.fill(0);
  for (let entry = 0; entry < size; entry++) {
    const count = counts[entry] as number;
    if (count <= smallCounts) small[count] = (small[count] as number) + 1;
  }
  let below = 0;
  for (let count = 1; count <= smallCounts; count++) {
    below += small[count] as number;
    if (below > size >> 1) return count;
  }
  return counts.slice(0, size).sort()[size >> 1] as number;
}

function takeOff(into: Categories, loss: number): void {
  const { low, high, lengths, starts, counts, bytes, slots, size } = into;
  into.error += loss;
  let kept = 0;
  let bytesUsed = 0;
  for (let entry = 0; entry < size; entry++) {
    const count = (counts[entry] as number) - loss;
    if (count <= 0) continue;
    const start = starts[entry] as number;
    const length = lengths[entry] as number;
    const keptLength = Math.min(length, keptBytes);
    for (let i = 0; i < keptLength; i++) bytes[bytesUsed + i] = bytes[start + i] as number;
    low[kept] = low[entry] as number;
    high[kept] = high[entry] as number;
    lengths[kept] = length;
    starts[kept] = bytesUsed;
    counts[kept] = count;
    bytesUsed += keptLength;
    kept++;
  }
  into.size = kept;
  into.bytesUsed = bytesUsed;
  slots.fill(0);
  for (let entry = 0; entry < kept; entry++) place(into, entry);
}

/**
 * Neither argument is changed; the larger limit holds. Counts are added; when more than `limit` values are left, the largest
 * count that is too many is taken off every one (Agarwal et al., "Mergeable summaries", 2012).
 */
export function mergeCategories(a: Categories, b: Categories): Categories {
  const merged = copyWithRoom(a, b.size);
  for (let entry = 0; entry < b.size; entry++) {
    const low = b.low[entry] as number;
    const high = b.high[entry] as number;
    const length = b.lengths[entry] as number;
    const count = b.counts[entry] as number;
    const own = find(merged, low, high, length);
    if (own >= 0) merged.counts[own] = (merged.counts[own] as number) + count;
    else insert(merged, low, high, length, b.bytes, b.starts[entry] as number, count);
  }
  merged.limit = Math.max(a.limit, b.limit);
  merged.total += b.total;
  merged.error += b.error;
  if (merged.size > merged.limit) {
    const sorted = merged.counts.slice(0, merged.size).sort();
    takeOff(merged, sorted[merged.size - merged.limit - 1] as number);
  }
  return merged;
}

/** A copy without a limit of its own, with free places for `more` entries. */
function copyWithRoom(from: Categories, more: number): Categories {
  const { size, slots } = from;
  const places = Math.max(from.low.length, 2 ** Math.ceil(Math.log2(size + more || 1)));
  const copy = (old: Int32Array): Int32Array => {
    const grown = new Int32Array(places);
    grown.set(old.subarray(0, size));
    return grown;
  };
  const counts = new Float64Array(places);
  counts.set(from.counts.subarray(0, size));
  const same = slots.length === places * 2;
  const copied: Categories = {
    ...from,
    limit: Number.MAX_SAFE_INTEGER,
    slots: same ? slots.slice() : new Int32Array(places * 2),
    low: copy(from.low),
    high: copy(from.high),
    lengths: copy(from.lengths),
    starts: copy(from.starts),
    counts,
    bytes: from.bytes.slice(),
  };
  for (let entry = 0; !same && entry < size; entry++) place(copied, entry);
  return copied;
}

const keptBytesOf = (length: number): number => Math.min(length, keptBytes);

/** Occurrences of `value`: exact, or a lower bound that is short by `error` at most. */
export function countOf(categories: Categories, value: string): number {
  const { bytes, low, high } = hashText(value);
  const entry = find(categories, low, high, bytes.length);
  return entry < 0 ? 0 : (categories.counts[entry] as number);
}

/** The `k` most frequent, by descending count, then by value. */
export function top(categories: Categories, k: number): CategoryCount[] {
  const order = ranked(categories);
  // Values are only decoded where they decide: among the ties at the end.
  const last = categories.counts[order[Math.min(k, order.length) - 1] ?? 0] as number;
  const near = order.filter((entry) => (categories.counts[entry] as number) >= last);
  return near
    .map((entry) => entryOf(categories, entry))
    .sort(byCount)
    .slice(0, k);
}

/** Every value that is kept, by descending count, then by value. */
export function entries(categories: Categories): CategoryCount[] {
  return ranked(categories)
    .map((entry) => entryOf(categories, entry))
    .sort(byCount);
}

const byCount = (a: CategoryCount, b: CategoryCount): number =>
  b.count - a.count || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0);

function ranked({ counts, size: length }: Categories): number[] {
  return Array.from({ length }, (_, entry) => entry).sort(
    (a, b) => (counts[b] as number) - (counts[a] as number),
  );
}

const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

function entryOf({ bytes, starts, lengths, counts }: Categories, entry: number): CategoryCount {
  const [start, length] = [starts[entry] as number, lengths[entry] as number];
  const text = textDecoder.decode(bytes.subarray(start, start + keptBytesOf(length)));
  return { value: length > keptBytes ? `${text}…` : text, count: counts[entry] as number };
}

/** Occurrences added, of values kept or not. */
export function total(categories: Categories): number {
  return categories.total;
}

/** Whether every value is kept with its exact count. */
export function isExact(categories: Categories): boolean {
  return categories.error === 0;
}

/** Values kept. */
export function size(categories: Categories): number {
  return categories.size;
}

/** By hash, then by length: an order that a value has from itself alone. */
function byPlace({ low, high, lengths }: Categories, a: number, b: number): number {
  return (
    (low[a] as number) - (low[b] as number) ||
    (high[a] as number) - (high[b] as number) ||
    (lengths[a] as number) - (lengths[b] as number)
  );
}

/** So many entries have their numbers beside the low words of their hashes in doubles' 53 bits. */
const sortableMax = 2 ** 21;

/** Entries in the order of `byPlace`. Low words decide nearly always, and numbers sort a hundred times faster than entries. */
function placed(categories: Categories): Float64Array {
  const { low, size } = categories;
  const order = new Float64Array(size);
  if (size > sortableMax) return order.map((_, entry) => entry).sort((a, b) => byPlace(categories, a, b));
  for (let entry = 0; entry < size; entry++) order[entry] = (low[entry] as number) * sortableMax + entry;
  order.sort();
  for (let i = 0; i < size; i++) {
    const key = order[i] as number;
    const entry = key - Math.floor(key / sortableMax) * sortableMax;
    let at = i;
    for (; at > 0 && byPlace(categories, order[at - 1] as number, entry) > 0; at--)
      order[at] = order[at - 1] as number;
    order[at] = entry;
  }
  return order;
}

/**
 * Limit, total, error and number of entries; then each entry's count, length, hash when it is longer than what is kept, and
 * kept bytes. Entries ascend by hash, so that equal contents are equal bytes whatever came first.
 */
export function writeCategories(writer: Writer, categories: Categories): void {
  const { low, high, lengths, starts, counts, bytes } = categories;
  for (const value of [categories.limit, categories.total, categories.error, categories.size])
    writer.count(value);
  for (const entry of placed(categories)) {
    const [start, length] = [starts[entry] as number, lengths[entry] as number];
    writer.count(counts[entry] as number);
    writer.count(length);
    if (length > keptBytes) {
      writer.word(low[entry] as number);
      writer.word(high[entry] as number);
    }
    writer.bytes(bytes, start, start + keptBytesOf(length));
  }
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
