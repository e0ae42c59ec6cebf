import type { NumberRule } from "../check/rule.ts";
import { addWords } from "../sketch/distinct.ts";
import { addValues } from "../sketch/histogram.ts";
import { addColumn, addColumnAround, sumOf } from "../sketch/moments.ts";
import type { FieldProfile, NumericBody } from "./profile.ts";
import { countRule, type Group, type Tile, tileRows } from "./tile.ts";

/** The numbers of one field in one tile, by row of the tile. */
export interface Numbers {
  /** Slots of rows without a value hold anything. */
  readonly values: Float64Array;
  /** 1 where a row holds a value; `undefined` when all do. */
  readonly mask: Uint8Array | undefined;
  /** int64 as two words a row, for the distinct count: doubles would take ids beyond 2^53 for one another. */
  readonly words: Int32Array | undefined;
  readonly show: (row: number) => string;
}

const dense = new Float64Array(tileRows);
const denseWords = new Int32Array(tileRows * 2);

/** Adds a group's numbers to its field profile. @returns rows that hold a value */
export function foldNumbers(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: NumericBody,
  rules: readonly NumberRule[],
  numbers: Numbers,
): number {
  const size = pick(numbers.values, numbers.mask, group, dense);
  const words = numbers.words === undefined ? undefined : pickWords(numbers.words, numbers.mask, group);
  const sum = sumOf(dense, 0, size);
  if (Number.isFinite(sum)) {
    if (size > 0) addFinite(body, size, sum, words);
    for (const rule of rules) noteRule(tile, group, field, rule, numbers, rule.count(dense, 0, size));
  } else {
    foldNonFinite(tile, group, field, body, rules, numbers, size, words);
  }
  return size;
}

function addFinite(body: NumericBody, size: number, sum: number, words: Int32Array | undefined): void {
  if (Number.isFinite(sum)) addColumnAround(body.moments, dense, 0, size, sum / size);
  else addColumn(body.moments, dense, 0, size);
  addValues(body.histogram, dense, 0, size);
  addWords(body.distinct, words ?? doubleWords, 0, size);
}

const doubleWords = new Int32Array(dense.buffer);

/** The careful way, for tiles with a NaN or an infinity (or a sum beyond 1.8e308): those are counted, the others are closed up. */
function foldNonFinite(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: NumericBody,
  rules: readonly NumberRule[],
  numbers: Numbers,
  size: number,
  words: Int32Array | undefined,
): void {
  const broken = rules.map(() => 0);
  let kept = 0;
  for (let i = 0; i < size; i++) {
    const x = dense[i] as number;
    if (Number.isFinite(x)) {
      if (words !== undefined) {
        words[2 * kept] = words[2 * i] as number;
        words[2 * kept + 1] = words[2 * i + 1] as number;
      }
      dense[kept++] = x;
      continue;
    }
    if (Number.isNaN(x)) body.nan++;
    else if (x > 0) body.positiveInfinity++;
    else body.negativeInfinity++;
    for (const [at, rule] of rules.entries()) if (rule.breaks(x)) broken[at] = (broken[at] as number) + 1;
  }
  if (kept > 0) addFinite(body, kept, sumOf(dense, 0, kept), words);
  for (const [at, rule] of rules.entries()) {
    noteRule(tile, group, field, rule, numbers, (broken[at] as number) + rule.count(dense, 0, kept));
  }
}

function noteRule(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  rule: NumberRule,
  { values, mask, show }: Numbers,
  count: number,
): void {
  if (count === 0) return;
  const breaks = (row: number): boolean =>
    (mask === undefined || mask[row] === 1) && rule.breaks(values[row] as number);
  countRule(tile, group, field, rule.name, count, breaks, show);
}

/** Closes up a group's present values. @returns how many */
function pick(values: Float64Array, mask: Uint8Array | undefined, group: Group, into: Float64Array): number {
  const { rows, from, to } = group;
  if (rows === undefined) {
    if (mask === undefined) {
      into.set(values.subarray(from, to));
      return to - from;
    }
    let at = 0;
    for (let row = from; row < to; row++) {
      into[at] = values[row] as number;
      at += mask[row] as number;
    }
    return at;
  }
  let at = 0;
  for (let i = from; i < to; i++) {
    const row = rows[i] as number;
    into[at] = values[row] as number;
    at += mask === undefined ? 1 : (mask[row] as number);
  }
  return at;
}

function pickWords(words: Int32Array, mask: Uint8Array | undefined, { rows, from, to }: Group): Int32Array {
  let at = 0;
  for (let i = from; i < to; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    denseWords[at] = words[2 * row] as number;
    denseWords[at + 1] = words[2 * row + 1] as number;
    at += mask === undefined || mask[row] === 1 ? 2 : 0;
  }
  return denseWords;
}
