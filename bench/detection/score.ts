import type { Case, Truth } from "./cases.ts";

/** One alarm of one detector. */
export interface Alarm {
  /** Epoch ms: the end of the window that raised it, or the deciding event. */
  readonly time: number;
  /** null: it speaks of the whole view. */
  readonly feature: string | null;
}

/** How one detector did on one case; addable. */
export interface Score {
  readonly truths: number;
  /** In windows from the true start to the first alarm, one a detected truth: an alarm at the end of the first window is 1. */
  readonly delays: readonly number[];
  /** Episodes of alarms where nothing was wrong. */
  readonly falseEpisodes: number;
  /** Features × windows in which nothing was wrong. */
  readonly cleanFeatureWindows: number;
}

/** Windows after a fault's end in which an alarm still counts for it. */
const graceWindows = 3;
/** Alarms on one feature that are no further apart are one episode. */
const mergeWindows = 5;

/**
 * An alarm on a drifted feature, or on the whole view, finds a fault. Before the first fault every alarm is false; in a
 * series of one number every alarm outside all faults is. Alarms on other features after the onset count for nothing: the
 * fault may well reach them.
 */
export function score(stream: Case, alarms: readonly Alarm[]): Score {
  const { windowMs, calibrated, end, kind, features } = stream;
  const graceMs = graceWindows * windowMs;
  const seen = alarms.filter(({ time }) => time > calibrated).toSorted((a, b) => a.time - b.time);
  const truths = stream.truths.filter((truth) => truth.end > calibrated);
  const first = truths.reduce((least, truth) => Math.min(least, truth.start), end);
  const delays = truths.flatMap((truth) => {
    const hit = seen.find(
      ({ time, feature }) => time > truth.start && time <= truth.end + graceMs && concerns(truth, feature),
    );
    return hit === undefined ? [] : [(hit.time - truth.start) / windowMs];
  });
  const last = new Map<string | null, number>();
  let falseEpisodes = 0;
  for (const { time, feature } of seen) {
    const before = last.get(feature);
    last.set(feature, time);
    if (before !== undefined && time - before <= mergeWindows * windowMs) continue;
    const inside = truths.some((truth) => time > truth.start && time <= truth.end + graceMs);
    if (!inside && (kind === "series" || time <= first)) falseEpisodes += 1;
  }
  const drifted = truths.reduce((sum, truth) => sum + truth.end - Math.max(truth.start, calibrated), 0);
  const clean = kind === "series" ? Math.max(0, end - calibrated - drifted) : Math.max(0, first - calibrated);
  return {
    truths: truths.length,
    delays,
    falseEpisodes,
    cleanFeatureWindows: (features * clean) / windowMs,
  };
}

export const nothing: Score = { truths: 0, delays: [], falseEpisodes: 0, cleanFeatureWindows: 0 };

export function add(a: Score, b: Score): Score {
  return {
    truths: a.truths + b.truths,
    delays: [...a.delays, ...b.delays],
    falseEpisodes: a.falseEpisodes + b.falseEpisodes,
    cleanFeatureWindows: a.cleanFeatureWindows + b.cleanFeatureWindows,
  };
}

export function meanDelay({ delays }: Score): number | null {
  return delays.length === 0 ? null : delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
}

export function falsePerThousand({ falseEpisodes, cleanFeatureWindows }: Score): number {
  return (1_000 * falseEpisodes) / Math.max(1, cleanFeatureWindows);
}

/** Harmonic mean of recall and precision, counted in events. */
export function eventF1({ truths, delays, falseEpisodes }: Score): number {
  const found = delays.length;
  return (2 * found) / Math.max(1, truths + found + falseEpisodes);
}

function concerns({ features }: Truth, feature: string | null): boolean {
  if (features === undefined || feature === null) return true;
  return features.includes(feature) || features.some((name) => name.startsWith("__"));
}
