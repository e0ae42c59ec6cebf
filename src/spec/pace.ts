import { formatDuration, parseDuration } from "../model/time.ts";

/** How far rows come behind the latest one, as they stand: the candidates for a window's lateness. */
const latenessesMs = [30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000] as const;

/** A lateness that leaves a larger share of the rows late is too short. */
const lateShareMax = 0.001;

/** A larger share behind the longest lateness: the rows are in no order of time, and their order says nothing. */
const unsortedShare = 0.05;

/** Gaps between a row and the next that are kept. */
const gapsMax = 20_000;

const windowsMs = [60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000] as const;

/** Rows that a window should hold on average. */
const windowRows = 100;

const minRowsDefault = 50;

/** What the event times of some rows showed, in the order in which the rows stand. Bounded memory. */
export interface Pace {
  /** Rows behind the latest one, by the shortest lateness that would do; the last slot is beyond all. */
  readonly behind: Float64Array;
  /** In milliseconds. */
  readonly gaps: number[];
  rows: number;
  first: number;
  last: number;
}

export function createPace(): Pace {
  return {
    behind: new Float64Array(latenessesMs.length + 1),
    gaps: [],
    rows: 0,
    first: Number.POSITIVE_INFINITY,
    last: Number.NEGATIVE_INFINITY,
  };
}

/** @param time  event time of the next row, epoch ms */
export function addTime(pace: Pace, time: number): void {
  pace.rows += 1;
  if (time < pace.last) {
    const slot = latenessesMs.findIndex((lateness) => pace.last - time <= lateness);
    const at = slot < 0 ? latenessesMs.length : slot;
    pace.behind[at] = (pace.behind[at] as number) + 1;
  } else if (pace.gaps.length < gapsMax && Number.isFinite(pace.last)) pace.gaps.push(time - pace.last);
  pace.first = Math.min(pace.first, time);
  pace.last = Math.max(pace.last, time);
}

export interface InferredWindow {
  /** `1m` */
  readonly size: string;
  readonly lateness: string;
  readonly minRows: number;
}

/**
 * The window that rows at such a pace ask for: of the given size, or the shortest of a few that holds about 100 rows. A
 * metric (`sampled`: few numbers at regular times, slower than that) gets one window a sample. `minRows` is 50, or half of
 * what a window usually holds when that is less than 100. Lateness: the shortest that leaves at most one row in 1,000 late.
 */
export function inferWindow(pace: Pace, sampled: boolean, size: string | undefined): InferredWindow {
  const perMs = pace.rows < 2 || pace.last <= pace.first ? 0 : (pace.rows - 1) / (pace.last - pace.first);
  const step = sampled && perMs * windowsMs[0] < windowRows ? stepOf(pace.gaps) : undefined;
  const chosen = size ?? formatDuration(step ?? windowOf(perMs));
  return { size: chosen, lateness: formatDuration(latenessOf(pace)), minRows: minRowsOf(perMs, chosen) };
}

function minRowsOf(perMs: number, size: string): number {
  const usual = perMs * (parseDuration(size) ?? 0);
  if (usual === 0 || usual >= windowRows) return minRowsDefault;
  return Math.max(1, Math.round(usual / 2));
}

function windowOf(perMs: number): number {
  return (
    windowsMs.find((ms) => perMs * ms >= windowRows) ??
    (perMs === 0 ? windowsMs[0] : (windowsMs.at(-1) ?? windowsMs[0]))
  );
}

/** The usual gap when gaps are regular (nine in ten at least half of it), in whole seconds, else in whole milliseconds. */
function stepOf(gaps: readonly number[]): number | undefined {
  const sorted = Float64Array.from(gaps).sort();
  const usual = sorted[sorted.length >> 1];
  const short = sorted[Math.floor(sorted.length / 10)];
  if (usual === undefined || short === undefined || usual < 1_000 || short < usual / 2) return undefined;
  return Math.round(usual / 1_000) * 1_000;
}

function latenessOf({ behind, rows }: Pace): number {
  const [shortest] = latenessesMs;
  if ((behind[latenessesMs.length] as number) > unsortedShare * rows) return shortest;
  let late = behind.reduce((sum, count) => sum + count, 0);
  for (const [slot, lateness] of latenessesMs.entries()) {
    late -= behind[slot] as number;
    if (late <= lateShareMax * rows) return lateness;
  }
  return latenessesMs.at(-1) ?? shortest;
}
