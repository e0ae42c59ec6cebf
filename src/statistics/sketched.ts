import { type Categories, entries, isExact, total } from "../sketch/categories.ts";
import { bucketMiddle, buckets, type Histogram } from "../sketch/histogram.ts";
import type { Moments } from "../sketch/moments.ts";
import type { CategoricalSample, NumericSample } from "./sample.ts";

/**
 * The sample that a histogram sketch and its moments stand for: every value at the middle of its bucket, the same for both
 * samples of a frame. Counts, mean and SD are exact; a value is off by 1/128 of its distance from the frame's centre
 * at most, so that
 *
 * - the mean's statistics (`meanShift`, `sdShift`, `welchT`) are exact,
 * - `ks` is low by the fullest bucket's share at most, never high,
 * - `wasserstein` is off by (E|x − c| + E|y − c|)/128 at most, `energy` by Σ √(2·E|x − c|/128·fullest share),
 * - `mannWhitneyU`/nm is off by ½ Σ p·q over buckets at most,
 * - `tv` is off by the shares of the buckets that hold the cells' edges, summed, at most, and `hellinger` by the root of twice that,
 * - `psi`, `kl` and `js` have no such bound, because an emptied cell is a jump; over the test's shapes, sizes and seeds they are within
 *   0.06, 0.03 and 0.02,
 * - `cramerVonMises` of different values is off by nm/(n + m)·(2·ks·s + s²) + 0.01 at most, s the fullest bucket's share.
 *
 * `test/statistics/sketched.test.ts` holds them to it.
 *
 * @returns undefined without a value or a null
 */
export function sketchedNumbers(
  histogram: Histogram,
  moments: Moments,
  nulls: number,
): NumericSample | undefined {
  if (histogram.total + nulls === 0) return undefined;
  const { index, count } = buckets(histogram);
  const values = new Float64Array(index.length);
  const counts = new Float64Array(index.length);
  let size = 0;
  for (let i = 0; i < index.length; i++) {
    const value = bucketMiddle(histogram.frame, index[i] as number);
    // Buckets narrower than the spacing of doubles fall together.
    if (size === 0 || value > (values[size - 1] as number)) values[size++] = value;
    counts[size - 1] = (counts[size - 1] as number) + (count[i] as number);
  }
  return {
    kind: "numeric",
    values: values.subarray(0, size),
    counts: counts.subarray(0, size),
    total: histogram.total,
    pivot: moments.mean,
    offset: moments.residue ?? 0,
    m2: moments.m2,
    nulls,
    exact: false,
    sizesOnly: histogram.total === 0,
  };
}

/**
 * Category counts as they are: exact, so are the statistics.
 * @param defaults  values outside the mapping; undefined without a mapping
 * @returns undefined without a value or a null; sizes only beyond the sketch's limit, where counts are bounds: ids have no distribution
 */
export function sketchedCategories(
  categories: Categories,
  nulls: number,
  defaults: number | undefined,
): CategoricalSample | undefined {
  const values = total(categories);
  if (values + nulls === 0) return undefined;
  const sizesOnly = values === 0 || !isExact(categories);
  const counts = new Map(sizesOnly ? [] : entries(categories).map(({ value, count }) => [value, count]));
  return { kind: "categorical", counts, total: values, nulls, defaults, sizesOnly };
}
