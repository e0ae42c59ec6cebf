/** Milliseconds since 1970-01-01T00:00Z, read from the data. Never mixed with `WallTime`. */
export type EventTime = number & { readonly __time?: "event" };

/** Milliseconds since 1970-01-01T00:00Z, read from a `Clock`. */
export type WallTime = number & { readonly __clock?: "wall" };

/** Milliseconds since some moment of the past, read from a `Clock` that only goes forward. */
export type Elapsed = number & { readonly __clock?: "elapsed" };

/** Half-open interval `[start, end)` of event time. */
export interface Window {
  readonly start: EventTime;
  readonly end: EventTime;
}

/** Handed to whoever needs the time; pure rooms are handed the time itself. */
export interface Clock {
  now(): WallTime;
  /** Milliseconds since some moment of the past: never goes back or jumps, whatever is done to the wall clock. For lengths of time. */
  elapsed(): Elapsed;
}

/** Longest instant that ISO 8601 as printed by `Date` can hold (±8.64e15 ms). */
const instantMsMax = 8.64e15;

/** `2026-03-03T04:14:00.000Z`; an instant outside ±8.64e15 ms is printed as its number of milliseconds. */
export function isoTime(time: EventTime | WallTime): string {
  return Math.abs(time) <= instantMsMax ? new Date(time).toISOString() : `${time}ms`;
}

/** The tumbling window of `sizeMs` that holds `time`; windows are aligned to the epoch. */
export function windowOf(time: EventTime, sizeMs: number): Window {
  const start = Math.floor(time / sizeMs) * sizeMs;
  return { start, end: start + sizeMs };
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `"90s"`, `"1m"`, `"1.5h"`, `"250ms"` → milliseconds; `undefined` when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text.trim());
  const unit = match?.[2] === undefined ? undefined : unitMs[match[2]];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** 60000 → `"1m"`, 90000 → `"90s"`: the largest unit that divides it. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const size = unitMs[unit] as number;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/** ISO 8601 (UTC when it names no zone) or epoch milliseconds; `undefined` when it is neither. */
export function parseInstant(text: string): EventTime | undefined {
  const trimmed = text.trim();
  if (/^-?\d{1,16}$/.test(trimmed)) return Number(trimmed);
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
      trimmed,
    );
  if (match === null) return undefined;
  const [, date, minutes = "00:00", seconds = "00", fraction = "0", zone = "Z"] = match;
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const ms = fraction.slice(0, 3).padEnd(3, "0");
  const time = Date.parse(`${date}T${minutes}:${seconds}.${ms}${offset}`);
  return Number.isNaN(time) ? undefined : time;
}
