import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import type { EventTime } from "../model/time.ts";
import type { Baseline } from "./baseline.ts";

export interface BuildOptions {
  readonly limits: Limits;
  readonly toolVersion: string;
  /** Rows outside `[from, to)` are skipped. */
  readonly from?: EventTime;
  readonly to?: EventTime;
  readonly onProgress?: (progress: BuildProgress) => void;
}

export interface BuildProgress {
  /** 1 frames, 2 reference profile, 3 history. */
  readonly pass: 1 | 2 | 3;
  /** Rows read in this pass. */
  readonly rows: number;
}

/**
 * Three passes over the data, memory bounded by `limits`: every numeric field's median and IQR from a deterministic
 * sample, the merged reference profile, then every statistic's history from window to window.
 * @param open  opens the data anew; rows in event-time order, as far apart as `lateness` allows
 * @throws Fault `input.empty` without a row in range, `input.format` when most rows are late: the data want sorting
 */
export async function buildBaseline(
  _view: FeatureView,
  _open: () => AsyncIterable<Batch>,
  _options: BuildOptions,
): Promise<Baseline> {
  throw new Fault("input.empty", "not written yet");
}
