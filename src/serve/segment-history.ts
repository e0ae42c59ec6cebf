import { jsonNumber } from "../model/json-number.ts";
import { isoTime } from "../model/time.ts";
import { type Alert, type JudgedWindow, segmentKey, type VerdictStatus } from "../model/verdict.ts";
import type { Outcome } from "../pipeline/ports.ts";

/** One closed window of a statistic, as an explanation shows it. */
export interface HistoryPoint {
  readonly start: string;
  readonly observed: number | null;
  readonly shift: number | null;
  readonly status: VerdictStatus;
}

/** Statistics that are followed, of all views; the one that has been silent for longest goes first. */
const seriesMax = 500;
export const historyMax = 120;

export interface SegmentHistory {
  add(outcomes: readonly Outcome[]): void;
  /** Of the alert's statistic in its segment, oldest first: from the first window on that was not well. */
  of(alert: Pick<Alert, "featureView" | "segment" | "field" | "statistic">): readonly HistoryPoint[];
}

/**
 * How the statistics of segments went, of those that were ever bad: a hundred segments of a thousand statistics each would be
 * too much to keep, and what has always been well need not be explained.
 */
export function createSegmentHistory(): SegmentHistory {
  const series = new Map<string, HistoryPoint[]>();
  /** Segments of which a statistic is followed, so that the others cost no look. */
  const followed = new Map<string, number>();

  const addWindow = (judged: JudgedWindow): void => {
    const place = `${judged.featureView}\n${segmentKey(judged.segment)}`;
    const start = isoTime(judged.window.start);
    for (const { field, statistic, status, observed, shift } of judged.verdicts) {
      const bad = status === "warning" || status === "critical";
      if (!bad && !followed.has(place)) continue;
      const key = `${place}\n${field ?? ""}\n${statistic}`;
      const known = series.get(key);
      if (known === undefined && !bad) continue;
      const points = (known ?? []).filter((point) => point.start !== start); // revised: the newest counts
      const point = { start, observed: jsonNumber(observed), shift: jsonNumber(shift), status };
      if (bad) series.delete(key); // to the end: bad most recently
      const later = points.findIndex((other) => other.start > start);
      points.splice(later < 0 ? points.length : later, 0, point);
      series.set(key, points.slice(-historyMax));
      if (known === undefined) followed.set(place, (followed.get(place) ?? 0) + 1);
    }
    for (const key of series.keys()) {
      if (series.size <= seriesMax) break;
      series.delete(key);
      const owner = key.split("\n", 2).join("\n");
      const left = (followed.get(owner) ?? 1) - 1;
      if (left === 0) followed.delete(owner);
      else followed.set(owner, left);
    }
  };

  return {
    add(outcomes) {
      for (const outcome of outcomes)
        if (outcome.kind === "judged" && outcome.judged.final && outcome.judged.segment !== null)
          addWindow(outcome.judged);
    },
    of: ({ featureView, segment, field, statistic }) =>
      series.get(`${featureView}\n${segmentKey(segment)}\n${field ?? ""}\n${statistic}`) ?? [],
  };
}
