import assert from "node:assert/strict";
import { mean, sumNthPowerDeviations } from "simple-statistics";

/** Numbers, as every statistic sees them: each different value once, with its count. */
export interface NumericSample {
  readonly kind: "numeric";
  /** Ascending, all different, finite. Middles of buckets when read off a sketch. */
  readonly values: Float64Array;
  /** Of each value, > 0. */
  readonly counts: Float64Array;
  /** Sum of `counts`, ≥ 1 unless `sizesOnly`. */
  readonly total: number;
  /** The mean is pivot + offset: near 1e9 one double alone would lose seven digits of it. */
  readonly pivot: number;
  readonly offset: number;
  /** Sum of squared distances from the mean. */
  readonly m2: number;
  /** Cells without a value, not in `total`. */
  readonly nulls: number;
  /** False when `values` are the middles of buckets. */
  readonly exact: boolean;
  /** True: there are nulls only, `values` is empty. */
  readonly sizesOnly: boolean;
}

/** Categories and how often each occurs. */
export interface CategoricalSample {
  readonly kind: "categorical";
  /** Every count > 0. */
  readonly counts: ReadonlyMap<string, number>;
  /** Sum of `counts`, ≥ 1 unless `sizesOnly`. */
  readonly total: number;
  readonly nulls: number;
  /** Values outside the serving model's mapping; undefined when none is known. */
  readonly defaults: number | undefined;
  /** True: `counts` is empty, because there are nulls only, or more categories than were counted exactly. */
  readonly sizesOnly: boolean;
}

export type Sample = NumericSample | CategoricalSample;

/** @param numbers  finite, at least one, in any order; not changed */
export function numericSample(numbers: readonly number[], nulls = 0): NumericSample {
  const sorted = Float64Array.from(numbers).sort();
  const pivot = sorted[sorted.length >> 1];
  assert(pivot !== undefined && sorted.every(Number.isFinite));
  const values = new Float64Array(sorted.length);
  const counts = new Float64Array(sorted.length);
  let size = 0;
  for (const value of sorted) {
    if (size === 0 || value !== values[size - 1]) values[size++] = value;
    counts[size - 1] = (counts[size - 1] as number) + 1;
  }
  const distances = Array.from(sorted, (value) => value - pivot);
  return {
    kind: "numeric",
    values: values.subarray(0, size),
    counts: counts.subarray(0, size),
    total: sorted.length,
    pivot,
    offset: mean(distances),
    m2: sumNthPowerDeviations(distances, 2),
    nulls,
    exact: true,
    sizesOnly: false,
  };
}

/** @param values  at least one */
export function categoricalSample(values: readonly string[], nulls = 0): CategoricalSample {
  assert(values.length > 0);
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return { kind: "categorical", counts, total: values.length, nulls, defaults: undefined, sizesOnly: false };
}

/** mean(current) − mean(reference), without the digits that both share. */
export function meanDifference(reference: NumericSample, current: NumericSample): number {
  return current.pivot - reference.pivot + (current.offset - reference.offset);
}

/** Standard deviation with divisor n, in units of the field. */
export function populationSd({ m2, total }: NumericSample): number {
  return Math.sqrt(m2 / total);
}
