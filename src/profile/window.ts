import type { EventTime } from "../model/time.ts";

/** How event times become windows. */
export interface WindowPolicy {
  readonly sizeMs: number;
  readonly latenessMs: number;
  /** How long after its end the watermark may be for a late row to be taken into its window all the same. */
  readonly reviseMs: number;
  /** Windows that may be open at once. */
  readonly openMax: number;
}

/** Event times further than this after their record's own timestamp are rejected: one bad clock must not close every window. */
export const futureToleranceMs = 5 * 60_000;

/** Longest instant that ISO 8601 can print. */
const instantMax = 8.64e15;

/**
 * Where a row goes. `late`: its window ended at or before the watermark (largest event time seen before this row, minus the
 * lateness). `unusable`: no event time. `future`: too far after the record's timestamp. `crowded`: it would open one window more
 * than `openMax`; unlike the other two it still moves the watermark, or else a crowd of open windows would never close.
 */
export type Placement = "profiled" | "late" | "unusable" | "future" | "crowded";

/** The clock of one partition. */
export interface Tide {
  /** Largest event time of a row that was neither unusable nor future; −Infinity before the first. */
  lastEvent: EventTime;
}

export const watermarkOf = (tide: Tide, { latenessMs }: WindowPolicy): EventTime =>
  tide.lastEvent - latenessMs;

/** Whether the watermark has passed the window's end. */
export const isClosed = (start: EventTime, watermark: EventTime, { sizeMs }: WindowPolicy): boolean =>
  start + sizeMs <= watermark;

/** Whether it is closed, and late rows can still be taken into it. */
export const isRevisable = (start: EventTime, watermark: EventTime, policy: WindowPolicy): boolean =>
  isClosed(start, watermark, policy) && !isClosed(start, watermark - policy.reviseMs, policy);

/** Start of the window that holds `time`; windows are aligned to the epoch. */
export const startOf = (time: EventTime, sizeMs: number): EventTime => Math.floor(time / sizeMs) * sizeMs;

/**
 * Places one row and moves the clock: a pure fold, so that where the rows are cut into batches makes no difference.
 * @param time     epoch ms, NaN when the row has none
 * @param latest   the largest event time that is not in the future
 * @param open     starts of windows with rows; those that the watermark has passed do not count as open
 */
export function placeRow(
  tide: Tide,
  time: EventTime,
  latest: EventTime,
  open: ReadonlyMap<EventTime, unknown>,
  policy: WindowPolicy,
): Placement {
  if (!(Math.abs(time) <= instantMax)) return "unusable";
  if (time > latest) return "future";
  const watermark = watermarkOf(tide, policy);
  const start = startOf(time, policy.sizeMs);
  if (start + policy.sizeMs <= watermark) return "late";
  if (time > tide.lastEvent) tide.lastEvent = time;
  if (open.has(start) || open.size < policy.openMax) return "profiled";
  let count = 0;
  for (const other of open.keys()) if (other + policy.sizeMs > watermark) count++;
  return count < policy.openMax ? "profiled" : "crowded";
}
