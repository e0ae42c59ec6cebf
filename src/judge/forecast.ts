import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime } from "../model/time.ts";
import { type Segment, segmentKey, type Verdict } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { normalLogSf } from "../statistics/special.ts";
import { short } from "./statistic.ts";

/** One mean of a few values at a time. */
export interface Point {
  readonly time: EventTime;
  readonly value: number;
}

export interface Forecast {
  /** Robust level at the last point, and units a millisecond. */
  readonly level: number;
  readonly slope: number;
  /** From the last point until the limit is reached. */
  readonly leftMs: number;
  /** ln of the probability of so steady a rise by chance (Mann–Kendall). */
  readonly logTail: number;
}

/** How far back a rise is looked for, in points: a leak may have begun a moment or an hour ago. */
const lookbacks = [12, 24, 48, 96] as const;
const [shortest, pointsMax] = [12, 96];
/** Median distance from the line, as a share of what it rises. */
const offMax = 0.15;
/** ln 1e-5, a look. */
const logTailMax = -11.5;

/**
 * Where a quantity is heading: Theil–Sen slope over the last 12 to 96 points, Mann–Kendall's test of its steadiness, and the
 * time until `limit`. Only a rise to a new high counts, so that the teeth of a saw (a heap between collections) do not.
 *
 * @param points  ascending by time
 * @returns the most urgent rise; undefined when nothing surely rises towards the limit
 * @see Theil (1950), Sen (1968), Mann (1945), Kendall (1975)
 */
export function forecast(points: readonly Point[], limit: number): Forecast | undefined {
  let found: Forecast | undefined;
  for (const lookback of lookbacks) {
    if (points.length < lookback) break;
    const recent = points.slice(-lookback);
    const logTail = mannKendall(recent); // first: it sorts nothing, and noise rarely passes it
    if (logTail > logTailMax) continue;
    const last = recent.at(-1) as Point;
    const slope = theilSen(recent);
    if (!(slope > 0)) continue;
    const level = median(
      recent.slice(-shortest).map(({ time, value }) => value + slope * (last.time - time)),
    );
    if (level <= highest(points.slice(0, -lookback)) || level >= limit) continue;
    // a line, and no saw: the points lie near it for as much as it rises
    const off = median(recent.map(({ time, value }) => Math.abs(value - level + slope * (last.time - time))));
    if (off > offMax * slope * (last.time - (recent[0] as Point).time)) continue;
    const leftMs = (limit - level) / slope;
    if (found === undefined || leftMs < found.leftMs) found = { level, slope, leftMs, logTail };
  }
  return found;
}

/** `GPU memory of node a7 reaches 80 GiB in 26 min (now 54 GiB, 1 GiB more a minute)` */
export function aheadText(
  where: string,
  { level, slope, leftMs }: Forecast,
  limit: number,
  amount: (value: number) => string,
): string {
  const left = leftMs < 90_000 ? `${Math.round(leftMs / 1_000)} s` : `${Math.round(leftMs / 60_000)} min`;
  return `${where} reaches ${amount(limit)} in ${left} (now ${amount(level)}, ${amount(slope * 60_000)} more a minute)`;
}

/** Follows the fields with `trend` of a view, segment by segment where it has segments. */
export interface Trends {
  /**
   * What a look at a window says; call it with every profile that is judged, open or closed.
   * @returns a verdict for each field with a trend: a warning when its limit is near, else `ok` (closed windows only)
   */
  look(profile: WindowProfile, final: boolean): readonly Verdict[];
  /** What survives a restart, as JSON can hold it. */
  encode(): TrendState;
  restore(state: TrendState): void;
}

/** By segment and field: the points, and what of the window at `start` is in them. */
export type TrendState = readonly (readonly [key: string, series: Readonly<Series>])[];

interface Series {
  points: Point[];
  /** Of the window that the newest points are from; null before the first. */
  start: EventTime | null;
  count: number;
  sum: number;
}

