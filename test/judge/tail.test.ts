import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addToSeries, createSeries } from "../../src/judge/series.ts";
import { tailOf, tamed } from "../../src/judge/tail.ts";
import { createFollower } from "../../src/judge/track.ts";
import { toTrack } from "../../src/judge/track-build.ts";
import { createRandom } from "./random.ts";
import { minute } from "./samples.ts";

describe("a tail", () => {
  const { student, normal } = createRandom(41);
  const heavy = Float64Array.from({ length: 2_000 }, () => student(2.5));
  const tail = tailOf(heavy, Math.sqrt(heavy.reduce((sum, x) => sum + x * x, 0) / heavy.length)) ?? [];

  it("is read where two windows or more show it, and from 64 windows on", () => {
    assert.equal(tail.length, 6);
    assert.equal(tailOf(heavy.subarray(0, 100), 1)?.length, 3);
    assert.equal(tailOf(heavy.subarray(0, 63), 1), undefined);
  });

  it("makes a normal score of what one window in a hundred does", () => {
    const far = Float64Array.from(heavy, Math.abs).sort()[1_980] as number;
    const sd = Math.sqrt(heavy.reduce((sum, x) => sum + x * x, 0) / heavy.length);
    const score = tamed(-far / sd, tail);
    assert.ok(Math.abs(score) <= far / sd && Math.abs(score + Math.min(2.58, far / sd)) < 0.15, `${score}`);
  });

  it("tames, in order, and never adds", () => {
    const z = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(z, z, (a, b) => {
        const [x, y] = [tamed(a, tail), tamed(b, tail)];
        assert.ok(Math.abs(x) <= Math.abs(a) && Math.sign(x) === Math.sign(a));
        if (Math.abs(a) >= Math.abs(b)) assert.ok(Math.abs(x) >= Math.abs(y) - 1e-12);
      }),
    );
    assert.equal(tamed(7, undefined), 7);
  });

  it("keeps a metric that spikes by itself quiet, and tells when it stays up", () => {
    const series = createSeries();
    const burst = { left: 0 };
    // every sixty windows or so it is six to twenty times as far for two or three
    const next = (): number => {
      if (burst.left === 0 && createdUniform() < 1 / 60) burst.left = 2 + Math.floor(2 * createdUniform());
      if (burst.left > 0) burst.left -= 1;
      return normal() + (burst.left > 0 ? 6 + 14 * createdUniform() : 0);
    };
    const { uniform: createdUniform } = createRandom(42);
    const seen = (value: number) => ({ value, error: 0, rows: 1 });
    for (let window = 0; window < 3_000; window++) addToSeries(series, window, seen(next()), 1);
    const signal = { kind: "number", sides: "both" } as const;
    const track = toTrack(signal, series, { windowMs: minute, seasonality: "auto" });
    assert.ok(track?.tail !== undefined);
    const follower = createFollower(signal, track, minute);
    const state = new Float64Array(follower.size);
    let most = 0;
    for (let window = 3_000; window < 13_000; window++)
      most = Math.max(most, follower.follow(state, 0, window, seen(next()), 1e9));
    assert.ok(most < 1e5, `${most}`);
    for (let window = 13_000; window < 13_012; window++)
      most = follower.follow(state, 0, window, seen(next() + 6), 1e9);
    assert.ok(most > 1e6, `${most}`);
  });
});
