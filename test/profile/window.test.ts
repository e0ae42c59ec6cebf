import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  futureToleranceMs,
  type Placement,
  placeRow,
  startOf,
  type Tide,
  type WindowPolicy,
  watermarkOf,
} from "../../src/profile/window.ts";

const policy: WindowPolicy = { sizeMs: 60_000, reviseMs: 0, latenessMs: 30_000, openMax: 3 };
const never = Number.POSITIVE_INFINITY;

const fresh = (lastEvent = Number.NEGATIVE_INFINITY): Tide => ({ lastEvent });
const open = (...starts: number[]): ReadonlyMap<number, true> =>
  new Map(starts.map((start) => [start, true]));

describe("a window", () => {
  it("begins at a multiple of its size, before 1970 too", () => {
    assert.equal(startOf(0, 60_000), 0);
    assert.equal(startOf(59_999, 60_000), 0);
    assert.equal(startOf(60_000, 60_000), 60_000);
    assert.equal(startOf(-1, 60_000), -60_000);
  });
});

describe("the watermark", () => {
  it("is the largest event time less the lateness, and −Infinity before the first", () => {
    assert.equal(watermarkOf(fresh(100_000), policy), 70_000);
    assert.equal(watermarkOf(fresh(), policy), Number.NEGATIVE_INFINITY);
  });

  it("moves with a row that is profiled, and never back", () => {
    const tide = fresh();
    assert.equal(placeRow(tide, 100_000, never, open(), policy), "profiled");
    assert.equal(tide.lastEvent, 100_000);
    assert.equal(placeRow(tide, 80_000, never, open(60_000), policy), "profiled");
    assert.equal(tide.lastEvent, 100_000);
  });
});

describe("a row", () => {
  it("is late from the moment at which the watermark reaches the end of its window", () => {
    assert.equal(placeRow(fresh(89_999), 59_999, never, open(0), policy), "profiled");
    assert.equal(placeRow(fresh(90_000), 59_999, never, open(0), policy), "late");
    assert.equal(placeRow(fresh(90_000), 60_000, never, open(0), policy), "profiled");
  });

  it("without an event time that ISO 8601 can print is unusable and moves nothing", () => {
    for (const time of [Number.NaN, never, -never, 8.64e15 + 2, -8.64e15 - 2]) {
      const tide = fresh(5);
      assert.equal(placeRow(tide, time, never, open(), policy), "unusable");
      assert.equal(tide.lastEvent, 5);
    }
    assert.equal(placeRow(fresh(), 8.64e15, never, open(), policy), "profiled");
    assert.equal(placeRow(fresh(), -8.64e15, never, open(), policy), "profiled");
  });

  it("more than five minutes after its record is of the future and moves nothing: one bad clock closes no window", () => {
    const tide = fresh(1_000);
    const latest = 1_000 + futureToleranceMs;
    assert.equal(futureToleranceMs, 300_000);
    assert.equal(placeRow(tide, latest + 1, latest, open(), policy), "future");
    assert.equal(tide.lastEvent, 1_000);
    assert.equal(placeRow(tide, latest, latest, open(), policy), "profiled");
    assert.equal(tide.lastEvent, latest);
  });

  it("that would open a window too many is crowded and still moves the watermark", () => {
    const lax = { ...policy, latenessMs: 600_000 };
    const full = open(0, 60_000, 120_000);
    const tide = fresh(120_000);
    assert.equal(placeRow(tide, 180_000, never, full, lax), "crowded");
    assert.equal(tide.lastEvent, 180_000);
    assert.equal(placeRow(tide, 119_999, never, full, lax), "profiled", "its window is open already");
    assert.equal(placeRow(fresh(), 180_000, never, open(0, 60_000), lax), "profiled");
  });

  it("does not count windows as open that the watermark has passed but nobody has closed yet", () => {
    const full = open(0, 60_000, 120_000);
    assert.equal(placeRow(fresh(90_000), 180_000, never, full, policy), "profiled");
    assert.equal(placeRow(fresh(89_999), 180_000, never, full, policy), "crowded");
  });

  it("falls in one of five places, and late is the only one that later rows can make of it", () => {
    const time = fc.integer({ min: -200_000, max: 2_000_000 });
    fc.assert(
      fc.property(fc.array(time, { maxLength: 60 }), (times) => {
        const tide = fresh();
        const windows = new Map<number, true>();
        let highest = Number.NEGATIVE_INFINITY;
        for (const at of times) {
          const watermark = highest - policy.latenessMs;
          for (const start of windows.keys()) if (start + policy.sizeMs <= watermark) windows.delete(start);
          const placement: Placement = placeRow(tide, at, never, windows, policy);
          const start = Math.floor(at / policy.sizeMs) * policy.sizeMs;
          assert.equal(placement === "late", start + policy.sizeMs <= watermark);
          if (placement !== "late") highest = Math.max(highest, at);
          assert.equal(tide.lastEvent, highest);
          if (placement === "profiled") windows.set(start, true);
          assert(windows.size <= policy.openMax + 1);
        }
      }),
    );
  });
});
