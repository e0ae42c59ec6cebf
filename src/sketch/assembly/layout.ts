/**
 * The arithmetic of a tile of at most `rows` rows. AssemblyScript, compiled by `npm run kernel`; what goes in and comes out lies at
 * fixed places, whose addresses are exported, so nothing is ever allocated. Sixteen bytes behind each array are there to be
 * read and written by the last vector.
 */

/** Rows that fit. */
export const rows: i32 = 4096;

/** In: what one column holds, by row, as it lay in its batch, 8 bytes a row at most. */
export const raw: usize = 0x1000;
/** In: validity bits; a byte more than the rows need, because the first bit may lie anywhere in its byte. */
export const bits: usize = raw + 8 * 4096 + 16;
/** In: the rows of a group, int32. */
export const picks: usize = bits + 4096 / 8 + 16;
/** One byte a row: 1 where it holds a value. */
export const mask: usize = picks + 4 * 4096 + 16;
/** By row, float64. */
export const values: usize = mask + 4096 + 16;
/** The present values of a group, closed up, float64. */
export const dense: usize = values + 8 * 4096 + 16;
/** The same as int64. */
export const words: usize = dense + 8 * 4096 + 16;
/** Out, int32: HyperLogLog register × 64 + rank. */
export const ranks: usize = words + 8 * 4096 + 16;
/** Out, float64: sum of distances from the shift, sum of their squares, least, largest. */
export const sums: usize = ranks + 4 * 4096 + 16;
/** In and out: HyperLogLog registers, a byte each. */
export const registers: usize = sums + 64;

/** Four tables of counts by turns, uint16, all 0 between calls: numbers of texts. */
export const tables: usize = registers + 4096;
export const tableBytes: usize = 2 * 16384;

/** Bucket of each value, uint16. */
export const found: usize = tables + 4 * 2 * 16384;

/** In: bytes of texts. */
export const texts: usize = found + 2 * 4096 + 16;
export const textBytes: i32 = 262144;
/** In, int32, rows + 1: where the text of each row begins in its column. */
export const offsets: usize = texts + 262144 + 16;
/** Hash of each row's text, int32. */
export const low: usize = offsets + 4 * 4096 + 16;
export const high: usize = low + 4 * 4096 + 16;
/** Number of each row's text, int32. */
export const codes: usize = high + 4 * 4096 + 16;
/** Of each number: the row where it stands first, int32. */
export const firsts: usize = codes + 4 * 4096 + 16;
/** The numbers that a group uses, and how often, int32. */
export const used: usize = firsts + 4 * 4096 + 16;
export const counts: usize = used + 4 * 4096 + 16;
/** Hash and length of each number's text, int32. */
export const numberLow: usize = counts + 4 * 4096 + 16;
export const numberHigh: usize = numberLow + 4 * 4096 + 16;
export const numberLength: usize = numberHigh + 4 * 4096 + 16;

/** Entries of a table of categories that fit; it has twice as many slots. */
export const entries: i32 = 4096;
/** Of a table of categories: slots (an entry's number plus one, 0 is free), then of each entry hash, length and count. */
export const slots: usize = numberLength + 4 * 4096 + 16;
export const entryLow: usize = slots + 4 * 8192;
export const entryHigh: usize = entryLow + 4 * 4096;
export const entryLength: usize = entryHigh + 4 * 4096;
export const entryCount: usize = entryLength + 4 * 4096;
/** Of each entry: its number before, or −1 − the row that it was made of. */
export const entryOrigin: usize = entryCount + 8 * 4096;

/** In and out, uint16: of each slot of a histogram its page, counted from 1; 0 where it has none. */
export const pages: usize = entryOrigin + 4 * 4096;
/** In and out, uint32: 64 counts a page. */
export const buckets: usize = pages + 2 * 256;
export const bucketBytes: usize = 4 * 64 * 256;
