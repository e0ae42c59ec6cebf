import type { Text, TextRule } from "../check/rule.ts";
import type { DictionaryColumn, Utf8Column } from "../model/batch.ts";
import { hashRows, viewOf } from "../model/hash.ts";
import { addBytes, type Categories, find } from "../sketch/categories.ts";
import { addHash, addHashes } from "../sketch/distinct.ts";
import type { FieldProfile, StringBody } from "./profile.ts";
import { countRule, type Group, showCell, type Tile, tileRows } from "./tile.ts";

/** Strings by number: the rows of a tile, or the entries of a dictionary. (low, high) is the hash of value `first + i`. */
interface Texts {
  readonly column: Utf8Column;
  readonly view: DataView;
  readonly first: number;
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** One field's strings in one tile. */
export interface Strings {
  readonly texts: Texts;
  /** Dictionary code of each row, `undefined` when the rows themselves are the texts. */
  readonly codes: DictionaryColumn["codes"] | undefined;
  readonly mask: Uint8Array | undefined;
}

const rowLow = new Int32Array(tileRows);
const rowHigh = new Int32Array(tileRows);

/** Hashes what has to be hashed: a tile's rows, or a dictionary once for as long as it lives. */
export function loadStrings(
  column: Utf8Column | DictionaryColumn,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
): Strings | undefined {
  if (column.kind === "utf8") {
    const view = viewOf(column.bytes);
    hashRows(view, column.offsets, from, from + size, rowLow, rowHigh);
    const texts = { column, view, first: from, low: rowLow, high: rowHigh };
    return { texts, codes: undefined, mask };
  }
  if (column.dictionary.kind !== "utf8") return undefined;
  return { texts: dictionaryTexts(column.dictionary), codes: column.codes.subarray(from, from + size), mask };
}

const dictionaries = new WeakMap<Utf8Column, Texts>();

function dictionaryTexts(column: Utf8Column): Texts {
  const known = dictionaries.get(column);
  if (known !== undefined) return known;
  const [low, high] = [new Int32Array(column.rows), new Int32Array(column.rows)];
  const view = viewOf(column.bytes);
  hashRows(view, column.offsets, 0, column.rows, low, high);
  const texts = { column, view, first: 0, low, high };
  dictionaries.set(column, texts);
  return texts;
}

/** Adds a group's strings to its field profile. @returns rows that hold a value */
export function foldStrings(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: StringBody,
  rules: readonly TextRule[],
  strings: Strings,
): number {
  return strings.codes === undefined
    ? foldRows(tile, group, field, body, rules, strings)
    : foldCodes(tile, group, field, body, rules, strings, strings.codes);
}

const pickedLow = new Int32Array(tileRows);
const pickedHigh = new Int32Array(tileRows);
const picked = new Int32Array(tileRows);

function foldRows(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: StringBody,
  rules: readonly TextRule[],
  { texts, mask }: Strings,
): number {
  const { rows, from, to } = group;
  const { low, high, first } = texts;
  const { offsets, bytes } = texts.column;
  let { minBytes, maxBytes } = body;
  let size = 0;
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    if (mask !== undefined && mask[row] === 0) continue;
    const a = low[row] as number;
    const b = high[row] as number;
    const start = offsets[first + row] as number;
    const end = offsets[first + row + 1] as number;
    const length = end - start;
    if (length < minBytes) minBytes = length;
    if (length > maxBytes) maxBytes = length;
    addBytes(body.categories, a, b, bytes, start, end, 1);
    picked[size] = row;
    pickedLow[size] = a;
    pickedHigh[size] = b;
    size++;
  }
  body.minBytes = minBytes;
  body.maxBytes = maxBytes;
  addHashes(body.distinct, pickedLow, pickedHigh, 0, size);
  for (const rule of rules) {
    const text = textOf(texts);
    let broken = 0;
    for (let i = 0; i < size; i++) {
      pointAt(text, texts, picked[i] as number);
      if (!rule.breaks(text)) continue;
      broken++;
      if (rule.name === "default") addBytes(body.unknowns, text.low, text.high, bytes, text.from, text.to, 1);
    }
    if (rule.name === "default") {
      body.mappingMisses += broken;
      body.mappingHits += size - broken;
    }
    if (broken === 0) continue;
    const breaks = (row: number): boolean => {
      if (mask !== undefined && mask[row] === 0) return false;
      pointAt(text, texts, row);
      return rule.breaks(text);
    };
    countRule(tile, group, field, rule.name, broken, breaks, (row) =>
      showCell(texts.column, texts.first + row),
    );
  }
  return size;
}

let codeCounts = new Int32Array(0);
let usedCodes = new Int32Array(0);

