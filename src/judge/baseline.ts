import type { EventTime } from "../model/time.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";

/** How one statistic varies from window to window while nothing is wrong. */
export interface StatisticHistory {
  readonly mean: number;
  /** Sample SD over windows; 0 with fewer than 2 windows. */
  readonly sd: number;
  readonly windows: number;
}

/** A field's reference: its merged profile over the whole baseline, and its statistics' history. */
export interface FieldBaseline {
  readonly profile: FieldProfile;
  readonly statistics: ReadonlyMap<StatisticName, StatisticHistory>;
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
  readonly fields: ReadonlyMap<string, FieldBaseline>;
}
