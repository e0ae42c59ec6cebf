import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fitAutoregression } from "../../src/judge/autoregression.ts";
import { fitSeason, middleOf, missingCycles, seasonAt } from "../../src/judge/season.ts";
import { addToSeries, createSeries } from "../../src/judge/series.ts";
import type { Signal } from "../../src/judge/signal.ts";
import { createFollower } from "../../src/judge/track.ts";
import { toTrack } from "../../src/judge/track-build.ts";
import { createRandom } from "./random.ts";
import { minute } from "./samples.ts";

const numbers = (length: number, of: (t: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, t) => of(t));
const signal = { kind: "number", sides: "both" } as Signal;
const hour = 60 * minute;

function trackOf(values: Float64Array, error: number) {
  const series = createSeries();
  for (const [window, value] of values.entries())
    addToSeries(series, window, { value, error, rows: 1_000 }, 1);
  const track = toTrack(signal, series, { windowMs: minute, seasonality: "auto" });
  assert.ok(track !== undefined);
  return track;
}

describe("memory", () => {
  it("is found as it was made, and none in independent windows", () => {
    const { normal } = createRandom(21);
    let x = 0;
    const made = numbers(4_000, () => {
      x = 0.7 * x + normal();
      return x;
    });
    const windows = numbers(4_000, (t) => t);
    const { coefficients, variance } = fitAutoregression(made, windows);
    assert.ok(Math.abs(coefficients.reduce((sum, a) => sum + a, 0) - 0.7) < 0.05);
    assert.ok(Math.abs(variance - 1) < 0.1);
    assert.deepEqual(
      fitAutoregression(
        numbers(4_000, () => normal()),
        windows,
      ).coefficients,
      [],
    );
  });
});

describe("a season", () => {
  const { normal } = createRandom(22);
  const days = (count: number, of: (time: number) => number) => {
    const windows = numbers(count * 24, (t) => t);
    const made = Float64Array.from(windows, (window) => of(middleOf(window, hour)) + normal(0, 0.3));
    return fitSeason(made, windows, hour);
  };
  const daily = (time: number): number => Math.sin((2 * Math.PI * time) / (24 * hour));

  it("of a day is learnt from four days, and foretells the fifth", () => {
    const season = days(4, daily);
    assert.equal(season?.cycle, "day");
    for (let t = 96; t < 120; t++)
      assert.ok(Math.abs(seasonAt(season, middleOf(t, hour)) - daily(middleOf(t, hour))) < 0.4);
  });

  it("of a week tells its weekend from its other days", () => {
    const isWeekend = (time: number): boolean => [2, 3].includes(Math.floor(time / (24 * hour)) % 7); // 1970 began on a Thursday
    const season = days(28, (time) => daily(time) * (isWeekend(time) ? 0 : 2));
    assert.equal(season?.cycle, "week");
    const [monday, saturday] = [
      seasonAt(season, 4 * 24 * hour + 6 * hour),
      seasonAt(season, 2 * 24 * hour + 6 * hour),
    ];
    assert.ok(monday > 1.4 && Math.abs(saturday) < 0.6, `${monday} ${saturday}`);
  });

  it("is none where nothing repeats, or where the data are shorter than two cycles", () => {
    assert.equal(
      days(10, () => 0),
      undefined,
    );
    assert.equal(days(1, daily), undefined);
    assert.deepEqual(missingCycles(0, 2 * hour), ["day", "week"]);
    assert.deepEqual(missingCycles(0, 72 * hour), ["week"]);
  });
});

