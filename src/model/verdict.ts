import type { EventTime, WallTime, Window } from "./time.ts";

export type VerdictStatus = "ok" | "insufficient" | "warning" | "critical";

/** One value of one segment field: `{ field: "node", value: "a7" }`. `null` stands for the whole view. */
export interface Segment {
  readonly field: string;
  readonly value: string;
}

/** `"node:a7"`, or `""` for the whole view: the form of `?segment=` and of map keys. */
export function segmentKey(segment: Segment | null): string {
  return segment === null ? "" : `${segment.field}:${segment.value}`;
}

export function parseSegment(key: string): Segment | null {
  const colon = key.indexOf(":");
  return colon < 1 ? null : { field: key.slice(0, colon), value: key.slice(colon + 1) };
}

/** Two-sample statistics as textbooks name them: those of `tidemark stat`, of the report, and a field's own `drift.statistic`. */
export type ClassicalName =
  | "psi"
  | "kl"
  | "js"
  | "hellinger"
  | "tv"
  | "ks"
  | "wasserstein"
  | "wassersteinNormed"
  | "meanShift"
  | "sdShift"
  | "energy"
  | "cramerVonMises"
  | "welchT"
  | "mannWhitneyU"
  | "chiSquare"
  | "chiSquareFit"
  | "gTest"
  | "twoProportionZ"
  | "nullShift"
  | "distinctShift"
  | "defaultShift";

/** The names of statistics that verdicts carry. Stable: they are alert and metric labels. */
export type StatisticName =
  | "location"
  | "spread"
  | "frozen"
  | "categories"
  | "default_rate"
  | "null_rate"
  | "empty_rate"
  | "range_rate"
  | "pattern_rate"
  | "max_rate"
  | "dimension_rate"
  | "true_rate"
  | "nonfinite"
  | "limit"
  | "missing"
  | "type"
  | "centroid"
  | "fingerprint"
  | "trend"
  | "volume"
  | "duplicates"
  | "late_rate"
  | "silence"
  | "shape"
  | "tails"
  | "distinct"
  | "new_values"
  | "norm"
  | "correlation"
  | "manual"
  | ClassicalName;

/** What a judge says of one statistic of one field in one window. */
export interface Verdict {
  readonly field: string | null;
  readonly statistic: StatisticName;
  readonly status: VerdictStatus;
  /** A broken hard rule: no distribution is compared, the deciding event has a time of its own. */
  readonly hard: boolean;
  /** Rows that the statistic was computed over. */
  readonly rows: number;
  /** In the statistic's own unit: a share, a mean normal score, a log SD ratio. */
  readonly observed: number;
  readonly expected: number;
  /** What one "standard deviation" of this statistic is. */
  readonly unit: number;
  /** |observed − expected| / unit. */
  readonly shift: number;
  /** Natural logarithm of an e-value against "nothing changed"; 0 is no evidence. */
  readonly evidence: number;
  /** Not past the line, yet not surely on the near side of it: what opened there stays open. */
  readonly nearLine?: true;
  /** Event time of the deciding event of a hard rule; absent otherwise. */
  readonly decidedAt?: EventTime;
  /** Of a warning: start of the window with which the drift probably began. */
  readonly since?: EventTime;
  /** One sentence for people, with numbers: `99.1% of user_location are outside the mapping (expected 0.2%)`. */
  readonly summary: string;
  /** An offending value and where it was seen, when one is known. */
  readonly example?: Example;
}

export interface Example {
  /** At most 80 characters. */
  readonly value: string;
  readonly requestId?: string;
  readonly position?: string;
  readonly eventTime?: EventTime;
}

