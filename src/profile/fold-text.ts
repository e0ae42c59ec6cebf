import { hash } from "node:crypto";
import type { Text, TextRule } from "../check/rule.ts";
import type { DictionaryColumn, Utf8Column } from "../model/batch.ts";
import { hashRows, viewOf } from "../model/hash.ts";
import { addBytes, type Categories, find } from "../sketch/categories.ts";
import { addHash, addHashes } from "../sketch/distinct.ts";
import type { FieldProfile, StringBody } from "./profile.ts";
import { countRule, type Group, showCell, type Tile, tileRows } from "./tile.ts";
import { numberTile } from "./tile-dictionary.ts";

/** Strings by number: the rows of a tile, its distinct values, or the entries of a dictionary. (low, high) is the hash of each. */
interface Texts {
  readonly bytes: Uint8Array;
  readonly view: DataView;
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

type Codes = DictionaryColumn["codes"];

/** One field's strings in one tile. */
export interface Strings {
  readonly texts: Texts;
  /** What a profile keeps of them: themselves, or what stands for a redacted field's. */
  readonly kept: Texts;
  /** Number of each row's text, `undefined` when the rows themselves are the texts. */
  readonly codes: Codes | undefined;
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
  redact: boolean,
): Strings | undefined {
  const strings =
    column.kind === "utf8"
      ? loadRows(column, from, size, mask)
      : column.dictionary.kind !== "utf8"
        ? undefined
        : {
            texts: dictionaryTexts(column.dictionary),
            codes: column.codes.subarray(from, from + size),
            mask,
          };
  return strings && { ...strings, kept: redact ? tokensOf(strings.texts) : strings.texts };
}

/** Plain rows, numbered by value where they are few. */
function loadRows(
  column: Utf8Column,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
): Omit<Strings, "kept"> {
  const { bytes } = column;
  const view = viewOf(bytes);
  hashRows(view, column.offsets, from, from + size, rowLow, rowHigh);
  const offsets = column.offsets.subarray(from, from + size + 1);
  const dictionary = numberTile(rowLow, rowHigh, offsets, mask, size);
  if (dictionary === undefined) {
    const show = (row: number): string => showCell(column, from + row);
    const [starts, ends] = [offsets, offsets.subarray(1)];
    const texts = { bytes, view, starts, ends, low: rowLow, high: rowHigh, size, show, lasting: false };
    return { texts, codes: undefined, mask };
  }
  const { rows } = dictionary;
  for (let code = 0; code < dictionary.size; code++) {
    const row = rows[code] as number;
    valueStarts[code] = offsets[row] as number;
    valueEnds[code] = offsets[row + 1] as number;
    valueLow[code] = rowLow[row] as number;
    valueHigh[code] = rowHigh[row] as number;
  }
  const texts: Texts = {
    bytes,
    view,
    starts: valueStarts,
    ends: valueEnds,
    low: valueLow,
    high: valueHigh,
    size: dictionary.size,
    show: (code) => showCell(column, from + (rows[code] as number)),
    lasting: false,
  };
  return { texts, codes: dictionary.codes, mask };
}

const valueStarts = new Int32Array(tileRows);
const valueEnds = new Int32Array(tileRows);
const valueLow = new Int32Array(tileRows);
const valueHigh = new Int32Array(tileRows);

const dictionaries = new WeakMap<Utf8Column, Texts>();

function dictionaryTexts(column: Utf8Column): Texts {
  const known = dictionaries.get(column);
  if (known !== undefined) return known;
  const { bytes, offsets, rows: size } = column;
  const [low, high] = [new Int32Array(size), new Int32Array(size)];
  const view = viewOf(bytes);
  hashRows(view, offsets, 0, size, low, high);
  const [starts, ends] = [offsets, offsets.subarray(1)];
  const show = (code: number): string => showCell(column, code);
  const texts = { bytes, view, starts, ends, low, high, size, show, lasting: true };
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
  const { size, starts, ends } = texts;
  const offsets = Int32Array.from({ length: size + 1 }, (_, at) => at * tokenBytes);
  const [low, high] = [new Int32Array(size), new Int32Array(size)];
  const bytes = new Uint8Array(size * tokenBytes);
  for (let at = 0; at < size; at++) {
    const text = texts.bytes.subarray(starts[at] as number, ends[at] as number);
    bytes.set(textEncoder.encode(`#${hash("sha256", text).slice(0, tokenBytes - 1)}`), at * tokenBytes);
  }
  const view = viewOf(bytes);
  hashRows(view, offsets, 0, size, low, high);
  const hidden: Texts = { ...texts, bytes, view, starts: offsets, ends: offsets.subarray(1), low, high };
  if (texts.lasting) tokens.set(texts, hidden);
  return hidden;
}

const textEncoder = new TextEncoder();

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
  { texts, kept, mask }: Strings,
): number {
  const { rows, from, to } = group;
  const { low, high, starts, ends } = texts;
  const { low: keptLow, high: keptHigh, starts: keptStarts, ends: keptEnds, bytes } = kept;
  let { minBytes, maxBytes } = body;
  let size = 0;
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    if (mask !== undefined && mask[row] === 0) continue;
    const a = low[row] as number;
    const b = high[row] as number;
    const start = starts[row] as number;
    const end = ends[row] as number;
    const length = end - start;
    if (length < minBytes) minBytes = length;
    if (length > maxBytes) maxBytes = length;
    addBytes(
      body.categories,
      keptLow[row] as number,
      keptHigh[row] as number,
      bytes,
      keptStarts[row] as number,
      keptEnds[row] as number,
      1,
    );
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
    const unknown = textOf(kept);
    let broken = 0;
    for (let i = 0; i < size; i++) {
      pointAt(text, texts, picked[i] as number);
      if (!rule.breaks(text)) continue;
      broken++;
      if (rule.name !== "default") continue;
      pointAt(unknown, kept, picked[i] as number);
      addBytes(body.unknowns, unknown.low, unknown.high, bytes, unknown.from, unknown.to, 1);
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
    countRule(tile, group, field, rule.name, broken, breaks, texts.show);
  }
  return size;
}

