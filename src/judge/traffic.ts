import type { EventTime, Window } from "../model/time.ts";
import type { Verdict } from "../model/verdict.ts";
import type { FieldProfile, WindowProfile } from "../profile/profile.ts";
import { total } from "../sketch/categories.ts";
import { estimateDistinct } from "../sketch/distinct.ts";
import { logBinomialUpperTail, normalLogSf } from "../statistics/special.ts";
import { bothSides, evidenceOf, logTailMax } from "./evidence.ts";
import { rounded } from "./history.ts";
import { pooled } from "./history-join.ts";
import { percent, short } from "./statistic.ts";

/** How many rows a view's windows have while nothing is wrong, and how often a row comes twice. */
export interface Traffic {
  /** Whole windows that were counted. */
  readonly windows: number;
  /** Of ln(rows + ½) over windows. */
  readonly mean: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
  /** The most windows in a row without any row. */
  readonly longestGap: number;
  /** Share of rows whose every value was there before, at least; undefined where no field tells rows apart. */
  readonly repeats: { readonly mean: number; readonly sd: number } | undefined;
}

/** Fewer windows than this, and nobody knows what is usual. */
const windowsMin = 20;
/** Two units are never less than this factor in rows, up or down. */
const unitMin = Math.LN2 / 2;
/** Two of these, as shares of the rows, are the fewest repeated rows that are told of. */
const repeatsUnitMin = 0.05;
/** No baseline proves that rows never repeat. */
const repeatsLeast = 5e-4;
/** A field tells rows apart when no more of its values than this are repeated. */
const repeatsMax = 0.5;
/** Relative error of a distinct count. */
const distinctError = 0.02;
/** Four weeks of minutes. */
const windowsMax = 40_320;

/** Grows window by window, oldest first; bounded: when it is full, the older half is forgotten. */
export interface GrowingTraffic {
  readonly logs: number[];
  readonly repeats: number[];
  last: Window | undefined;
  /** The last window's; it counts when another comes after it, because the last one may be cut short. */
  pending: { readonly log: number; readonly repeats: number | undefined } | undefined;
  longestGap: number;
  begun: boolean;
}

export function createTraffic(): GrowingTraffic {
  return { logs: [], repeats: [], last: undefined, pending: undefined, longestGap: 0, begun: false };
}

/** @param profile  of the whole view; windows ascending. The first and the last one may be cut short and do not count. */
export function addTraffic(into: GrowingTraffic, profile: WindowProfile): void {
  const { window, rows } = profile;
  if (into.last !== undefined) {
    const size = window.end - window.start;
    into.longestGap = Math.max(into.longestGap, (window.start - into.last.end) / size);
  }
  if (into.begun && into.pending !== undefined) {
    into.logs.push(into.pending.log);
    if (into.pending.repeats !== undefined) into.repeats.push(into.pending.repeats);
  }
  for (const list of [into.logs, into.repeats])
    if (list.length > windowsMax) list.splice(0, list.length >> 1);
  into.begun = into.last !== undefined;
  into.last = window;
  into.pending = { log: logRows(rows), repeats: repeatsOf(profile) };
}

/** Undefined when there was no whole window. */
export function toTraffic({ logs, repeats, longestGap }: GrowingTraffic): Traffic | undefined {
  const [first] = logs;
  if (first === undefined) return undefined;
  const { mean, sd } = momentsOf(logs);
  const known = repeats.length === logs.length ? momentsOf(repeats) : undefined;
  return {
    windows: logs.length,
    mean: rounded(mean),
    sd: rounded(sd),
    low: rounded(logs.reduce((least, log) => Math.min(least, log), first)),
    high: rounded(logs.reduce((most, log) => Math.max(most, log), first)),
    longestGap,
    repeats:
      known === undefined || known.mean > repeatsMax
        ? undefined
        : { mean: rounded(known.mean), sd: rounded(known.sd) },
  };
}

/** Of several periods; what a part of them does not know, the whole does not. */
export function joinTraffic(parts: readonly (Traffic | undefined)[]): Traffic | undefined {
  const known = parts.filter((part) => part !== undefined);
  const [first] = known;
  if (first === undefined) return undefined;
  const repeats = known.map((part) => ({ ...part.repeats, windows: part.windows }));
  return {
    windows: known.reduce((sum, { windows }) => sum + windows, 0),
    ...pooled(known),
    low: Math.min(...known.map(({ low }) => low)),
    high: Math.max(...known.map(({ high }) => high)),
    longestGap: Math.max(...known.map(({ longestGap }) => longestGap)),
    repeats: known.every((part) => part.repeats !== undefined) ? pooled(repeats) : undefined,
  };
}

/**
 * What a whole, closed window says of the stream itself: warnings only, because rows that come are no worse for being few.
 * `volume`: ln of the rows, against the baseline's mean in its SDs. `duplicates`: the share of rows that repeat others, by the
 * exact binomial tail and by what windows and a distinct count are off, whichever is the weaker evidence.
 */
