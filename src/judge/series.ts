import type { Observation } from "./track.ts";

/** Numbers that all series of one baseline may hold together: 128 MiB. */
const numbersMax = 1 << 24;

/** Four weeks of minutes: no series needs more. */
const windowsMax = 40_320;

/** A signal, window by window, oldest first. Bounded: when it is full, the older half is forgotten. */
export interface Series {
  readonly windows: number[];
  readonly values: number[];
  readonly errors: number[];
  /** Of all windows, forgotten ones too: rows, and of counts the hits. */
  rows: number;
  hits: number;
}

export const createSeries = (): Series => ({ windows: [], values: [], errors: [], rows: 0, hits: 0 });

/** @param signals  how many series there are: they share the memory */
export function addToSeries(
  into: Series,
  window: number,
  { value, error, rows }: Observation,
  signals: number,
): void {
  into.windows.push(window);
  into.values.push(value);
  into.errors.push(error);
  into.rows += rows;
  into.hits += Math.round(value * rows);
  const most = Math.max(64, Math.min(windowsMax, Math.floor(numbersMax / (3 * Math.max(1, signals)))));
  if (into.windows.length <= most) return;
  for (const numbers of [into.windows, into.values, into.errors]) numbers.splice(0, numbers.length >> 1);
}