let codeCounts = new Int32Array(0);
let usedCodes = new Int32Array(0);

/** Numbered texts: counted by number, then each value in use is looked at once. */
function foldCodes(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: StringBody,
  rules: readonly TextRule[],
  { texts, kept, mask }: Strings,
  codes: Codes,
): number {
  if (codeCounts.length < texts.size) {
    codeCounts = new Int32Array(texts.size);
    usedCodes = new Int32Array(texts.size);
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
  const { starts, ends } = texts;
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    const length = (ends[code] as number) - (starts[code] as number);
    if (length < body.minBytes) body.minBytes = length;
    if (length > body.maxBytes) body.maxBytes = length;
    addHash(body.distinct, texts.low[code] as number, texts.high[code] as number);
  }
  addCodes(body.categories, kept, used, distinct, counts, group, mask, codes, undefined);
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
      if (count > 0) addCodes(body.unknowns, kept, used, distinct, counts, group, mask, codes, broken);
    }
    if (count === 0) continue;
    const breaks = (row: number): boolean =>
      (mask === undefined || mask[row] === 1) && broken(codes[row] as number);
    const show = (row: number): string => texts.show(codes[row] as number);
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
  codes: Codes,
  only: ((code: number) => boolean) | undefined,
): void {
  const { starts, ends, bytes, low, high } = texts;
  const add = (code: number, count: number): void =>
    addBytes(
      into,
      low[code] as number,
      high[code] as number,
      bytes,
      starts[code] as number,
      ends[code] as number,
      count,
    );
  let fresh = 0;
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    if (only !== undefined && !only(code)) continue;
    const length = (ends[code] as number) - (starts[code] as number);
    if (find(into, low[code] as number, high[code] as number, length) < 0) fresh++;
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
  const flags = texts.lasting ? keptAnswers(rule, texts) : tileAnswers.fill(0, 0, texts.size);
  const text = textOf(texts);
  return (code) => {
    if (flags[code] === 0) {
      pointAt(text, texts, code);
      flags[code] = rule.breaks(text) ? 2 : 1;
    }
    return flags[code] === 2;
  };
}

const tileAnswers = new Uint8Array(tileRows);

function keptAnswers(rule: TextRule, texts: Texts): Uint8Array {
  let byDictionary = answers.get(rule);
  if (byDictionary === undefined) {
    byDictionary = new WeakMap();
    answers.set(rule, byDictionary);
  }
  let known = byDictionary.get(texts);
  if (known === undefined) {
    known = new Uint8Array(texts.size);
    byDictionary.set(texts, known);
  }
  return known;
}

function textOf({ bytes, view }: Texts): Text {
  return { bytes, view, from: 0, to: 0, low: 0, high: 0 };
}

function pointAt(text: Text, { starts, ends, low, high }: Texts, at: number): void {
  text.from = starts[at] as number;
  text.to = ends[at] as number;
  text.low = low[at] as number;
  text.high = high[at] as number;
}