export function createTrends(view: FeatureView): Trends {
  const fields = view.fields.flatMap(({ name, limit, trendWarnBeforeMs: warnBeforeMs }) =>
    limit === undefined || warnBeforeMs === undefined ? [] : [{ name, limit, warnBeforeMs }],
  );
  const series = new Map<string, Series>();
  return {
    encode: () => structuredClone([...series]),
    restore(state) {
      const followed = fields.map(({ name }) => `|${name}`);
      for (const [key, saved] of structuredClone(state))
        if (followed.some((end) => key.endsWith(end))) series.set(key, saved as Series);
    },
    look(profile, final) {
      if (fields.length === 0 || (profile.segment === null && view.segments.length > 0)) return [];
      return fields.flatMap(({ name, limit, warnBeforeMs }): Verdict[] => {
        const body = profile.fields.get(name)?.body;
        if (body?.kind !== "numeric" || body.moments.count === 0) return [];
        const key = `${segmentKey(profile.segment)}|${name}`;
        const own = getOrInsert(series, key, () => ({ points: [], start: null, count: 0, sum: 0 }));
        follow(own, profile, body.moments, warnBeforeMs / 360);
        const ahead = forecast(own.points, limit);
        const over = body.moments.max > limit; // then the limit's own rule speaks
        const near = !over && ahead !== undefined && ahead.leftMs <= warnBeforeMs;
        if (!near && !final) return [];
        const level = ahead?.level ?? own.points.at(-1)?.value ?? body.moments.mean;
        const base = {
          field: name,
          statistic: "trend" as const,
          rows: profile.rows,
          observed: level,
          expected: limit,
        };
        const unit = Math.max(limit - level, Number.MIN_VALUE);
        const where = placeText(name, profile.segment);
        if (ahead === undefined || !near) {
          const summary = `${where} is not heading for ${short(limit)}`;
          return [{ ...base, status: "ok", hard: false, unit, shift: 0, evidence: 0, summary }];
        }
        const summary = aheadText(where, ahead, limit, short);
        // hard: it has a time of its own, that of the look
        const told = { status: "warning", hard: true, decidedAt: profile.lastEvent, summary } as const;
        return [
          {
            ...base,
            ...told,
            unit,
            shift: warnBeforeMs / Math.max(1, ahead.leftMs),
            evidence: -ahead.logTail,
          },
        ];
      });
    },
  };
}

/** The rows that came since the last look at this window, as a point; those of one moment together. */
function follow(
  series: Series,
  { window, lastEvent }: WindowProfile,
  { count, mean }: { readonly count: number; readonly mean: number },
  momentMs: number,
): void {
  if (series.start !== null && window.start < series.start) return; // a late partition's part of an older window
  if (window.start !== series.start) Object.assign(series, { start: window.start, count: 0, sum: 0 });
  const [more, sum] = [count - series.count, count * mean - series.sum];
  const last = series.points.at(-1);
  if (more <= 0 || (last !== undefined && lastEvent - last.time < Math.max(1, momentMs))) return;
  series.points.push({ time: lastEvent, value: sum / more });
  if (series.points.length > pointsMax) series.points = series.points.slice(-pointsMax);
  series.count = count;
  series.sum = count * mean;
}

/** Without single outliers: the largest median of three neighbours; −Infinity of fewer. */
function highest(points: readonly Point[]): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let at = 2; at < points.length; at++)
    max = Math.max(max, median(points.slice(at - 2, at + 1).map(({ value }) => value)));
  return max;
}

function theilSen(points: readonly Point[]): number {
  const slopes: number[] = [];
  points.forEach((a, index) => {
    for (const b of points.slice(index + 1))
      if (b.time > a.time) slopes.push((b.value - a.value) / (b.time - a.time));
  });
  return slopes.length === 0 ? 0 : median(slopes);
}

/** One-sided: ln of the probability of so many rises among all pairs, were the order chance. Normal, continuity corrected. */
function mannKendall(points: readonly Point[]): number {
  const n = points.length;
  let s = 0;
  for (const [index, { value }] of points.entries())
    for (let later = index + 1; later < n; later++) s += Math.sign((points[later] as Point).value - value);
  return s <= 0 ? 0 : normalLogSf((s - 1) / Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18));
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const high = sorted[middle] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
}

function placeText(field: string, segment: Segment | null): string {
  return segment === null ? field : `${field} of ${segment.field} ${segment.value}`;
}
