import { hash } from "node:crypto";
import type { DictionaryColumn, Utf8Column } from "../model/batch.ts";
import { type Hash, hashBytes, viewOf } from "../model/hash.ts";
import { kernel } from "../sketch/kernel.ts";
import { showCell, tileRows } from "./tile.ts";

/** Strings by number: the rows of a tile, its distinct values, or the entries of a dictionary. (low, high) is the hash of each. */
export interface Texts {
  readonly bytes: Uint8Array;
  /** Where the bytes of each begin and end. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly size: number;
  /** As an example shows it. */
  readonly show: (number: number) => string;
  /** Whether they are the same next time, so that answers of rules are worth keeping. */
  readonly lasting: boolean;
}

export type Codes = DictionaryColumn["codes"];

/** One field's strings in one tile. */
export interface Strings {
  readonly texts: Texts;
  /** What a profile keeps of them: themselves, or what stands for a redacted field's. */
  readonly kept: Texts;
  /** Number of each row's text, `undefined` when the rows themselves are the texts. */
  readonly codes: Codes | undefined;
  readonly mask: Uint8Array | undefined;
}

/** Hashes what has to be hashed: a tile's rows, or a dictionary once for as long as it lives. */
export function loadStrings(
  column: Utf8Column | DictionaryColumn,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
  redact: boolean,
): Strings | undefined {
  const strings =
    column.kind === "utf8" ? loadRows(column, from, size, mask) : loadCodes(column, from, size, mask);
  return strings && { ...strings, kept: redact ? tokensOf(strings.texts) : strings.texts };
}

function loadCodes(
  column: DictionaryColumn,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
): Omit<Strings, "kept"> | undefined {
  if (column.dictionary.kind !== "utf8") return undefined;
  const texts = dictionaryTexts(column.dictionary);
  const codes = column.codes.subarray(from, from + size);
  if (texts.size <= kernel.codesEnd) kernel.codes.set(codes);
  return { texts, codes, mask };
}

/** Plain rows, numbered by value where they are few. */
function loadRows(
  column: Utf8Column,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
): Omit<Strings, "kept"> {
  const { bytes, offsets } = column;
  if (size <= fewRows) return loadFew(column, from, size, mask);
  const view = viewOf(bytes);
  hashRows(view, bytes, offsets, from, size);
  const { low, high, firsts } = kernel;
  const known = kernel.number(size, mask !== undefined);
  if (known < 0) {
    const show = (row: number): string => showCell(column, from + row);
    const [starts, ends] = [offsets.subarray(from, from + size), offsets.subarray(from + 1, from + size + 1)];
    return {
      texts: { bytes, starts, ends, low, high, size, show, lasting: false },
      codes: undefined,
      mask,
    };
  }
  for (let code = 0; code < known; code++) {
    const start = offsets[from + (firsts[code] as number)] as number;
    valueStarts[code] = start;
    valueEnds[code] = start + (kernel.numberLength[code] as number);
  }
  const texts: Texts = {
    bytes,
    starts: valueStarts,
    ends: valueEnds,
    low: kernel.numberLow,
    high: kernel.numberHigh,
    size: known,
    show: (code) => showCell(column, from + (firsts[code] as number)),
    lasting: false,
  };
  return { texts, codes: kernel.codes, mask };
}

const valueStarts = new Int32Array(tileRows);
const valueEnds = new Int32Array(tileRows);

/** So few are not worth carrying to the kernel: an event a message is a tile of one row. */
const fewRows = 4;
/** A view of a small array of its own costs more than its bytes: those are copied to where there is one. */
const fewBytes = 64;
const kernelView = viewOf(kernel.texts);

/** As `loadRows`, row by row, with neither offsets nor numbers in the kernel. */
function loadFew(
  column: Utf8Column,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
): Omit<Strings, "kept"> {
  const { bytes, offsets } = column;
  const { low, high, texts: copy } = kernel;
  for (let row = 0; row < size; row++) {
    const [start, end] = [offsets[from + row] as number, offsets[from + row + 1] as number];
    valueStarts[row] = start;
    valueEnds[row] = end;
    if (end - start <= fewBytes) {
      for (let at = start; at < end; at++) copy[at - start] = bytes[at] as number;
      hashBytes(one, kernelView, 0, end - start);
    } else hashBytes(one, viewOf(bytes), start, end);
    low[row] = one.low;
    high[row] = one.high;
  }
  const texts: Texts = {
    bytes,
    starts: valueStarts,
    ends: valueEnds,
    low,
    high,
    size,
    show: (row) => showCell(column, from + row),
    lasting: false,
  };
  return { texts, codes: undefined, mask };
}