/** All verdicts of one window of one segment, judged together. */
export interface JudgedWindow {
  readonly featureView: string;
  /** Fingerprint of the spec. */
  readonly spec: string;
  readonly segment: Segment | null;
  readonly window: Window;
  /** False while the window is open: an early verdict may open the breaker, only a final one is kept and can close it. */
  readonly final: boolean;
  readonly rows: number;
  readonly late: number;
  /** Event time up to which the window has been seen: its end when final. */
  readonly asOf: EventTime;
  /** How often the closed window had been judged before, when it is judged again because a part of it, or rows, came late. */
  readonly revision?: number;
  /** Records of it may be missing: retention passed them, or the spec changed while it was open. */
  readonly partial?: boolean;
  readonly verdicts: readonly Verdict[];
}

export type AlertName =
  | "TidemarkDefaultCase"
  | "TidemarkDrift"
  | "TidemarkNonFinite"
  | "TidemarkSchema"
  | "TidemarkTainted"
  | "TidemarkStale"
  | "TidemarkVersionMismatch"
  | "TidemarkMemoryTrend"
  | "TidemarkBreakerOpen";

/** One line of `alerts.jsonl` (contract), times as epoch ms until it is written. */
export interface Alert {
  readonly time: EventTime;
  readonly status: "firing" | "resolved";
  readonly severity: "warning" | "critical";
  readonly alertname: AlertName;
  readonly featureView: string;
  readonly field: string | null;
  readonly statistic: StatisticName | "breaker";
  readonly segment: Segment | null;
  readonly window: Window;
  readonly rows: number;
  readonly observed: number;
  readonly expected: number;
  readonly unit: number;
  readonly shift: number;
  readonly evidence: number;
  readonly summary: string;
  /** Hash of the alert's labels: the same place, the same id. */
  readonly fingerprint: string;
  /** Of a warning: when the drift that it tells of probably began. */
  readonly since?: EventTime;
  /** Event time at which this alert began to fire. */
  readonly startsAt: EventTime;
  readonly example?: Example;
}

export type BreakerStateName = "closed" | "half-open" | "open";

export interface BreakerReason {
  readonly field: string | null;
  readonly statistic: StatisticName;
  readonly summary: string;
}

export interface BreakerTransition {
  readonly time: EventTime;
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  readonly reasons: readonly BreakerReason[];
  /** Rows of the deciding window when it was decided. */
  readonly rows: number;
}

/** The breaker of one view, or of one segment of it. */
export interface Breaker {
  readonly featureView: string;
  readonly segment: Segment | null;
  readonly state: BreakerStateName;
  /** Event time of the last transition; the start of the first window before any. */
  readonly since: EventTime;
  readonly openedAt: EventTime | null;
  /** Why it is open; empty when closed. At most 20. */
  readonly reasons: readonly BreakerReason[];
  /** Breaching windows in a row (counted once a window) and clean closed windows in a row. */
  readonly breaches: number;
  readonly cleans: number;
  /** Start of the last window that counted as a breach, so that it counts once. */
  readonly lastBreach: EventTime | null;
  /** Start of the last window that counted as clean, so that a revised one counts once. */
  readonly lastClean?: EventTime;
  /** Rows of clean windows below `minRows` since the last breach. */
  readonly quietRows?: number;
  /** The latest transitions, oldest first, at most 50. */
  readonly history: readonly BreakerTransition[];
  /** Set by hand: as long as it lasts, no verdict moves the breaker. */
  readonly hold?: BreakerHold;
}

/** What a person has said about a breaker, and for how long. Wall-clock times: people mean those. */
export interface BreakerHold {
  readonly since: WallTime;
  /** null: until a person says otherwise. */
  readonly until: WallTime | null;
  readonly reason: string;
  /** Whether its alerts are kept from beginning to sound. */
  readonly muted: boolean;
  /** Alerts that began to fire, unheard. */
  readonly silenced: number;
}

/** What a person wants of a breaker. */
export interface BreakerOrder {
  readonly featureView: string;
  readonly segment: Segment | null;
  readonly action: "open" | "close";
  readonly at: WallTime;
  /** Mutes alerts and holds the breaker until then; null: `open` holds until `close`, `close` holds nothing. */
  readonly muteUntil: WallTime | null;
  readonly reason: string;
}
