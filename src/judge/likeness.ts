import type { FieldProfile } from "../profile/profile.ts";
import { entries, total } from "../sketch/categories.ts";
import { buckets } from "../sketch/histogram.ts";

/** A difference of this, times √rows, moves the score of a window by a fraction of its noise. */
const near = 0.5;

/**
 * Whether a window of so many rows could not tell two profiles of a field apart by its values: Kolmogorov–Smirnov distance of
 * numbers, total variation of texts, distance of centroids in SDs, each against 1/√rows.
 * @param b  in the frame of `a`
 */
export function areAlike(a: FieldProfile, b: FieldProfile, rowsPerWindow: number): boolean {
  return distance(a, b) < near / Math.sqrt(Math.max(1, rowsPerWindow));
}

function distance({ body: a }: FieldProfile, { body: b }: FieldProfile): number {
  if (a.kind === "numeric" && b.kind === "numeric") {
    const steps = [a.histogram, b.histogram].map((histogram) => ({
      ...buckets(histogram),
      total: histogram.total,
    }));
    return farthestApart(steps[0] as Steps, steps[1] as Steps);
  }
  if (a.kind === "string" && b.kind === "string") {
    const shares = new Map<string, number>();
    for (const [categories, sign] of [
      [a.categories, 1],
      [b.categories, -1],
    ] as const) {
      const all = Math.max(1, total(categories));
      for (const { value, count } of entries(categories))
        shares.set(value, (shares.get(value) ?? 0) + (sign * count) / all);
    }
    return [...shares.values()].reduce((sum, share) => sum + Math.abs(share), 0) / 2;
  }
  if (a.kind === "embedding" && b.kind === "embedding") {
    if (a.dimensions !== b.dimensions) return Number.POSITIVE_INFINITY;
    let squares = 0;
    for (let j = 0; j < a.dimensions; j++) {
      const variance = (b.m2s[j] as number) / Math.max(1, b.vectors - 1);
      if (variance > 0) squares += ((a.means[j] as number) - (b.means[j] as number)) ** 2 / variance;
    }
    return Math.sqrt(squares);
  }
  return a.kind === b.kind ? 0 : Number.POSITIVE_INFINITY;
}

interface Steps {
  readonly index: Int32Array;
  readonly count: Float64Array;
  readonly total: number;
}

function farthestApart(a: Steps, b: Steps): number {
  let [i, j, below, other, most] = [0, 0, 0, 0, 0];
  while (i < a.index.length || j < b.index.length) {
    const at = Math.min(a.index[i] ?? Number.POSITIVE_INFINITY, b.index[j] ?? Number.POSITIVE_INFINITY);
    if (a.index[i] === at) below += (a.count[i++] as number) / a.total;
    if (b.index[j] === at) other += (b.count[j++] as number) / b.total;
    most = Math.max(most, Math.abs(below - other));
  }
  return most;
}
