import { bucketMiddle, buckets, type Histogram } from "../sketch/histogram.ts";
import { normalQuantile } from "../statistics/special.ts";
import type { Seen } from "./statistic.ts";

/** Normal scores beyond this are this: a value out of the baseline's sight is far, and nobody knows how far. */
const scoreMax = 4;

/** Reference buckets may lie this many indices apart; a wider table would cost more than it saves. */
const denseMax = 1 << 17;

/** What every value is worth: y = Φ⁻¹(F₀(x)) with mid-ranks, read off the baseline's histogram, in [−4, 4]. */
export interface ScoreTable {
  readonly histogram: Histogram;
  /** Mean and SD of the baseline's own scores: about 0 and 1, less where many values are equal. */
  readonly mean: number;
  readonly sd: number;
  /** The baseline's buckets, ascending by value, their scores, and the cumulative share below each (length + 1). */
  readonly index: Int32Array;
  readonly share: Float64Array;
  readonly score: Float64Array;
  /** Score by index − first; empty when too wide. */
  readonly dense: Float64Array;
  readonly first: number;
  readonly last: number;
}

/** Of one window's scores. */
export interface ScoreMoments {
  readonly count: number;
  readonly mean: number;
  /** About their own mean. */
  readonly variance: number;
}

/** One table a histogram, made when it is first asked for: location and spread share it. */
const tables = new WeakMap<Histogram, ScoreTable>();

/** @returns undefined for a histogram without values */
export function scoreTable(histogram: Histogram): ScoreTable | undefined {
  const known = tables.get(histogram);
  if (known !== undefined) return known;
  const { index, count } = buckets(histogram);
  if (index.length === 0) return undefined;
  const table = createTable(histogram, index, count);
  tables.set(histogram, table);
  return table;
}

/** Location and spread ask the same of one window. */
const moments = new WeakMap<Seen, ScoreMoments>();

export function scoreMoments(table: ScoreTable, seen: Seen): ScoreMoments | undefined {
  const known = moments.get(seen) ?? measure(table, seen);
  if (known !== undefined) moments.set(seen, known);
  return known;
}

function measure(table: ScoreTable, seen: Seen): ScoreMoments | undefined {
  const { body } = seen.profile;
  if (body.kind !== "numeric") return undefined;
  const { index, count } = seen.buckets();
  const sameFrame =
    body.histogram.frame.centre === table.histogram.frame.centre &&
    body.histogram.frame.scale === table.histogram.frame.scale;
  const { dense, first, mean } = table;
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < index.length; i++) {
    const rows = count[i] as number;
    const at = index[i] as number;
    const place = at - first;
    const near = sameFrame && place >= 0 && place < dense.length;
    const score = near ? (dense[place] as number) : farScore(table, body.histogram, at, sameFrame);
    const d = score - mean;
    n += rows;
    sum += rows * d;
    squares += rows * d * d;
  }
  if (n === 0) return undefined;
  const shift = sum / n;
  return { count: n, mean: mean + shift, variance: Math.max(0, squares / n - shift * shift) };
}

function createTable(histogram: Histogram, index: Int32Array, count: Float64Array): ScoreTable {
  let total = 0;
  for (const rows of count) total += rows;
  const score = new Float64Array(index.length);
  const share = new Float64Array(index.length + 1);
  let [below, sum, squares] = [0, 0, 0];
  for (let i = 0; i < index.length; i++) {
    const rows = count[i] as number;
    const y = clippedScore((below + rows / 2) / total, total);
    score[i] = y;
    sum += rows * y;
    squares += rows * y * y;
    below += rows;
    share[i + 1] = below / total;
  }
  const mean = sum / total;
  const [first, last] = [index[0] as number, index[index.length - 1] as number];
  const span = last - first + 1;
  const sparse = {
    histogram,
    mean,
    sd: Math.sqrt(Math.max(0, squares / total - mean * mean)),
    index,
    share,
    score,
  };
  const dense = new Float64Array(span <= denseMax ? span : 0);
  for (let i = 0, at = 0; at < dense.length; at++) {
    if (first + at === index[i]) dense[at] = score[i++] as number;
    else dense[at] = clippedScore(share[i] as number, total);
  }
  return { ...sparse, dense, first, last };
}

function farScore(table: ScoreTable, histogram: Histogram, index: number, sameFrame: boolean): number {
  return sameFrame ? scoreAt(table, index) : scoreOf(table, bucketMiddle(histogram.frame, index));
}

function scoreAt(table: ScoreTable, index: number): number {
  if (index < table.first) return clippedScore(0, table.histogram.total);
  if (index > table.last) return clippedScore(1, table.histogram.total);
  if (table.dense.length > 0) return table.dense[index - table.first] as number;
  const i = lowerBound(table.index, (at) => at < index);
  return table.index[i] === index
    ? (table.score[i] as number)
    : clippedScore(table.share[i] as number, table.histogram.total);
}

/** The same for a value of a histogram with another frame. */
function scoreOf(table: ScoreTable, value: number): number {
  const { frame } = table.histogram;
  const i = Math.min(
    table.index.length - 1,
    lowerBound(table.index, (at) => bucketMiddle(frame, at) < value),
  );
  return table.score[i] as number;
}

/** Nothing is rarer than half a row of the baseline. */
function clippedScore(share: number, total: number): number {
  const least = 0.5 / total;
  const y = normalQuantile(Math.min(1 - least, Math.max(least, share)));
  return Math.max(-scoreMax, Math.min(scoreMax, y));
}

/** The first position for which `isBelow` is false; the array's length when there is none. */
function lowerBound(index: Int32Array, isBelow: (at: number) => boolean): number {
  let [from, to] = [0, index.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBelow(index[middle] as number)) from = middle + 1;
    else to = middle;
  }
  return from;
}
