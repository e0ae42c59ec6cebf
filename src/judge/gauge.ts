import type { EventTime } from "../model/time.ts";
import type { Segment, Verdict } from "../model/verdict.ts";
import { aheadText, forecast, type Point } from "./forecast.ts";
import { short } from "./statistic.ts";

/** A quantity that is asked for from time to time, with a limit that it must not reach. */
export interface Gauge {
  /** Stands where a field's name stands in alerts. */
  readonly name: string;
  /** For people: `GPU memory`. */
  readonly title: string;
  readonly limit: number;
  /** Of values and limit: `GiB`. */
  readonly unit: string | undefined;
  readonly warnBeforeMs: number;
}

/** Points kept of a gauge: as many as a forecast looks at. */
export const gaugePointsMax = 96;
/** A series without a point for so many steps has ended. */
const silentSteps = 3;
/** A warning ends when so many looks in a row found nothing. */
const calmLooks = 3;

/**
 * What the points of one series say: a warning when its limit is near or passed, `ok` when the last looks found nothing or the
 * series has ended; undefined in between, where a standing warning stands.
 *
 * @param points  ascending by time, `everyMs` apart, none later than `asOf`
 */
export function judgeGauge(
  gauge: Gauge,
  segment: Segment | null,
  points: readonly Point[],
  everyMs: number,
  asOf: EventTime,
): Verdict | undefined {
  const { name, title, limit, warnBeforeMs } = gauge;
  const where = segment === null ? title : `${title} of ${segment.field} ${segment.value}`;
  const amount = (value: number): string =>
    gauge.unit === undefined ? short(value) : `${short(value)} ${gauge.unit}`;
  const last = points.at(-1);
  const calm = (summary: string): Verdict => ({
    ...{ field: name, statistic: "trend", status: "ok", hard: false, rows: points.length },
    ...{ observed: last?.value ?? 0, expected: limit, unit: 1, shift: 0, evidence: 0, summary },
  });
  if (last === undefined || asOf - last.time >= silentSteps * everyMs)
    return calm(`${where} is not reported any more`);
  const warn = (level: number, leftMs: number, evidence: number, summary: string): Verdict => ({
    ...{ field: name, statistic: "trend", status: "warning", hard: true, rows: points.length },
    observed: level,
    expected: limit,
    unit: Math.max(limit - level, Number.MIN_VALUE),
    shift: warnBeforeMs / Math.max(1, leftMs),
    evidence,
    decidedAt: last.time, // hard: it has a time of its own, that of the look
    summary,
  });
  if (last.value > limit)
    return warn(
      last.value,
      0,
      0,
      `${where} is at ${amount(last.value)}, above its limit of ${amount(limit)}`,
    );
  const near = (points: readonly Point[]) => {
    const ahead = forecast(points, limit);
    return ahead === undefined || ahead.leftMs > warnBeforeMs ? undefined : ahead;
  };
  const ahead = near(points);
  if (ahead !== undefined)
    return warn(ahead.level, ahead.leftMs, -ahead.logTail, aheadText(where, ahead, limit, amount));
  for (let back = 1; back < calmLooks; back++)
    if (near(points.slice(0, -back)) !== undefined) return undefined;
  return calm(`${where} is not heading for ${amount(limit)}`);
}
