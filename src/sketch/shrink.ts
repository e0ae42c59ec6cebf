import assert from "node:assert/strict";
import { addBytes, type Categories, createCategories } from "./categories.ts";

/** Only the `limit` most frequent values, and room for no more; what any count may have lost grows by the largest that is dropped. */
export function shrinkCategories(categories: Categories, limit: number): Categories {
  assert(limit >= 2);
  const { low, high, lengths, starts, counts, bytes, size, total, error } = categories;
  const order = Array.from({ length: size }, (_, entry) => entry).sort(
    (a, b) =>
      (counts[b] as number) - (counts[a] as number) ||
      (low[a] as number) - (low[b] as number) ||
      (high[a] as number) - (high[b] as number),
  );
  const small = createCategories(limit);
  for (const entry of order.slice(0, limit)) {
    const start = starts[entry] as number;
    const end = start + (lengths[entry] as number);
    addBytes(small, low[entry] as number, high[entry] as number, bytes, start, end, counts[entry] as number);
  }
  const dropped = order[limit];
  return { ...small, total, error: error + (dropped === undefined ? 0 : (counts[dropped] as number)) };
}
