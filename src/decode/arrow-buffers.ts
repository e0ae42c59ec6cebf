import { DecodeError } from "../model/fault.ts";

/** A typed array needs its bytes aligned to its width; bytes that are not are copied. */
export function copyIfMisaligned(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
}

/** Bits set among the first `bits` of a bitmap. */
export function popcount(bitmap: Uint8Array, bits: number): number {
  const words = bitmap.byteOffset % 4 === 0 ? bits >> 5 : 0;
  let count = 0;
  if (words > 0) {
    const view = new Int32Array(bitmap.buffer, bitmap.byteOffset, words);
    for (let index = 0; index < words; index++) {
      // Hacker's Delight, 5-1
      let word = view[index] as number;
      word -= (word >>> 1) & 0x5555_5555;
      word = (word & 0x3333_3333) + ((word >>> 2) & 0x3333_3333);
      count += Math.imul((word + (word >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
    }
  }
  for (let bit = words << 5; bit < bits; bit++)
    if (((bitmap[bit >> 3] as number) & (1 << (bit & 7))) !== 0) count += 1;
  return count;
}

/** @throws DecodeError unless 0 ≤ offsets[0] ≤ … ≤ offsets[rows] ≤ end */
export function checkOffsets(offsets: Int32Array, rows: number, end: number): void {
  let last = offsets[0] as number;
  // The sign bit of any offset or any step; no branch a row. Steps between offsets ≥ 0 do not overflow.
  let signs = last;
  for (let row = 1; row <= rows; row++) {
    const offset = offsets[row] as number;
    signs |= offset | (offset - last);
    last = offset;
  }
  if (signs < 0) throw new DecodeError("malformed", "offsets of a column that go back");
  if (last > end)
    throw new DecodeError("malformed", `offsets of a column that end at ${last} of ${end} bytes`);
}

/** int64 offsets as int32: a message is bounded far below 2 GiB. */
export function narrowOffsets(raw: Uint8Array, rows: number): Int32Array {
  const offsets = new Int32Array(rows + 1);
  if (rows === 0) return offsets;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  for (let row = 0; row <= rows; row++) {
    const low = view.getInt32(8 * row, true);
    if (view.getInt32(8 * row + 4, true) !== 0 || low < 0)
      throw new DecodeError("malformed", "a 64-bit offset beyond 2 GiB");
    offsets[row] = low;
  }
  return offsets;
}

/** Longest text that a view holds in itself. */
const inlineBytes = 12;

/**
 * utf8_view → offsets and bytes.
 * @param claim  called with what is about to be allocated; throws when that is too much
 * @see https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-view-layout
 */
export function viewsToUtf8(
  views: Uint8Array,
  data: readonly Uint8Array[],
  rows: number,
  claim: (bytes: number) => void,
): { offsets: Int32Array; bytes: Uint8Array } {
  const view = new DataView(views.buffer, views.byteOffset, views.length);
  claim(4 * rows);
  const offsets = new Int32Array(rows + 1);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const length = view.getInt32(16 * row, true);
    if (length < 0) throw new DecodeError("malformed", `a view of ${length} bytes`);
    total += length;
    offsets[row + 1] = total;
  }
  // Before the memory is asked for: views may point at the same bytes again and again.
  claim(total);
  const bytes = new Uint8Array(total);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [offsets[row] as number, offsets[row + 1] as number];
    const at = 16 * row;
    if (to - from <= inlineBytes) {
      bytes.set(views.subarray(at + 4, at + 4 + to - from), from);
      continue;
    }
    const [index, start] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)];
    const source = data[index];
    if (source === undefined || start < 0 || start + to - from > source.length) {
      throw new DecodeError("malformed", `a view of ${to - from} bytes at ${start} in buffer ${index}`);
    }
    bytes.set(source.subarray(start, start + to - from), from);
  }
  return { offsets, bytes };
}
