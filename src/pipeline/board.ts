import type { Batch } from "../model/batch.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Counts } from "../model/record.ts";
import type { Elapsed, EventTime } from "../model/time.ts";
import type { Alert, Breaker, BreakerOrder, Example, JudgedWindow, VerdictStatus } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import type { Outcome, PartitionStatus } from "./ports.ts";

/** What the loop knows at this moment, for faces that only look: gate, API, dashboard, metrics, health. Nothing here changes it. */
export interface Board {
  views(): readonly ViewStatus[];
  view(name: string): ViewStatus | undefined;
  /** Alerts that fire now. */
  activeAlerts(): readonly Alert[];
  partitions(): readonly PartitionStatus[];
  /** Called after every step with what happened in it; returns the call that ends it. */
  subscribe(listener: (outcomes: readonly Outcome[]) => void): () => void;
  /** Durations from a record's own timestamp to its being profiled, in seconds, newest last, at most 4,096. */
  eventToProfileSeconds(): Readonly<Float64Array>;
  /** Calls with each such duration as it is measured, for a histogram that counts every message; returns the call that ends it. */
  onProfiled(listener: (seconds: number) => void): () => void;
  /** When the source last handed over records, by the clock that only goes forward; `undefined` before the first time. */
  lastPollAt(): Elapsed | undefined;
  /** When the first record came that no checkpoint holds; `undefined` when there is none. */
  unsavedSince(): Elapsed | undefined;
  /** Whether the source has been assigned its partitions and the state has been restored. */
  ready(): boolean;
  /** Reasons why the process itself is not well (a sink that fails, memory), by a stable word. Empty when fine. */
  troubles(): ReadonlyMap<string, string>;
  /** Bytes of outcomes that wait for sinks, about. */
  queuedBytes(): number;
}

export interface ViewStatus {
  readonly view: FeatureView;
  /** Baseline's own words for people, or `undefined` without a baseline. */
  readonly baseline: { readonly rows: number; readonly from: EventTime; readonly to: EventTime } | undefined;
  /** Whether its rows have stayed away for longer than chance explains or, where nobody knows how they come, for three windows. */
  readonly silent: boolean;
  /** Alerts that began to fire while muted, since the start. */
  readonly silenced: number;
  /** Of the whole view. */
  readonly breaker: Breaker;
  /** Of segments that have one, by `segmentKey`. */
  readonly segments: ReadonlyMap<string, Breaker>;
  readonly counts: Readonly<Counts>;
  /** The same apart: what streams and files brought, and what was posted to the gate, refused rows included. */
  readonly sources: Readonly<Record<"stream" | "gate", Readonly<Counts>>>;
  /** Largest event time seen. */
  readonly lastEvent: EventTime | undefined;
  /** The newest judgement of the whole view, early or final. */
  readonly latest: JudgedWindow | undefined;
  /** Final judgements of the whole view, oldest first, at most 1,440. */
  readonly recent: readonly JudgedWindow[];
  /** Closed windows of the whole view, oldest first, at most 1,440; they survive a restart. */
  readonly windows: readonly WindowStatus[];
  /** The fields of the newest closed window's profile of the whole view. */
  readonly fields: ReadonlyMap<string, FieldProfile>;
  /** Field profiles of the baseline, for pictures. */
  readonly baselineFields: ReadonlyMap<string, FieldProfile>;
  /** NaN, +Inf and −Inf seen since the start, by field. */
  readonly nonFinite: ReadonlyMap<
    string,
    { nan: number; positiveInfinity: number; negativeInfinity: number }
  >;
  /** Dead letters by reason since the start. */
  readonly deadLetters: ReadonlyMap<string, number>;
  /** A row that was rejected since the start, and why. */
  readonly rejectedExample?: Example | undefined;
  /** Records that were gone from the log before they were read. */
  readonly lost: number;
}

export interface WindowStatus {
  readonly start: EventTime;
  readonly end: EventTime;
  readonly rows: number;
  readonly late: number;
  readonly partial: boolean;
  readonly status: VerdictStatus;
}

/** The admin verbs' door into the loop. */
export interface Orders {
  order(order: BreakerOrder): Promise<void>;
}

/** The HTTP gate's door into the loop: rows that were validated are profiled like any others (`source: gate`). */
export interface Intake {
  offer(view: string, batch: Batch): Promise<void>;
  /** Rows that the gate refused: read and rejected, so that each row that came is counted once. Nothing of them is profiled. */
  refuse(view: string, rows: number): Promise<void>;
}
