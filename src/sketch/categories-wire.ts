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
import { createReader, createWriter, type Reader, type Writer } from "./wire.ts";

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