describe("a baseline shorter than its cycle", () => {
  const { normal } = createRandom(23);
  /** Two hours of a day's swing of 30 standard errors, as the first two hours of a sine show it. */
  const swing = (window: number): number => 30 * Math.sin((2 * Math.PI * window) / 1_440);
  const track = trackOf(
    numbers(120, (t) => swing(t) + normal()),
    1,
  );
  const follow = (shiftFrom: number, shift: number): number => {
    const follower = createFollower(signal, track, minute);
    const state = new Float64Array(follower.size);
    for (let window = 120; window < 600; window++) {
      const value = swing(window) + normal() + (window >= shiftFrom ? shift : 0);
      const mean = follower.follow(state, 0, window, { value, error: 1, rows: 1_000 }, 1e9);
      if (mean >= 1e6) return window;
    }
    return 600;
  };

  it("is followed as a trend, without a false alarm for eight hours", () => {
    assert.ok(track.trend !== undefined);
    assert.equal(follow(600, 0), 600);
  });

  it("does not hide a jump of half a standard deviation", () => {
    assert.ok(follow(180, 15) <= 182);
  });
});

describe("a share that was always whole in the baseline", () => {
  const track = { ...trackOf(new Float64Array(200).fill(1), 0), mean: 1 };
  const counts = { hits: 12_000, rows: 12_000, dispersion: 1 };
  const follower = createFollower({ kind: "count", sides: "both" }, { ...track, counts }, minute);

  it("is followed: a row in ten thousand is let be, a row in twenty is found", () => {
    const windowsUntil = (value: number): number => {
      const state = new Float64Array(follower.size);
      for (let window = 0; window < 200; window++)
        if (follower.follow(state, 0, window, { value, error: 0, rows: 100 }, 1e9) >= 1e6) return window;
      return 200;
    };
    assert.equal(windowsUntil(1), 200);
    assert.ok(windowsUntil(0.95) <= 5, `${windowsUntil(0.95)}`);
  });
});

describe("a baseline that is not quite right about its mean", () => {
  const line = 1e6;
  /** Windows until M passes the line, or `length`. */
  const follow = (
    { normal }: ReturnType<typeof createRandom>,
    baseline: number,
    onset: number,
    shift: number,
    length: number,
  ): number => {
    const track = trackOf(
      numbers(baseline, () => normal()),
      1,
    );
    const follower = createFollower(signal, track, minute);
    const state = new Float64Array(follower.size);
    for (let t = 0; t < length; t++) {
      const value = normal() + (t >= onset ? shift : 0);
      if (follower.follow(state, 0, baseline + t, { value, error: 1, rows: 1_000 }, 1e9) >= line) return t;
    }
    return length;
  };

  it("is learnt, and no alarm: however few windows it has", () => {
    for (const baseline of [16, 24, 60, 120]) {
      const random = createRandom(baseline);
      for (let run = 0; run < 60; run++)
        assert.equal(follow(random, baseline, 0, 0, 1_000), 1_000, `${baseline} windows, run ${run}`);
    }
  });

  it("does not hide a small lasting change: one of 1.5 windows' SDs is found in 26 windows on the average", () => {
    const random = createRandom(25);
    let delays = 0;
    for (let run = 0; run < 100; run++) delays += follow(random, 120, 60, 1.5, 400) - 59;
    assert.ok(delays / 100 < 26, `${delays / 100}`);
  });
});

describe("a signal without a baseline", () => {
  it("is learnt from its first windows, and judged only then", () => {
    const { normal } = createRandom(24);
    const follower = createFollower(signal, undefined, minute);
    const state = new Float64Array(follower.size);
    const at = (window: number, value: number): number =>
      follower.follow(state, 0, window, { value, error: 0.03, rows: 1_000 }, 1e9);
    assert.equal(at(0, 1e6), 0, "nothing is known in the first window");
    const fresh = createFollower(signal, undefined, minute);
    const own = new Float64Array(fresh.size);
    for (let window = 0; window < 200; window++)
      assert.ok(
        fresh.follow(own, 0, window, { value: normal(5, 0.03), error: 0.03, rows: 1_000 }, 1e9) < 1e4,
      );
    for (let window = 200; window < 206; window++)
      fresh.follow(own, 0, window, { value: normal(5.3, 0.03), error: 0.03, rows: 1_000 }, 1e9);
    assert.ok(fresh.follow(own, 0, 206, { value: 5.3, error: 0.03, rows: 1_000 }, 1e9) > 1e6);
  });
});