export function judgeTraffic(profile: WindowProfile, traffic: Traffic, sigma: number): readonly Verdict[] {
  if (traffic.windows < windowsMin) return [];
  const repeats = traffic.repeats === undefined ? undefined : repeatsOf(profile);
  return [
    judgeVolume(profile, traffic, sigma),
    ...(repeats === undefined || traffic.repeats === undefined
      ? []
      : [judgeRepeats(profile, repeats, traffic.repeats, sigma)]),
    silence(profile.rows, 0, traffic),
  ];
}

/**
 * Windows in a row without a row that are beyond luck: twice the longest gap of the baseline, and long enough for so many
 * rows to be missed that chance would bring none once in a billion times.
 */
export function silentWindowsMin({ mean, longestGap, windows }: Traffic): number {
  const rows = Math.exp(mean);
  const known = windows >= windowsMin ? 1 : 3;
  return Math.max(known, 2 * longestGap + (longestGap > 0 ? 1 : 0), Math.ceil(-logTailMax / rows));
}

/** The verdict on a window that ends a silence of so many windows. */
export function judgeSilence(traffic: Traffic, windows: number, since: EventTime): Verdict {
  return { ...silence(0, windows, traffic), status: "warning", decidedAt: since };
}

function judgeVolume(
  { rows }: WindowProfile,
  { mean, sd, low, high, windows }: Traffic,
  sigma: number,
): Verdict {
  const observed = logRows(rows);
  const unit = trafficUnit({ sd });
  const shift = Math.abs(observed - mean) / unit;
  const error = Math.hypot(sd * (1 + 2 / Math.sqrt(2 * windows)), Math.exp(-mean / 2));
  const nearest = Math.min(Math.max(observed, low), high);
  const logTail = bothSides(normalLogSf(Math.abs(observed - nearest) / error));
  return {
    field: null,
    statistic: "volume",
    status: shift >= sigma && logTail < logTailMax ? "warning" : "ok",
    hard: false,
    rows,
    observed,
    expected: mean,
    unit,
    shift,
    evidence: evidenceOf(logTail),
    summary: `${rows} ${rows === 1 ? "row" : "rows"} in the window, ${usualRows(mean)} are usual`,
  };
}

/** One standard deviation of ln(rows), as it is judged. */
export function trafficUnit({ sd }: Pick<Traffic, "sd">): number {
  return Math.max(sd, unitMin);
}

function judgeRepeats(
  { rows }: WindowProfile,
  observed: number,
  { mean, sd }: { mean: number; sd: number },
  sigma: number,
): Verdict {
  const unit = Math.max(sd, repeatsUnitMin);
  const shift = Math.max(0, observed - mean) / unit;
  const likely = Math.min(1, Math.max(0, mean) + sd + repeatsLeast);
  const logTail = Math.max(
    normalLogSf(Math.max(0, observed - mean) / Math.hypot(sd, distinctError)),
    logBinomialUpperTail(Math.round(observed * rows), rows, likely),
  );
  return {
    field: null,
    statistic: "duplicates",
    status: shift >= sigma && logTail < logTailMax ? "warning" : "ok",
    hard: false,
    rows,
    observed,
    expected: mean,
    unit,
    shift,
    evidence: evidenceOf(logTail),
    summary: `${percent(observed)} of the rows are there twice (${percent(Math.max(0, mean))} are usual)`,
  };
}

function silence(rows: number, windows: number, traffic: Traffic): Verdict {
  const logTail = -Math.exp(traffic.mean) * windows;
  return {
    field: null,
    statistic: "silence",
    status: "ok",
    hard: false,
    rows,
    observed: windows,
    expected: 0,
    unit: silentWindowsMin(traffic),
    shift: windows / silentWindowsMin(traffic),
    evidence: evidenceOf(logTail),
    summary:
      windows === 0
        ? "rows arrive"
        : `no row in ${windows} ${windows === 1 ? "window" : "windows"}; ${usualRows(traffic.mean)} in each are usual`,
  };
}

function usualRows(mean: number): string {
  const rows = Math.exp(mean);
  return rows >= 10 ? String(Math.round(rows)) : short(rows);
}

/** ½, so that a window without rows has a logarithm. */
function logRows(rows: number): number {
  return Math.log(rows + 0.5);
}

/** What the field that tells rows apart best says: 1 − distinct/values. Undefined without any value. */
function repeatsOf({ fields }: WindowProfile): number | undefined {
  let best: number | undefined;
  for (const field of fields.values()) {
    const share = distinctShare(field);
    if (share !== undefined) best = Math.max(best ?? 0, share);
  }
  return best === undefined ? undefined : 1 - Math.min(1, best);
}

function distinctShare({ body }: FieldProfile): number | undefined {
  if (body.kind !== "numeric" && body.kind !== "string") return undefined;
  const values = body.kind === "numeric" ? body.moments.count : total(body.categories);
  return values === 0 ? undefined : estimateDistinct(body.distinct) / values;
}

function momentsOf(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}