/** Dictionary columns: counted by code, then each value in use is looked at once. */
function foldCodes(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: StringBody,
  rules: readonly TextRule[],
  { texts, mask }: Strings,
  codes: DictionaryColumn["codes"],
): number {
  if (codeCounts.length < texts.column.rows) {
    codeCounts = new Int32Array(texts.column.rows);
    usedCodes = new Int32Array(texts.column.rows);
  }
  const { rows, from, to } = group;
  const [counts, used] = [codeCounts, usedCodes];
  let size = 0;
  let distinct = 0;
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    if (mask !== undefined && mask[row] === 0) continue;
    const code = codes[row] as number;
    const count = counts[code] as number;
    if (count === 0) used[distinct++] = code;
    counts[code] = count + 1;
    size++;
  }
  const { offsets } = texts.column;
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    const length = (offsets[code + 1] as number) - (offsets[code] as number);
    if (length < body.minBytes) body.minBytes = length;
    if (length > body.maxBytes) body.maxBytes = length;
    addHash(body.distinct, texts.low[code] as number, texts.high[code] as number);
  }
  addCodes(body.categories, texts, used, distinct, counts, group, mask, codes, undefined);
  for (const rule of rules) {
    const broken = brokenCodes(rule, texts);
    let count = 0;
    for (let i = 0; i < distinct; i++) {
      const code = used[i] as number;
      if (broken(code)) count += counts[code] as number;
    }
    if (rule.name === "default") {
      body.mappingMisses += count;
      body.mappingHits += size - count;
      if (count > 0) addCodes(body.unknowns, texts, used, distinct, counts, group, mask, codes, broken);
    }
    if (count === 0) continue;
    const breaks = (row: number): boolean =>
      (mask === undefined || mask[row] === 1) && broken(codes[row] as number);
    const show = (row: number): string => showCell(texts.column, codes[row] as number);
    countRule(tile, group, field, rule.name, count, breaks, show);
  }
  for (let i = 0; i < distinct; i++) counts[used[i] as number] = 0;
  return size;
}

/**
 * Adds counts of codes. Once values have to be dropped the order of rows matters, so then they are added row by row: where the
 * rows are cut into batches must make no difference.
 */
function addCodes(
  into: Categories,
  texts: Texts,
  used: Int32Array,
  distinct: number,
  counts: Int32Array,
  { rows, from, to }: Group,
  mask: Uint8Array | undefined,
  codes: DictionaryColumn["codes"],
  only: ((code: number) => boolean) | undefined,
): void {
  const { offsets, bytes } = texts.column;
  const add = (code: number, count: number): void => {
    const [start, end] = [offsets[code] as number, offsets[code + 1] as number];
    addBytes(into, texts.low[code] as number, texts.high[code] as number, bytes, start, end, count);
  };
  let fresh = 0;
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    if (only !== undefined && !only(code)) continue;
    const length = (offsets[code + 1] as number) - (offsets[code] as number);
    if (find(into, texts.low[code] as number, texts.high[code] as number, length) < 0) fresh++;
  }
  if (into.error === 0 && into.size + fresh <= into.limit) {
    for (let i = 0; i < distinct; i++) {
      const code = used[i] as number;
      if (only === undefined || only(code)) add(code, counts[code] as number);
    }
    return;
  }
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    if (mask !== undefined && mask[row] === 0) continue;
    const code = codes[row] as number;
    if (only === undefined || only(code)) add(code, 1);
  }
}

/** Answers of one rule for one dictionary: 0 not asked yet, 1 fine, 2 broken. */
const answers = new WeakMap<TextRule, WeakMap<Texts, Uint8Array>>();

function brokenCodes(rule: TextRule, texts: Texts): (code: number) => boolean {
  let byDictionary = answers.get(rule);
  if (byDictionary === undefined) {
    byDictionary = new WeakMap();
    answers.set(rule, byDictionary);
  }
  let known = byDictionary.get(texts);
  if (known === undefined) {
    known = new Uint8Array(texts.column.rows);
    byDictionary.set(texts, known);
  }
  const flags = known;
  const text = textOf(texts);
  return (code) => {
    if (flags[code] === 0) {
      pointAt(text, texts, code);
      flags[code] = rule.breaks(text) ? 2 : 1;
    }
    return flags[code] === 2;
  };
}

function textOf({ column, view }: Texts): Text {
  return { bytes: column.bytes, view, from: 0, to: 0, low: 0, high: 0 };
}

function pointAt(text: Text, { column, first, low, high }: Texts, at: number): void {
  text.from = column.offsets[first + at] as number;
  text.to = column.offsets[first + at + 1] as number;
  text.low = low[at] as number;
  text.high = high[at] as number;
}
