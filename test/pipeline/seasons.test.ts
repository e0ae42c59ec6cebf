import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { rowsToBatch } from "../../src/decode/json.ts";
import type { Baseline } from "../../src/judge/baseline.ts";
import { buildBaseline } from "../../src/judge/baseline-build.ts";
import { formatBaseline, framesOf, parseBaseline } from "../../src/judge/baseline-file.ts";
import type { Batch } from "../../src/model/batch.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { createJudging } from "../../src/pipeline/judging.ts";
import { createProfiler } from "../../src/profile/profiler.ts";
import { createRandom } from "../judge/random.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

const hour = 60 * minute;
const day = 24 * hour;
const rowsAWindow = 100;

const view = featureView([fieldSpec("amount", "float64"), fieldSpec("score", "float64")], {
  window: { sizeMs: hour, latenessMs: 0, minRows: 50 },
});
const types = new Map<string, FieldType>([
  ["event_time", "timestamp"],
  ["amount", "float64"],
  ["score", "float64"],
]);

/** High at noon, low at midnight: ±1. */
const swing = (time: number): number => -Math.cos((2 * Math.PI * (time % day)) / day);

interface Fault {
  readonly amount?: number;
  /** Share of nulls. */
  readonly nulls?: number;
}

/**
 * Two weeks and more of hours: an amount that swings by 2 SD, a score of which a fifth is missing every night and nothing by day,
 * half of the rows by night.
 */
function batchOf(
  from: number,
  to: number,
  seed: number,
  faultOf: (time: number) => Fault = () => ({}),
): Batch {
  const { normal, uniform } = createRandom(seed);
  const rows: object[] = [];
  for (let window = from; window < to; window++) {
    const [time, busy] = [window * hour, 1 + 0.3 * swing((window + 0.5) * hour)];
    const count = Math.round(rowsAWindow * busy + normal(0, 5));
    const fault = faultOf(time);
    for (let row = 0; row < count; row++) {
      const at = time + Math.floor(((row + 0.5) * hour) / count);
      const missing = fault.nulls ?? Math.max(0, -0.2 * swing(at));
      const amount = 100 + 20 * swing(at) + normal(0, 10) + (fault.amount ?? 0);
      rows.push({ event_time: at, amount, score: uniform() < missing ? null : normal() });
    }
  }
  return rowsToBatch(rows as Record<string, unknown>[], types, defaultLimits);
}

describe("a stream with days", () => {
  const [learnt, end] = [15 * 24, 18 * 24];
  let baseline: Baseline;

  before(async () => {
    const batch = batchOf(0, learnt, 61);
    async function* open(): AsyncGenerator<Batch> {
      yield batch;
    }
    const built = await buildBaseline(view, open, { limits: defaultLimits, toolVersion: "0" });
    baseline = parseBaseline(formatBaseline(built), "view.baseline.json");
  });

  const alertsOf = (faultOf?: (time: number) => Fault, seed = 62): readonly string[] => {
    const profiler = createProfiler({ view, frames: framesOf(baseline), pairs: [], limits: defaultLimits });
    const state = profiler.start();
    const origin = { timestamp: undefined, position: "features-0@1" };
    const { closed } = profiler.fold(state, batchOf(learnt, end, seed, faultOf), origin);
    const judging = createJudging(view, baseline);
    return [...closed, ...profiler.flush(state)].flatMap((profile) => {
      judging.add("0", profile);
      return judging.close(profile.window.end, Number.POSITIVE_INFINITY).flatMap((outcome) => {
        if (outcome.kind !== "alert" || outcome.alert.status !== "firing") return [];
        const { severity, field, statistic, time } = outcome.alert;
        return [`${severity} ${field} ${statistic} at ${time / hour - learnt}`];
      });
    });
  };

  it("is left in peace for days, by breaker and warnings alike", () => {
    for (const seed of [62, 63, 64]) assert.deepEqual(alertsOf(undefined, seed), []);
  });

  it("has a breaker that opens on the night's nulls at noon", () => {
    const noon = (time: number): boolean => time / hour - learnt >= 36 && time / hour - learnt < 39;
    const alerts = alertsOf((time) => (noon(time) ? { nulls: 0.35 } : {}));
    assert.ok(alerts.includes("critical score null_rate at 37"), alerts.join("\n"));
    const night = alertsOf((time) => (time / hour - learnt === 48 ? { nulls: 0.25 } : {}));
    assert.deepEqual(night, []);
  });

  it("has a breaker that sees a jump by night to what is usual by day", () => {
    const alerts = alertsOf((time) => (time / hour - learnt >= 24 ? { amount: 45 } : {}));
    assert.ok(
      alerts.some((alert) => /^critical amount location at 2[56]$/.test(alert)),
      alerts.join("\n"),
    );
  });

  it("warns of half a standard deviation within three hours", () => {
    const alerts = alertsOf((time) => (time / hour - learnt >= 30 ? { amount: 5 } : {}));
    assert.ok(
      alerts.some((alert) => /^warning amount location at 3[123]$/.test(alert)),
      alerts.join("\n"),
    );
  });

  it("knows the rows of its nights from those of its days", () => {
    const volume = baseline.tracks?.get("volume");
    assert.equal(volume?.season?.cycle, "day");
    assert.ok((volume?.sd ?? 1) < 0.1, `${volume?.sd}`);
  });
});
