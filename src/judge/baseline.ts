import type { EventTime } from "../model/time.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import type { BaselineDrift } from "./baseline-drift.ts";
import type { PairBaseline } from "./pairs.ts";
import type { Track } from "./track.ts";
import type { Traffic } from "./traffic.ts";

/** How one statistic varies from window to window while nothing is wrong. Windows below `minRows` are left out. */
export interface StatisticHistory {
  readonly mean: number;
  /** Sample SD over windows; 0 with fewer than 2 windows. */
  readonly sd: number;
  readonly windows: number;
  /**
   * How low and how high windows have certainly been: the extremes of observed ± 3 standard errors, so that luck of
   * small windows doesn't widen them. `low ≤ mean ≤ high`. A breaker never opens on what clean windows did before.
   */
  readonly low: number;
  readonly high: number;
  /** Mean and SD of each window's own z; 0 and 1 if the sampling model were the whole truth. */
  readonly zMean: number;
  readonly zSd: number;
}

/** A field's reference: its merged profile over the whole baseline, and its statistics' history. */
export interface FieldBaseline {
  readonly profile: FieldProfile;
  readonly statistics: ReadonlyMap<StatisticName, StatisticHistory>;
  /** How the warning layer's signals go from window to window, by name; what is not there is learnt from live windows. */
  readonly tracks?: ReadonlyMap<string, Track>;
  /**
   * Histories of segments, by `segmentKey`, that are not like the whole view's. A segment without one, such as a model
   * version that the baseline has not seen, is held to the whole view's.
   */
  readonly segments?: ReadonlyMap<string, ReadonlyMap<StatisticName, StatisticHistory>>;
}

export interface Baseline {
  readonly featureView: string;
  /** Fingerprint of the spec it was built with. */
  readonly spec: string;
  readonly toolVersion: string;
  readonly windowMs: number;
  /** Event times of the data, half-open. */
  readonly from: EventTime;
  readonly to: EventTime;
  readonly rows: number;
  readonly windows: number;
  /** How many rows windows have; undefined in a baseline of an older version, or without a whole window. */
  readonly traffic: Traffic | undefined;
  readonly fields: ReadonlyMap<string, FieldBaseline>;
  /** How the stream itself goes from window to window, by signal; absent in a baseline of an older version. */
  readonly tracks?: ReadonlyMap<string, Track>;
  /** Pairs of numeric fields whose correlation is watched, strongest first. */
  readonly pairs?: readonly PairBaseline[];
  /** What changed within the data themselves, the farthest first; absent when nothing did. */
  readonly drifts?: readonly BaselineDrift[];
  /** Of a baseline that was merged of several: the stretches of time it holds, ascending. */
  readonly periods?: readonly Period[];
}

/** Event times, half-open. */
export interface Period {
  readonly from: EventTime;
  readonly to: EventTime;
  readonly rows: number;
  readonly windows: number;
}
