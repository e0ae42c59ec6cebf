import type { NumberRule } from "../check/rule.ts";
import { addDense as addToDistinct } from "../sketch/distinct.ts";
import { addDense as addToHistogram } from "../sketch/histogram.ts";
import { kernel } from "../sketch/kernel.ts";
import { addDense as addMoments } from "../sketch/moments.ts";
import type { FieldProfile, NumericBody } from "./profile.ts";
import { countRule, type Group, rowsInKernel, type Tile } from "./tile.ts";

/** The numbers of one field in one tile, in `kernel.values` by row of the tile. */
export interface Numbers {
  /** `kernel.mask`, 1 where a row holds a value; `undefined` when all do. */
  readonly mask: Uint8Array | undefined;
  /** Whether `kernel.raw` has them as int64, for the distinct count: doubles would take ids beyond 2^53 for one another. */
  readonly integers: boolean;
  readonly show: (row: number) => string;
}

/** Adds a group's numbers to its field profile. @returns rows that hold a value */
export function foldNumbers(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: NumericBody,
  rules: readonly NumberRule[],
  numbers: Numbers,
): number {
  const [from, to, picked] = rowsInKernel(group);
  const masked = numbers.mask !== undefined;
  const size = kernel.pick(from, to, masked, picked);
  if (numbers.integers) kernel.pickWords(from, to, masked, picked);
  const sum = kernel.sum(size);
  if (!Number.isFinite(sum)) foldNonFinite(tile, group, field, body, rules, numbers, size);
  else if (size > 0) {
    addFinite(body, size, sum, numbers.integers);
    const { sums } = kernel;
    const [least, largest] = [sums[2] as number, sums[3] as number];
    for (const rule of rules) {
      if (rule.holds(least, largest)) continue;
      noteRule(tile, group, field, rule, numbers, rule.count(kernel.dense, 0, size));
    }
  }
  return size;
}

/**
 * Adds `kernel.dense[0, size)`, every one finite.
 * @param sum  infinite when it passes the largest double; when it does not, `kernel.sums` holds the least and the largest afterwards
 */
function addFinite(body: NumericBody, size: number, sum: number, integers: boolean): void {
  addMoments(body.moments, size, sum);
  addToHistogram(body.histogram, size);
  addToDistinct(body.distinct, size, integers);
}

/** The careful way, for tiles with a NaN or an infinity (or a sum beyond 1.8e308): those are counted, the others are closed up. */
function foldNonFinite(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: NumericBody,
  rules: readonly NumberRule[],
  numbers: Numbers,
  size: number,
): void {
  const { dense, words, sum } = kernel;
  const broken = rules.map(() => 0);
  let kept = 0;
  for (let i = 0; i < size; i++) {
    const x = dense[i] as number;
    if (Number.isFinite(x)) {
      if (numbers.integers) {
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
  if (kept > 0) addFinite(body, kept, sum(kept), numbers.integers);
  for (const [at, rule] of rules.entries()) {
    noteRule(tile, group, field, rule, numbers, (broken[at] as number) + rule.count(dense, 0, kept));
  }
}

function noteRule(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  rule: NumberRule,
  { mask, show }: Numbers,
  count: number,
): void {
  if (count === 0) return;
  const { values } = kernel;
  const breaks = (row: number): boolean =>
    (mask === undefined || mask[row] === 1) && rule.breaks(values[row] as number);
  countRule(tile, group, field, rule.name, count, breaks, show);
}
