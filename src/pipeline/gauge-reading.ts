import type { FeatureView } from "../model/feature-view.ts";
import type { EventTime, WallTime } from "../model/time.ts";
import { type Alert, type JudgedWindow, type Segment, segmentKey, type Verdict } from "../model/verdict.ts";

/** One look at all gauges of a view. Plain data, so that a cluster's log can hold it. */
export interface GaugeReading {
  readonly featureView: string;
  readonly at: WallTime;
  readonly everyMs: number;
  /** Names of the gauges that nothing is known of now: their alerts stand. */
  readonly unasked: readonly string[];
  /** Every series that there is; null: nothing new is said of it. */
  readonly series: readonly {
    readonly name: string;
    readonly segment: Segment | null;
    readonly verdict: Verdict | null;
  }[];
}

/** A look as windows of no rows: a breaker is not moved by it. An alert of a series that is not there any more is over. */
export function gaugeWindows(
  view: FeatureView,
  { at, everyMs, unasked, series }: GaugeReading,
  active: readonly Alert[],
): readonly JudgedWindow[] {
  const placeOf = (field: string | null, segment: Segment | null): string =>
    `${field}|${segmentKey(segment)}`;
  const there = new Set(series.map(({ name, segment }) => placeOf(name, segment)));
  const gone = active
    .filter(({ field, segment }) => !there.has(placeOf(field, segment)))
    .filter((alert) => isOfGauge(alert, view) && !unasked.includes(alert.field ?? ""))
    .map(({ segment, field, observed, expected }) => ({
      segment,
      verdict: endOf(field, observed, expected),
    }));
  const said = series.flatMap(({ segment, verdict }) => (verdict === null ? [] : [{ segment, verdict }]));
  return [...said, ...gone].map(({ segment, verdict }) => ({
    featureView: view.name,
    spec: view.fingerprint,
    segment,
    window: { start: at - everyMs, end: at satisfies EventTime },
    final: true,
    rows: 0,
    late: 0,
    asOf: at,
    verdicts: [verdict],
  }));
}

/** Whether an alert tells of a gauge, and not of the view's own fields. */
export function isOfGauge({ field, statistic }: Alert, { fields }: FeatureView): boolean {
  return statistic === "trend" && !fields.some(({ name }) => name === field);
}

function endOf(field: string | null, observed: number, expected: number): Verdict {
  const figures = { rows: 0, observed, expected, unit: 1, shift: 0, evidence: 0 };
  const summary = `${field} is not reported any more`;
  return { field, statistic: "trend", status: "ok", hard: false, ...figures, summary };
}
