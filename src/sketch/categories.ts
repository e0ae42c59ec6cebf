import assert from "node:assert/strict";
import { hashText } from "../model/hash.ts";

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
  /** Ascending by entry; between them may lie what was kept of values that were dropped, until room is needed. */
  bytes: Uint8Array;
  bytesUsed: number;
}

export interface CategoryCount {
  readonly value: string;
  readonly count: number;
}

/** Of a value, for people. */
export const keptBytes = 256;

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

/** Adds `count` occurrences of what entry `entry` keeps. */
export function addToEntry(into: Categories, entry: number, count: number): void {
  into.total += count;
  into.counts[entry] = (into.counts[entry] as number) + count;
}

/** Adds a value that is not kept yet, without its count in `total`; nothing is allocated unless an array is full. */
export function insert(
  into: Categories,
  low: number,
  high: number,
  length: number,
  bytes: Uint8Array,
  from: number,
  count: number,
): void {
  if (into.size >= into.limit) purge(into);
  if (into.size === into.low.length) growEntries(into, into.size + 1);
  const start = appendBytes(into, bytes, from, from + keptBytesOf(length));
  const entry = into.size++;
  into.low[entry] = low;
  into.high[entry] = high;
  into.lengths[entry] = length;
  into.counts[entry] = count;
  into.starts[entry] = start;
  place(into, entry);
}

/** From so many bytes on a native copy is faster than a loop. */
const nativeCopyMin = 64;

/** Appends `bytes[from, to)`, which are not the table's own, to the bytes that are kept. @returns where they begin */
export function appendBytes(into: Categories, bytes: Uint8Array, from: number, to: number): number {
  makeBytes(into, to - from);
  const start = into.bytesUsed;
  const end = start + to - from;
  const own = into.bytes;
  if (to - from >= nativeCopyMin) own.set(bytes.subarray(from, to), start);
  else for (let i = start; i < end; i++) own[i] = bytes[from + i - start] as number;
  into.bytesUsed = end;
  return start;
}

/** Room for `more` bytes. What is kept is closed up, and takes half of the array at most then, as long as it is not larger than at first. */
function makeBytes(into: Categories, more: number): void {
  if (into.bytesUsed + more <= into.bytes.length) return;
  const { starts, lengths, size } = into;
  let kept = 0;
  for (let entry = 0; entry < size; entry++) kept += keptBytesOf(lengths[entry] as number);
  let length = into.bytes.length;
  while (length < 2 * (kept + more)) length *= 2;
  const own = length === into.bytes.length; // what is kept only moves towards the front
  const bytes = own ? into.bytes : new Uint8Array(length);
  let used = 0;
  // values that were added one after the other lie so, and move as one
  for (let first = 0, next = 0; first < size; first = next) {
    const from = starts[first] as number;
    let end = from;
    for (next = first; next < size && starts[next] === end; next++) {
      starts[next] = end - from + used;
      end += keptBytesOf(lengths[next] as number);
    }
    if (own) bytes.copyWithin(used, from, end);
    else bytes.set(into.bytes.subarray(from, end), used);
    used += end - from;
  }
  into.bytes = bytes;
  into.bytesUsed = used;
}

/**
 * Makes room for `more` values, as far as the limit lets them in.
 * @returns whether there are places for at most `most` entries then
 */
export function makeRoom(into: Categories, more: number, most: number): boolean {
  const wanted = Math.min(into.limit, into.size + more);
  if (wanted > most) return false;
  if (into.low.length < wanted) growEntries(into, wanted);
  return into.low.length <= most;
}

/** Room for as much as there is in `other`: growing step by step costs more than the table. */
export function makeRoomLike(into: Categories, other: Categories): void {
  if (into.low.length < other.size) growEntries(into, Math.min(into.limit, other.size));
  let length = into.bytes.length;
  while (length < other.bytesUsed) length *= 2;
  if (length === into.bytes.length) return;
  const bytes = new Uint8Array(length);
  bytes.set(into.bytes.subarray(0, into.bytesUsed));
  into.bytes = bytes;
}

function place({ slots, low, high }: Categories, entry: number): void {
  const mask = slots.length - 1;
  let slot = ((low[entry] as number) ^ (high[entry] as number)) & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = entry + 1;
}

/** Places for `wanted` entries, a power of two. */
function growEntries(into: Categories, wanted: number): void {
  let size = into.low.length;
  while (size < wanted) size *= 2;
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
  takeOff(into, countAt(into.counts, into.size, into.size >> 1));
}

/** Counts up to this are told apart without sorting: where values have to be dropped, most were seen once or twice. */
const smallCounts = 64;
const small = new Int32Array(smallCounts + 1);

/** The count at a place of the sorted counts. */
function countAt(counts: Float64Array, size: number, place: number): number {
  small.fill(0);
  for (let entry = 0; entry < size; entry++) {
    const count = counts[entry] as number;
    if (count <= smallCounts) small[count] = (small[count] as number) + 1;
  }
  let below = 0;
  for (let count = 1; count <= smallCounts; count++) {
    below += small[count] as number;
    if (below > place) return count;
  }
  return counts.slice(0, size).sort()[place] as number;
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
  const merged = copyWithRoom(a, b);
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
    takeOff(merged, countAt(merged.counts, merged.size, merged.size - merged.limit - 1));
  }
  return merged;
}

/** A copy without a limit of its own, with free places for all that `more` keeps. */
function copyWithRoom(from: Categories, { size: more, bytesUsed }: Categories): Categories {
  const { size, slots } = from;
  const places = Math.max(from.low.length, 2 ** Math.ceil(Math.log2(size + more || 1)));
  const copy = (old: Int32Array): Int32Array => {
    const grown = new Int32Array(places);
    grown.set(old.subarray(0, size));
    return grown;
  };
  const counts = new Float64Array(places);
  counts.set(from.counts.subarray(0, size));
  const bytes = new Uint8Array(Math.max(from.bytes.length, from.bytesUsed + bytesUsed));
  bytes.set(from.bytes.subarray(0, from.bytesUsed));
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
    bytes,
  };
  for (let entry = 0; !same && entry < size; entry++) place(copied, entry);
  return copied;
}

export const keptBytesOf = (length: number): number => Math.min(length, keptBytes);

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
