import type { WindowProfile } from "../profile/profile.ts";
import type { Signal } from "./signal.ts";
import { percent, short } from "./statistic.ts";
import type { Observation, Track } from "./track.ts";

/** What is followed of the stream itself, not of one of its fields. */
export interface ViewSignal extends Omit<Signal, "read" | "hits"> {
  read(profile: WindowProfile): Observation | undefined;
  /** Whether a baseline that goes like this can be followed. */
  serves(track: Track): boolean;
}

/** Windows that a baseline needs before its stream is followed. */
const windowsMin = 20;

/** Fewer rows a window than this are nothing like normal on a scale of logarithms. */
const rowsMin = 20;

/** A stream as regular as a clock is not held to more than this: 2% of its rows. */
const volumeErrorMin = 0.02;

/** The stream of a view: how many rows its windows have, and how many come too late to be counted. */
export const viewSignals: readonly ViewSignal[] = [
  {
    name: "volume",
    statistic: "volume",
    weight: 2,
    kind: "number",
    sides: "both",
    unit: Math.LN2 / 2,
    wanders: true,
    serves: ({ windows, mean }) => windows >= windowsMin && mean >= Math.log(rowsMin),
    read: ({ rows }) => ({
      value: Math.log(rows + 0.5),
      error: Math.max(volumeErrorMin, 1 / Math.max(1, rows)),
      rows,
    }),
    say: (observed, expected) => `${rowsOf(observed)} rows in the window, ${rowsOf(expected)} are usual`,
  },
  {
    name: "late_rate",
    statistic: "late_rate",
    weight: 1,
    kind: "count",
    sides: "up",
    unit: 0.05,
    least: 0.01,
    serves: ({ windows }) => windows >= windowsMin,
    read({ rows, late }) {
      const all = rows + late;
      return all === 0 ? undefined : { value: late / all, error: 0, rows: all };
    },
    say: (observed, expected) =>
      `${percent(observed)} of the rows come too late for their window, ${percent(expected)} are usual`,
  },
];

/** ln(rows + ½) → rows. */
function rowsOf(log: number): string {
  const rows = Math.max(0, Math.exp(log) - 0.5);
  return rows >= 10 ? String(Math.round(rows)) : short(rows);
}
