import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addReading, createHistory, toHistory } from "../../src/judge/history.ts";
import { joinHistories, joinTracks } from "../../src/judge/history-join.ts";
import type { Track } from "../../src/judge/track.ts";

const close = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 2e-5 * Math.max(1, Math.abs(a), Math.abs(b));

function historyOf(values: readonly number[]) {
  const growing = createHistory();
  for (const observed of values)
    addReading(growing, {
      rows: 100,
      observed,
      expected: 0,
      unit: 1,
      error: 0.5,
      z: observed / 0.5,
      logTail: 0,
      say: () => "",
    });
  return toHistory(growing);
}

const trackOf = (change: Partial<Track>): Track => ({
  windows: 400,
  mean: 0,
  error: 0.1,
  sd: 1,
  innovation: 1,
  memory: [],
  heavy: false,
  ...change,
});

describe("histories of several periods", () => {
  it("joined are the history of all their windows, each moved to where its period lies", () => {
    const value = fc.double({ min: -50, max: 50, noNaN: true });
    const windows = fc.array(value, { minLength: 3, maxLength: 30 });
    fc.assert(
      fc.property(windows, windows, fc.double({ min: -5, max: 5, noNaN: true }), (a, b, offset) => {
        const joined = joinHistories([historyOf(a), historyOf(b)], [0, offset]);
        const whole = historyOf([...a, ...b.map((each) => each + offset)]);
        assert.ok(joined !== undefined);
        assert.equal(joined.windows, whole.windows);
        for (const key of ["mean", "sd"] as const)
          assert.ok(close(joined[key], whole[key]), `${key}: ${joined[key]} and ${whole[key]}`);
        // each period's own mean lies within its bounds: they are never narrower than those of all
        assert.ok(joined.low <= whole.low || close(joined.low, whole.low), `${joined.low} and ${whole.low}`);
        assert.ok(joined.high >= whole.high || close(joined.high, whole.high));
      }),
    );
  });

  it("leave out a period that has none, or of which nobody can say where it lies", () => {
    const [a, b] = [historyOf([1, 2, 3]), historyOf([7, 8, 9])];
    assert.deepEqual(joinHistories([a, undefined], [0, 0]), a);
    assert.deepEqual(joinHistories([a, b], [0, undefined]), a);
    assert.equal(joinHistories([undefined], [0]), undefined);
  });
});

describe("tracks of several periods", () => {
  it("joined have all windows, and the memory of the longest", () => {
    const joined = joinTracks(
      [trackOf({ memory: [0.5] }), trackOf({ windows: 100, sd: 2, mean: 0.05 })],
      [0, 0],
    );
    assert.equal(joined?.windows, 500);
    assert.equal(joined?.mean, 0.01);
    assert.deepEqual(joined?.memory, [0.5]);
    assert.ok(close(joined?.sd ?? 0, Math.sqrt((400 + 100 * 4) / 500)));
  });

  it("are none where a period lies on another level, or has none", () => {
    assert.equal(joinTracks([trackOf({}), trackOf({ mean: 1 })], [0, 0]), undefined);
    assert.ok(joinTracks([trackOf({}), trackOf({ mean: 1 })], [0, -1]) !== undefined);
    assert.equal(joinTracks([trackOf({}), undefined], [0, 0]), undefined);
    assert.equal(joinTracks([trackOf({}), trackOf({})], [0, undefined]), undefined);
  });
});