const one: Hash = { low: 0, high: 0 };

/** Hashes of the rows `[from, from + size)`, a tile at most, in `kernel.low` and `kernel.high`; their offsets in `kernel.offsets`. */
function hashRows(view: DataView, bytes: Uint8Array, offsets: Int32Array, from: number, size: number): void {
  const { texts } = kernel;
  kernel.offsets.set(offsets.subarray(from, from + size + 1));
  for (let row = 0; row < size; ) {
    const start = offsets[from + row] as number;
    const end = lastWithin(offsets, from + row, from + size, start + texts.length) - from;
    if (end === row) {
      // longer than the kernel's room for texts
      hashBytes(one, view, start, offsets[from + row + 1] as number);
      kernel.low[row] = one.low;
      kernel.high[row] = one.high;
      row++;
      continue;
    }
    texts.set(bytes.subarray(start, offsets[from + end]));
    kernel.hash(row, end);
    row = end;
  }
}

/** The last of `offsets[from]` to `offsets[to]`, which ascend, that is at most `most`. */
function lastWithin(offsets: Int32Array, from: number, to: number, most: number): number {
  if ((offsets[to] as number) <= most) return to;
  let [at, beyond] = [from, to];
  while (beyond - at > 1) {
    const middle = (at + beyond) >> 1;
    if ((offsets[middle] as number) <= most) at = middle;
    else beyond = middle;
  }
  return at;
}

const dictionaries = new WeakMap<Utf8Column, Texts>();

function dictionaryTexts(column: Utf8Column): Texts {
  const known = dictionaries.get(column);
  if (known !== undefined) return known;
  const { bytes, offsets, rows: size } = column;
  const [low, high] = [new Int32Array(size), new Int32Array(size)];
  const view = viewOf(bytes);
  for (let from = 0; from < size; from += tileRows) {
    const some = Math.min(tileRows, size - from);
    hashRows(view, bytes, offsets, from, some);
    low.set(kernel.low.subarray(0, some), from);
    high.set(kernel.high.subarray(0, some), from);
  }
  const [starts, ends] = [offsets, offsets.subarray(1)];
  const show = (code: number): string => showCell(column, code);
  const texts: Texts = { bytes, starts, ends, low, high, size, show, lasting: true };
  dictionaries.set(column, texts);
  return texts;
}

/** `#` and the first 16 hexadecimal digits of a SHA-256. */
const tokenBytes = 17;
export const tokenPattern = /^#[0-9a-f]{16}$/;
const tokens = new WeakMap<Texts, Texts>();

/**
 * What stands for each text of a redacted field. The hash that finds values can be undone; this one can only be tried: whoever
 * guesses a value can see whether it was there.
 */
function tokensOf(texts: Texts): Texts {
  const known = tokens.get(texts);
  if (known !== undefined) return known;
  const { size } = texts;
  const offsets = Int32Array.from({ length: size + 1 }, (_, at) => at * tokenBytes);
  const [low, high] = [new Int32Array(size), new Int32Array(size)];
  const bytes = new Uint8Array(size * tokenBytes);
  const view = viewOf(bytes);
  for (let at = 0; at < size; at++) {
    const text = texts.bytes.subarray(texts.starts[at] as number, texts.ends[at] as number);
    bytes.set(textEncoder.encode(`#${hash("sha256", text).slice(0, tokenBytes - 1)}`), at * tokenBytes);
    hashBytes(one, view, at * tokenBytes, (at + 1) * tokenBytes);
    low[at] = one.low;
    high[at] = one.high;
  }
  const ends = offsets.subarray(1);
  const hidden: Texts = { ...texts, bytes, starts: offsets, ends, low, high };
  if (texts.lasting) tokens.set(texts, hidden);
  return hidden;
}

const textEncoder = new TextEncoder();
