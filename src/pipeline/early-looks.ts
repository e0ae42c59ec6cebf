import type { EventTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { countHardHits } from "./judged-windows.ts";

/** An open window's counts are judged again when it has grown by this share, its sketches by that: bounds the work and the looks. */
const growth = { counts: 1.01, sketches: 1.5 };

/** What survives a restart, so that whoever goes on looks when the one before would have. */
export interface EarlyState {
  /** Of the data's clock; null before the first look. */
  readonly second: number | null;
  /** By window start and segment. */
  readonly rows: readonly (readonly [key: string, counts: number, sketches: number])[];
  /** By window start. */
  readonly hits: readonly (readonly [start: EventTime, hits: number])[];
}

/** Remembers the looks that were taken at windows which are still open. */
export interface EarlyLooks {
  /** Whether to look now: the data's clock has moved on by a second, or a hard rule broke for the first time. */
  due(own: readonly WindowProfile[], lastEvent: EventTime): boolean;
  /**
   * What of a window has grown enough to be judged now: its counts, or all of it.
   * @param sketched  rows whose sketches are known
   */
  at(counts: WindowProfile, sketched: number): "counts" | "whole" | undefined;
  /** The window is closed, with these segments. */
  close(start: EventTime, segments: Iterable<string>): void;
  encode(): EarlyState;
  restore(state: EarlyState): void;
}

export function createEarlyLooks(minRows: number): EarlyLooks {
  const seenRows = new Map<string, { readonly counts: number; readonly sketches: number }>();
  const seenHits = new Map<EventTime, number>();
  let lastSecond = Number.NEGATIVE_INFINITY;
  const hasNewHits = (profile: WindowProfile): boolean =>
    profile.segment === null && countHardHits(profile) > (seenHits.get(profile.window.start) ?? 0);
  return {
    due(own, lastEvent) {
      const second = Math.floor(lastEvent / 1_000);
      if (second <= lastSecond && !own.some(hasNewHits)) return false;
      lastSecond = Math.max(lastSecond, second);
      return true;
    },
    at(counts, sketched) {
      const { window, segment, rows } = counts;
      const key = `${window.start}|${segmentKey(segment)}`;
      const seen = seenRows.get(key) ?? { counts: 0, sketches: 0 };
      const newHits = hasNewHits(counts);
      // sketches are told after the counts of the same rows, and the last of a burst when no more rows come
      const enough = sketched > 0 && sketched >= minRows && sketched >= seen.sketches * growth.sketches;
      if (rows < seen.counts * growth.counts && !newHits && !enough) return undefined;
      if (newHits) seenHits.set(window.start, countHardHits(counts));
      // what was hit after the sketches were told is in the counts alone
      const whole = enough && (sketched === rows || !newHits);
      seenRows.set(key, { counts: rows, sketches: whole ? sketched : seen.sketches });
      return whole ? "whole" : "counts";
    },
    close(start, segments) {
      for (const key of segments) seenRows.delete(`${start}|${key}`);
      seenHits.delete(start);
    },
    encode: () => ({
      second: Number.isFinite(lastSecond) ? lastSecond : null,
      rows: [...seenRows].map(([key, { counts, sketches }]) => [key, counts, sketches]),
      hits: [...seenHits],
    }),
    restore({ second, rows, hits }) {
      lastSecond = second ?? Number.NEGATIVE_INFINITY;
      for (const [key, counts, sketches] of rows) seenRows.set(key, { counts, sketches });
      for (const [start, count] of hits) seenHits.set(start, count);
    },
  };
}
