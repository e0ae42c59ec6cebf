import type { Histogram } from "../sketch/histogram.ts";
import type { ScoreTable } from "./scores.ts";
import type { Buckets } from "./statistic.ts";

/** Bins are at most so many, and hold at least so many rows of a usual window. */
const binsMax = 18;
const rowsPerBinMin = 4;

/** The outermost bins are narrow, so that tails are seen. */
const tails = [0.005, 0.02];

/** Newton's steps that fit place and width; three are enough near the baseline. */
const stepsMax = 8;

/** A mean score beyond it, and all values lie in the last bins: their shape cannot be told. */
const farMax = 2.5;

/** The baseline's distribution in a few bins, each with its share, mean score and mean squared score. */
export interface Bins {
  readonly frame: Histogram["frame"];
  /** The last bucket of each bin but the last one, ascending. */
  readonly upper: Int32Array;
  readonly share: Float64Array;
  readonly score: Float64Array;
  readonly square: Float64Array;
}

/** @returns undefined when fewer than five bins can be made: then place and width are all the shape there is */
export function createBins(table: ScoreTable, rowsPerWindow: number): Bins | undefined {
  const edges = edgesFor(rowsPerWindow);
  const upper: number[] = [];
  const bins: { share: number; score: number; square: number }[] = [];
  let bin = { share: 0, score: 0, square: 0 };
  let edge = 0;
  const least = rowsPerBinMin / rowsPerWindow;
  const size = table.index.length;
  for (let i = 0; i < size; i++) {
    const share = (table.share[i + 1] as number) - (table.share[i] as number);
    const score = table.score[i] as number;
    bin.share += share;
    bin.score += share * score;
    bin.square += share * score * score;
    const below = table.share[i + 1] as number;
    if (below < (edges[edge] ?? 1) || bin.share < least || 1 - below < least) continue;
    while (edge < edges.length && (edges[edge] as number) <= below) edge += 1;
    upper.push(table.index[i] as number);
    bins.push(bin);
    bin = { share: 0, score: 0, square: 0 };
  }
  bins.push(bin);
  if (bins.length < 5) return undefined;
  return {
    frame: table.histogram.frame,
    upper: Int32Array.from(upper),
    share: Float64Array.from(bins, ({ share }) => share),
    score: Float64Array.from(bins, ({ share, score }) => score / share),
    square: Float64Array.from(bins, ({ share, square }) => square / share),
  };
}

function edgesFor(rowsPerWindow: number): readonly number[] {
  const count = Math.min(binsMax - 2 * tails.length, Math.floor(rowsPerWindow / (2 * rowsPerBinMin)));
  const inner = Array.from({ length: Math.max(0, count - 1) }, (_, i) => (i + 1) / count);
  return [...tails, ...inner, ...tails.map((tail) => 1 - tail)].sort((a, b) => a - b);
}

const counts = new Float64Array(binsMax + 8);
const expected = new Float64Array(binsMax + 8);

/**
 * How badly a window fits the baseline's shape once place and width are allowed to be its own: Pearson's X² against the
 * baseline tilted by exp(a·score + b·score²) to the window's likeliest a and b, as a normal score (Wilson & Hilferty 1931).
 * A statistic that moves through its day keeps its shape; one that stands still, is rounded or comes from two sources does not.
 */
export function tiltedMisfit(
  bins: Bins,
  { frame }: Histogram,
  { index, count }: Buckets,
): number | undefined {
  if (frame.centre !== bins.frame.centre || frame.scale !== bins.frame.scale) return undefined;
  const size = bins.share.length;
  counts.fill(0, 0, size);
  let [bin, rows] = [0, 0];
  for (let i = 0; i < index.length; i++) {
    while (bin < size - 1 && (index[i] as number) > (bins.upper[bin] as number)) bin += 1;
    counts[bin] = (counts[bin] as number) + (count[i] as number);
    rows += count[i] as number;
  }
  if (rows === 0 || !tilt(bins, size, rows)) return undefined;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const e = Math.max((expected[i] as number) * rows, 0.5);
    sum += ((counts[i] as number) - e) ** 2 / e;
  }
  return normalScore(sum, size - 3);
}

/** Fills `expected` with the tilted shares. @returns false when the window lies too far off to be fitted */
function tilt({ share, score, square }: Bins, size: number, rows: number): boolean {
  let [s, q] = [0, 0];
  for (let i = 0; i < size; i++) {
    s += ((counts[i] as number) / rows) * (score[i] as number);
    q += ((counts[i] as number) / rows) * (square[i] as number);
  }
  if (Math.abs(s) > farMax) return false;
  let [a, b] = [0, 0];
  for (let step = 0; step < stepsMax; step++) {
    let [z, m1, m2, v11, v12, v22] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < size; i++) {
      const [x, y] = [score[i] as number, square[i] as number];
      const w = (share[i] as number) * Math.exp(a * x + b * y);
      expected[i] = w;
      z += w;
      m1 += w * x;
      m2 += w * y;
      v11 += w * x * x;
      v12 += w * x * y;
      v22 += w * y * y;
    }
    for (let i = 0; i < size; i++) expected[i] = (expected[i] as number) / z;
    [m1, m2, v11, v12, v22] = [m1 / z, m2 / z, v11 / z, v12 / z, v22 / z];
    const [g1, g2] = [s - m1, q - m2];
    const [c11, c12, c22] = [v11 - m1 * m1 + 1e-9, v12 - m1 * m2, v22 - m2 * m2 + 1e-9];
    const determinant = Math.max(c11 * c22 - c12 * c12, 1e-12);
    const [da, db] = [(c22 * g1 - c12 * g2) / determinant, (c11 * g2 - c12 * g1) / determinant];
    const size2 = Math.hypot(da, db);
    if (size2 < 1e-3) return true;
    const scale = Math.min(1, 1 / size2); // far off, a whole step would overshoot
    a = Math.max(-8, Math.min(8, a + scale * da));
    b = Math.max(-4, Math.min(4, b + scale * db));
  }
  return true;
}

/** χ² with `freedom` degrees as a standard normal: Wilson & Hilferty's cube root. */
export function normalScore(chiSquare: number, freedom: number): number {
  const v = 2 / (9 * freedom);
  return (Math.cbrt(chiSquare / freedom) - (1 - v)) / Math.sqrt(v);
}
