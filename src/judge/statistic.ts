import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import type { EventTime } from "../model/time.ts";
import type { Example, Segment, StatisticName } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { buckets } from "../sketch/histogram.ts";
import type { StatisticHistory } from "./baseline.ts";

/** One kind of question about a field. A new one is one file and one line in `table.ts`. */
export interface Statistic {
  readonly name: StatisticName;
  /**
   * What of a profile it looks at. Open windows are judged on their counts every second of event time, and on their sketches,
   * which cost more to merge, when they have grown by a good part.
   */
  readonly reads: "counts" | "sketches";
  /**
   * Does once what can be done before any window is seen.
   * @param reference  the baseline's merged profile of the field
   * @returns undefined when the question makes no sense for this field, or needs the reference that is not there
   */
  prepare(field: FieldSpec, reference: FieldProfile | undefined, view: FeatureView): Gauge | undefined;
}

export interface Gauge {
  /** Whether windows differ while nothing is wrong, so that a history is worth keeping. */
  readonly varies: boolean;
  /**
   * @param history  how the statistic varied in the baseline; undefined while that is being found out
   * @returns undefined when this window has nothing to measure
   */
  read(seen: Seen, history: StatisticHistory | undefined): Reading | undefined;
}

/** What a gauge reads off one window. Every number is finite. */
export interface Reading {
  /** Rows that it was computed over. */
  readonly rows: number;
  readonly observed: number;
  readonly expected: number;
  /** > 0 */
  readonly unit: number;
  /** Standard error of `observed` by sampling alone. */
  readonly error: number;
  /** (observed − expected)/error, signed: what a sequential detector follows from window to window. */
  readonly z: number;
  /** Of the mean or of a share, in the data's own unit; absent where there is no such thing. */
  readonly change?: number;
  /** ln of the probability to see this or more while windows are like the baseline's; ≤ 0. */
  readonly logTail: number;
  /** The standard error where it differs with what is observed, as a share's does; `error` is that of what is usual. */
  readonly ownError?: number;
  /** Above a limit of its own, maybe by chance. */
  readonly overLimit?: boolean;
  /** Lines of its own, in place of the field's sigma and the breaker's probability. */
  readonly line?: { readonly sigma: number; readonly logTail: number };
  /**
   * A hard rule is broken: `first` by its first event, whatever the number of rows; `rate` by a share, known when the
   * last event so far was seen, and only with enough rows.
   */
  readonly broken?: "first" | "rate";
  readonly example?: Example | undefined;
  /** One sentence for people, with numbers. Asked for only when somebody will read it. */
  say(): string;
}

/** One field of one window, as gauges see it. What several of them need is computed once. */
export interface Seen {
  readonly profile: FieldProfile;
  readonly segment: Segment | null;
  /** Event time of the last row so far. */
  readonly lastEvent: EventTime;
  /** Of the field's histogram. */
  buckets(): Buckets;
}

export interface Buckets {
  /** Ascending by value. */
  readonly index: Int32Array;
  readonly count: Float64Array;
}

const noBuckets: Buckets = { index: new Int32Array(0), count: new Float64Array(0) };

export function createSeen(profile: FieldProfile, segment: Segment | null, lastEvent: EventTime): Seen {
  let known: Buckets | undefined;
  const read = (): Buckets => (profile.body.kind === "numeric" ? buckets(profile.body.histogram) : noBuckets);
  return {
    profile,
    segment,
    lastEvent,
    buckets() {
      known ??= read();
      return known;
    },
  };
}

const closed = new WeakMap<FieldProfile, Seen>();

/** The same for a window that has closed: whoever asks of it shares what was computed. */
export function seenOf(profile: FieldProfile, segment: Segment | null, lastEvent: EventTime): Seen {
  const known = closed.get(profile) ?? createSeen(profile, segment, lastEvent);
  closed.set(profile, known);
  return known;
}

/** Rows whose batch has the column. */
export function presentRows({ rows, rules }: FieldProfile): number {
  return rows - (rules.get("missing")?.count ?? 0);
}

/** Rows that hold a value: neither missing, nor of a wrong type, nor null. */
export function valueRows(profile: FieldProfile): number {
  return presentRows(profile) - (profile.rules.get("type")?.count ?? 0) - profile.nulls;
}

/** Non-finite cells of a numeric field or vectors' elements of an embedding. */
export function nonFiniteOf({ body }: FieldProfile): number {
  if (body.kind !== "numeric" && body.kind !== "embedding") return 0;
  return body.nan + body.positiveInfinity + body.negativeInfinity;
}

/** 0.9912 → `"99.1%"`, 0.0004 → `"0.04%"`. */
export function percent(share: number): string {
  const value = share * 100;
  return `${Number(value >= 99.95 || value < 10 ? value.toPrecision(2) : value.toFixed(1))}%`;
}

/** Three or so significant digits, no trailing zeros. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
