import type { StatisticName } from "../model/verdict.ts";
import type { StatisticHistory } from "./baseline.ts";
import type { Reading } from "./statistic.ts";

/** A standard error this often is not luck. */
const errors = 3;

/** A segment is like the whole view when it stays within this many units of it. */
const likeness = 0.25;

/** Windows that a segment needs for a history of its own. */
const segmentWindowsMin = 3;

/** A history as it grows, window by window, in constant memory. */
export interface GrowingHistory {
  windows: number;
  mean: number;
  m2: number;
  /** Smallest observed + 3 errors, largest observed − 3 errors. */
  lowest: number;
  highest: number;
  zMean: number;
  zM2: number;
  unit: number;
}

export const createHistory = (): GrowingHistory => ({
  windows: 0,
  mean: 0,
  m2: 0,
  lowest: Number.POSITIVE_INFINITY,
  highest: Number.NEGATIVE_INFINITY,
  zMean: 0,
  zM2: 0,
  unit: 1,
});

export function addReading(into: GrowingHistory, { observed, error, unit, z }: Reading): void {
  into.windows += 1;
  const delta = observed - into.mean;
  into.mean += delta / into.windows;
  into.m2 += delta * (observed - into.mean);
  into.lowest = Math.min(into.lowest, observed + errors * error);
  into.highest = Math.max(into.highest, observed - errors * error);
  const zDelta = z - into.zMean;
  into.zMean += zDelta / into.windows;
  into.zM2 += zDelta * (z - into.zMean);
  into.unit = unit;
}

export function toHistory({
  windows,
  mean,
  m2,
  lowest,
  highest,
  zMean,
  zM2,
}: GrowingHistory): StatisticHistory {
  const over = Math.max(1, windows - 1);
  return {
    mean: rounded(mean),
    sd: rounded(Math.sqrt(m2 / over)),
    windows,
    low: rounded(Math.min(mean, lowest)),
    high: rounded(Math.max(mean, highest)),
    zMean: rounded(zMean),
    zSd: rounded(Math.sqrt(zM2 / over)),
  };
}

/** The statistics of a segment that are not like those of the whole view. */
export function unlike(
  segment: ReadonlyMap<StatisticName, GrowingHistory>,
  whole: ReadonlyMap<StatisticName, StatisticHistory>,
): ReadonlyMap<StatisticName, StatisticHistory> {
  const own = new Map<StatisticName, StatisticHistory>();
  for (const [name, growing] of segment) {
    if (growing.windows < segmentWindowsMin) continue;
    const history = toHistory(growing);
    const all = whole.get(name);
    const near = likeness * growing.unit;
    const alike =
      all !== undefined &&
      Math.abs(history.mean - all.mean) <= near &&
      history.low >= all.low - near &&
      history.high <= all.high + near;
    if (!alike) own.set(name, history);
  }
  return own;
}

/** The file keeps six digits; so does the memory, or a baseline would judge otherwise once it was saved. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6)) + 0;
}
