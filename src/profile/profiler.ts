import type { Batch } from "../model/batch.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { type Counts, emptyCounts } from "../model/record.ts";
import type { EventTime } from "../model/time.ts";
import type { Example } from "../model/verdict.ts";
import type { Frame } from "../sketch/histogram.ts";
import type { WindowProfile } from "./profile.ts";

/** Where a batch was read: the record's own timestamp and its place, for example `features.reco_user-3@1204`. */
export interface Origin {
  readonly timestamp: EventTime | undefined;
  readonly position: string;
}

/** What one partition of one view has seen and not yet closed. Changed by `fold` and `flush` only. */
export interface PartitionState {
  /** Largest event time seen minus the lateness; −Infinity before the first. Windows that end at or before it are closed. */
  readonly watermark: EventTime;
  readonly lastEvent: EventTime | undefined;
  readonly counts: Readonly<Counts>;
}

export interface Folded {
  /** In order of time; of one window the whole view first, then its segments. */
  readonly closed: readonly WindowProfile[];
  /** What this batch added; nothing is ever dead-lettered here. */
  readonly counts: Counts;
  /** The first row of this batch that was rejected, and why. */
  readonly rejectedExample?: Example;
}

export interface Profiler {
  start(): PartitionState;
  fold(state: PartitionState, batch: Batch, origin: Origin): Folded;
  /** The live open windows: of the whole view in order of time, then of segments. Not copies. */
  open(state: PartitionState): readonly WindowProfile[];
  /** Closes every window. */
  flush(state: PartitionState): readonly WindowProfile[];
  encodeState(state: PartitionState): Uint8Array;
  /** @throws Fault `sketch.corrupt` */
  decodeState(bytes: Uint8Array): PartitionState;
}

export function createProfiler(_options: {
  readonly view: FeatureView;
  readonly frames: ReadonlyMap<string, Frame>;
  readonly limits: Limits;
}): Profiler {
  const start = (): PartitionState => ({
    watermark: Number.NEGATIVE_INFINITY,
    lastEvent: undefined,
    counts: emptyCounts(),
  });
  return {
    start,
    fold: () => ({ closed: [], counts: emptyCounts() }),
    open: () => [],
    flush: () => [],
    encodeState: () => new Uint8Array(),
    decodeState: start,
  };
}
