import { addBytes, appendBytes, type Categories, find, keptBytesOf, makeRoom } from "./categories.ts";
import { addHash, addRanks, type Distinct } from "./distinct.ts";
import { kernel } from "./kernel.ts";

/** A text for each row of a tile: bytes[starts[r], ends[r]), whose hash is (low[r], high[r]). */
interface Texts {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
}

export interface RowTexts {
  /** Those of the column: the kernel has their offsets and hashes. They are told apart, and measured. */
  readonly texts: Texts;
  /** What is kept as categories: the same, or what stands for each of them. */
  readonly kept: Texts;
  /** Whether `kernel.mask` tells which rows hold a value. */
  readonly masked: boolean;
}

/** The rows [from, to) of a tile, or those in `kernel.picks[from, to)`. */
export type KernelRows = readonly [from: number, to: number, picked: boolean];

export interface AddedTexts {
  readonly count: number;
  /** In bytes; Infinity and 0 when there were none. */
  readonly shortest: number;
  readonly longest: number;
}

/** Carrying a table to the kernel and back costs as much as so many of its entries do one by one. */
const carriedPerRow = 8;
const carriedMin = 32;

/**
 * Adds the texts of rows one after another, as `addBytes` and `addHash` would. A value that is kept has been in `distinct` since it
 * came, so only the others are added there.
 */
export function addTexts(
  categories: Categories,
  distinct: Distinct,
  given: RowTexts,
  rows: KernelRows,
): AddedTexts {
  const most = rows[1] - rows[0];
  const pays = most >= carriedMin && most * carriedPerRow >= categories.size && given.texts === given.kept;
  return pays && makeRoom(categories, most, kernel.entries)
    ? addInKernel(categories, distinct, given, rows)
    : addOneByOne(categories, distinct, given, rows);
}

/** Few rows, a table larger than the kernel has room for, or a redacted field. */
function addOneByOne(
  categories: Categories,
  distinct: Distinct,
  { texts, kept, masked }: RowTexts,
  [from, to, picked]: KernelRows,
): AddedTexts {
  const { mask, picks } = kernel;
  const { bytes, starts, ends, low, high } = kept;
  let [count, shortest, longest] = [0, Number.POSITIVE_INFINITY, 0];
  for (let i = from; i < to; i++) {
    const row = picked ? (picks[i] as number) : i;
    if (masked && mask[row] === 0) continue;
    const [a, b] = [low[row] as number, high[row] as number];
    const [start, end] = [starts[row] as number, ends[row] as number];
    if (find(categories, a, b, end - start) < 0)
      addHash(distinct, texts.low[row] as number, texts.high[row] as number);
    addBytes(categories, a, b, bytes, start, end, 1);
    const length = (texts.ends[row] as number) - (texts.starts[row] as number);
    count++;
    if (length < shortest) shortest = length;
    if (length > longest) longest = length;
  }
  return { count, shortest, longest };
}

function addInKernel(
  categories: Categories,
  distinct: Distinct,
  { texts, masked }: RowTexts,
  [from, to, picked]: KernelRows,
): AddedTexts {
  const { slots, low, high, lengths, counts, size: before } = categories;
  kernel.slots.set(slots);
  kernel.entryLow.set(low.subarray(0, before));
  kernel.entryHigh.set(high.subarray(0, before));
  kernel.entryLength.set(lengths.subarray(0, before));
  kernel.entryCount.set(counts.subarray(0, before));
  const answer = kernel.addTexts(from, to, masked, picked, before, categories.limit, slots.length - 1);
  const [shortest = 0, longest = 0, count = 0, lost = 0] = kernel.sums;
  const size = answer >>> 13;
  categories.total += count;
  categories.error += lost;
  // without a loss the entries before stand where they stood
  const first = lost === 0 ? before : 0;
  keepTexts(categories, texts, first, size);
  slots.set(kernel.slots.subarray(0, slots.length));
  low.set(kernel.entryLow.subarray(first, size), first);
  high.set(kernel.entryHigh.subarray(first, size), first);
  lengths.set(kernel.entryLength.subarray(first, size), first);
  counts.set(kernel.entryCount.subarray(0, size));
  addRanks(distinct, answer & 0x1fff);
  return { count, shortest: count === 0 ? Number.POSITIVE_INFINITY : shortest, longest };
}

/** New values are kept with the bytes of all rows from the first to the last of them, as long as that is no more for each of them. */
const spanPerValue = 32;

/**
 * Tells where the kept bytes of the entries `[first, size)` begin, in the order in which the kernel left them: first those that stay,
 * whose bytes stay where they are, then the new ones.
 */
function keepTexts(
  categories: Categories,
  { bytes, starts, ends }: Texts,
  first: number,
  size: number,
): void {
  const { entryOrigin, entryLength } = kernel;
  const own = categories.starts;
  const { lengths } = categories;
  let entry = first;
  for (; entry < size && (entryOrigin[entry] as number) >= 0; entry++) {
    const origin = entryOrigin[entry] as number; // not below: what is read has not been written over
    own[entry] = own[origin] as number;
    lengths[entry] = lengths[origin] as number;
  }
  categories.size = entry;
  if (entry === size) return;
  // new ones are in the order of their rows
  const from = starts[-1 - (entryOrigin[entry] as number)] as number;
  const to = ends[-1 - (entryOrigin[size - 1] as number)] as number;
  if (to - from <= spanPerValue * (size - entry)) {
    const shift = appendBytes(categories, bytes, from, to) - from;
    for (; entry < size; entry++)
      own[entry] = (starts[-1 - (entryOrigin[entry] as number)] as number) + shift;
  } else {
    for (; entry < size; entry++) {
      const start = starts[-1 - (entryOrigin[entry] as number)] as number;
      const length = entryLength[entry] as number;
      own[entry] = appendBytes(categories, bytes, start, start + keptBytesOf(length));
      lengths[entry] = length;
      categories.size = entry + 1;
    }
  }
  categories.size = size;
}
