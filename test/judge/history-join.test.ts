import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addReading, createHistory, toHistory } from "../../src/judge/history.ts";
import { joinHistories, joinTracks } from "../../src/judge/history-join.ts";
import type { Track } from "../../src/judge/track.ts";

/** Half a unit in the sixth digit: as far as a rounded value may lie from what it was. */
const half = (rounded: number): number =>
  rounded === 0 ? 0 : 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(rounded))) - 5);

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);

function within(bound: number, a: number, b: number, what: string): void {
  assert.ok(Math.abs(a - b) <= bound, `${what}: ${a} and ${b} are more than ${bound} apart`);
}

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
        const parts = [historyOf(a), historyOf(b)];
        const joined = joinHistories(parts, [0, offset]);
        const whole = historyOf([...a, ...b.map((each) => each + offset)]);
        assert.ok(joined !== undefined);
        assert.equal(joined.windows, whole.windows);

        // what goes in is rounded, and so are both that come out; the last digits of a double are lost besides
        const doubles = whole.windows * 8 * Number.EPSILON * 60;
        const out = (key: "mean" | "sd" | "low" | "high"): number =>
          half(joined[key]) + half(whole[key]) + doubles;
        // a mean of means errs as the mean of their errors, however near to 0 it lies
        const ofMean = sum(parts.map(({ windows, mean }) => windows * half(mean))) / whole.windows;
        within(ofMean + out("mean"), joined.mean, whole.mean, "mean");
        // the SD is the length of the vector of √(n − 1)·sd and √n·(mean − its mean) of each part: it errs by no more than
        // the length of their errors
        const squares = parts.map(
          ({ windows, mean, sd }) => (windows - 1) * half(sd) ** 2 + windows * half(mean) ** 2,
        );
        within(Math.sqrt(sum(squares) / (whole.windows - 1)) + out("sd"), joined.sd, whole.sd, "sd");
        // each period's own mean lies within its bounds: they are never narrower than those of all
        const [low, high] = (["low", "high"] as const).map(
          (key) => Math.max(...parts.map((part) => half(part[key]))) + out(key),
        ) as [number, number];
        assert.ok(joined.low <= whole.low + low, `low: ${joined.low} and ${whole.low}`);
        assert.ok(joined.high >= whole.high - high, `high: ${joined.high} and ${whole.high}`);
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
    assert.equal(joined?.sd, 1.26491); // √((400 + 100 · 2²) / 500)
  });

  it("are none where a period lies on another level, or has none", () => {
    assert.equal(joinTracks([trackOf({}), trackOf({ mean: 1 })], [0, 0]), undefined);
    assert.ok(joinTracks([trackOf({}), trackOf({ mean: 1 })], [0, -1]) !== undefined);
    assert.equal(joinTracks([trackOf({}), undefined], [0, 0]), undefined);
    assert.equal(joinTracks([trackOf({}), trackOf({})], [0, undefined]), undefined);
  });
});
