import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BaselineDrift, findDrift } from "../../src/judge/baseline-drift.ts";
import { addToSeries, createSeries } from "../../src/judge/series.ts";
import type { Signal } from "../../src/judge/signal.ts";
import { toTrack } from "../../src/judge/track-build.ts";
import { createRandom } from "./random.ts";
import { minute } from "./samples.ts";

const signal: Pick<Signal, "kind" | "statistic" | "unit" | "say"> = {
  kind: "number",
  statistic: "location",
  unit: 1,
  say: (observed, expected) => `${observed.toFixed(1)} after ${expected.toFixed(1)}`,
};

/** Among 100 signals of a baseline, in windows of a minute. */
function driftOf(values: readonly number[]): BaselineDrift | undefined {
  const series = createSeries();
  for (const [window, value] of values.entries())
    addToSeries(series, window, { value, error: 0.1, rows: 100 }, 1);
  const track = toTrack(signal, series, { windowMs: minute, seasonality: "auto" });
  assert.ok(track !== undefined);
  return findDrift("age", signal, series, track, { windowMs: minute, signals: 100 });
}

/** x_t = memory · x_{t−1} + noise, of SD 1. */
function wandering(seed: number, length: number, memory = 0): number[] {
  const { normal } = createRandom(seed);
  let x = normal();
  return Array.from({ length }, () => {
    x = memory * x + Math.sqrt(1 - memory * memory) * normal();
    return x;
  });
}

describe("drift within a baseline", () => {
  it("is named by kind, time and size: a step, an episode and a slope", () => {
    const still = wandering(1, 400);
    const step = driftOf(still.map((x, t) => x + (t >= 250 ? 1.5 : 0)));
    assert.equal(step?.kind, "step");
    assert.ok(Math.abs((step?.since ?? 0) / minute - 250) <= 5, `${step?.since}`);
    assert.ok(Math.abs((step?.shift ?? 0) - 1.5) < 0.3, `${step?.shift}`);
    assert.equal(step?.until, 400 * minute);
    const episode = driftOf(still.map((x, t) => x + (t >= 100 && t < 160 ? -2 : 0)));
    assert.equal(episode?.kind, "episode");
    assert.ok(Math.abs((episode?.since ?? 0) / minute - 100) <= 5);
    assert.ok(Math.abs((episode?.until ?? 0) / minute - 160) <= 5);
    assert.ok((episode?.after ?? 0) < (episode?.before ?? 0) - 1.5);
    const slope = driftOf(still.map((x, t) => x + (3 * t) / 400));
    assert.equal(slope?.kind, "slope");
    assert.ok(Math.abs((slope?.shift ?? 0) - 3) < 0.7, `${slope?.shift}`);
  });

  it("is not what windows do that remember the last ones, nor a spike, nor a day", () => {
    const warned = [0, 0.5, 0.8].map((memory) => {
      const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);
      return seeds.filter((seed) => driftOf(wandering(seed, 300, memory)) !== undefined).length;
    });
    assert.ok(
      warned.every((count) => count <= 2),
      `${warned.join(", ")} of 200 were warned of; 2 are the budget of a hundred signals`,
    );
    const spike = wandering(3, 300).map((x, t) => (t === 150 ? 400 : 0.1 * x));
    assert.equal(driftOf(spike), undefined);
    const daily = wandering(4, 6 * 96).map((x, t) => 0.3 * x + 3 * Math.sin((2 * Math.PI * t) / 96));
    const series = createSeries();
    for (const [window, value] of daily.entries())
      addToSeries(series, window, { value, error: 0.1, rows: 100 }, 1);
    const options = { windowMs: 15 * minute, signals: 100 };
    const track = toTrack(signal, series, { ...options, seasonality: "auto" });
    assert.ok(track?.season !== undefined);
    assert.equal(findDrift("age", signal, series, track, options), undefined);
  });

  it("is not told of few windows, nor where it is too small to matter", () => {
    assert.equal(driftOf(wandering(5, 20).map((x, t) => x + (t >= 10 ? 9 : 0))), undefined);
    const small = wandering(6, 2_000).map((x, t) => 0.05 * x + (t >= 1_000 ? 0.15 : 0));
    assert.equal(driftOf(small), undefined);
  });
});
