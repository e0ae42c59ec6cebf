import type { Text, TextRule } from "../check/rule.ts";
import { addBytes, addToEntry, type Categories, find } from "../sketch/categories.ts";
import { addTexts } from "../sketch/category-rows.ts";
import { addHash } from "../sketch/distinct.ts";
import { kernel } from "../sketch/kernel.ts";
import type { Codes, Strings, Texts } from "./load-text.ts";
import type { FieldProfile, StringBody } from "./profile.ts";
import { countRule, type Group, rowsInKernel, type Tile, tileRows } from "./tile.ts";

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

function foldRows(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: StringBody,
  rules: readonly TextRule[],
  { texts, kept, mask }: Strings,
): number {
  const { rows, from, to } = group;
  const added = addTexts(
    body.categories,
    body.distinct,
    { texts, kept, masked: mask !== undefined },
    rowsInKernel(group),
  );
  body.minBytes = Math.min(body.minBytes, added.shortest);
  body.maxBytes = Math.max(body.maxBytes, added.longest);
  for (const rule of rules) {
    const text = textOf(texts);
    const unknown = textOf(kept);
    let broken = 0;
    for (let i = from; i < to; i++) {
      const row = rows === undefined ? i : (rows[i] as number);
      if (mask !== undefined && mask[row] === 0) continue;
      pointAt(text, texts, row);
      if (!rule.breaks(text)) continue;
      broken++;
      if (rule.name !== "default") continue;
      pointAt(unknown, kept, row);
      addBytes(body.unknowns, unknown.low, unknown.high, unknown.bytes, unknown.from, unknown.to, 1);
    }
    if (rule.name === "default") {
      body.mappingMisses += broken;
      body.mappingHits += added.count - broken;
    }
    if (broken === 0) continue;
    const breaks = (row: number): boolean => {
      if (mask !== undefined && mask[row] === 0) return false;
      pointAt(text, texts, row);
      return rule.breaks(text);
    };
    countRule(tile, group, field, rule.name, broken, breaks, texts.show);
  }
  return added.count;
}

let codeCounts = new Int32Array(0);

/**
 * Counts a group's rows by code: `kernel.used` gets the codes in use, `kernel.counts` how often.
 * @returns how many codes are in use
 */
function countCodes(group: Group, mask: Uint8Array | undefined, codes: Codes, size: number): number {
  if (size <= kernel.codesEnd) {
    const [from, to, picked] = rowsInKernel(group);
    return kernel.countCodes(from, to, mask !== undefined, picked);
  }
  // a dictionary larger than the kernel's tables
  if (codeCounts.length < size) codeCounts = new Int32Array(size);
  const { rows, from, to } = group;
  const { used, counts } = kernel;
  let distinct = 0;
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    if (mask !== undefined && mask[row] === 0) continue;
    const code = codes[row] as number;
    const count = codeCounts[code] as number;
    if (count === 0) used[distinct++] = code;
    codeCounts[code] = count + 1;
  }
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    counts[i] = codeCounts[code] as number;
    codeCounts[code] = 0;
  }
  return distinct;
}

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
  const distinct = countCodes(group, mask, codes, texts.size);
  const { used, counts } = kernel;
  const { starts, ends, low, high } = texts;
  findEntries(body.categories, kept, distinct, undefined);
  let size = 0;
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    const length = (ends[code] as number) - (starts[code] as number);
    if (length < body.minBytes) body.minBytes = length;
    if (length > body.maxBytes) body.maxBytes = length;
    // a value that is kept has been in there since it came
    if ((entryOf[i] as number) < 0) addHash(body.distinct, low[code] as number, high[code] as number);
    size += counts[i] as number;
  }
  addCodes(body.categories, kept, distinct, group, mask, codes, undefined);
  for (const rule of rules) {
    const broken = brokenCodes(rule, texts);
    let count = 0;
    for (let i = 0; i < distinct; i++) if (broken(used[i] as number)) count += counts[i] as number;
    if (rule.name === "default") {
      body.mappingMisses += count;
      body.mappingHits += size - count;
      if (count > 0) {
        findEntries(body.unknowns, kept, distinct, broken);
        addCodes(body.unknowns, kept, distinct, group, mask, codes, broken);
      }
    }
    if (count === 0) continue;
    const breaks = (row: number): boolean =>
      (mask === undefined || mask[row] === 1) && broken(codes[row] as number);
    const show = (row: number): string => texts.show(codes[row] as number);
    countRule(tile, group, field, rule.name, count, breaks, show);
  }
  return size;
}

/** Of each code in use the entry of its value: −1 when there is none, `unwanted` when `only` says so. */
const entryOf = new Int32Array(tileRows);
const unwanted = -2;

function findEntries(
  categories: Categories,
  { starts, ends, low, high }: Texts,
  distinct: number,
  only: ((code: number) => boolean) | undefined,
): void {
  const { used } = kernel;
  for (let i = 0; i < distinct; i++) {
    const code = used[i] as number;
    const length = (ends[code] as number) - (starts[code] as number);
    entryOf[i] =
      only !== undefined && !only(code)
        ? unwanted
        : find(categories, low[code] as number, high[code] as number, length);
  }
}

/**
 * Adds counts of codes, whose entries were just found. When values have to be dropped the order of rows matters, so then they are added
 * row by row: where the rows are cut into batches must make no difference.
 */
function addCodes(
  into: Categories,
  { starts, ends, bytes, low, high }: Texts,
  distinct: number,
  { rows, from, to }: Group,
  mask: Uint8Array | undefined,
  codes: Codes,
  only: ((code: number) => boolean) | undefined,
): void {
  const { used, counts } = kernel;
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
  for (let i = 0; i < distinct; i++) if (entryOf[i] === -1) fresh++;
  if (into.size + fresh <= into.limit) {
    for (let i = 0; i < distinct; i++) {
      const entry = entryOf[i] as number;
      if (entry >= 0) addToEntry(into, entry, counts[i] as number);
      else if (entry !== unwanted) add(used[i] as number, counts[i] as number);
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

function textOf({ bytes }: Texts): Text {
  return { bytes, from: 0, to: 0, low: 0, high: 0 };
}

function pointAt(text: Text, { starts, ends, low, high }: Texts, at: number): void {
  text.from = starts[at] as number;
  text.to = ends[at] as number;
  text.low = low[at] as number;
  text.high = high[at] as number;
}
