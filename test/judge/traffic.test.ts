import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  addTraffic,
  createTraffic,
  judgeSilence,
  judgeTraffic,
  silentWindowsMin,
  type Traffic,
  toTraffic,
} from "../../src/judge/traffic.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { fieldOf, viewOf } from "../pipeline/outcomes.ts";
import { profileOf, windowProfile } from "./profiles.ts";
import { createRandom } from "./random.ts";
import { minute } from "./samples.ts";

const view = viewOf("amount");

/** A window of so many rows, each with an amount of its own, or each of them `copies` times. */
function windowOf(number: number, rows: number, copies = 1): WindowProfile {
  const amounts = Array.from({ length: rows }, (_, row) => number * 1e6 + Math.floor(row / copies) + 0.5);
  const profile = windowProfile(view, new Map([["amount", profileOf(fieldOf("amount"), amounts)]]));
  return { ...profile, window: { start: number * minute, end: (number + 1) * minute } };
}

function trafficOf(rows: readonly number[]): Traffic {
  const growing = createTraffic();
  for (const [number, count] of rows.entries()) if (count > 0) addTraffic(growing, windowOf(number, count));
  const traffic = toTraffic(growing);
  assert.ok(traffic !== undefined);
  return traffic;
}

/** About 200 rows a window, ±10%. */
function steady(windows: number): readonly number[] {
  const random = createRandom(7);
  return Array.from({ length: windows }, () => 180 + Math.floor(random.uniform() * 40));
}

const statusOf = (profile: WindowProfile, traffic: Traffic, statistic: string): string | undefined =>
  judgeTraffic(profile, traffic, 2).find((verdict) => verdict.statistic === statistic)?.status;

describe("traffic", () => {
  it("is of whole windows: the first and the last may be cut short", () => {
    assert.equal(trafficOf([1, ...steady(30), 1]).windows, 30);
    assert.ok(trafficOf([1, ...steady(30), 1]).low > Math.log(150));
  });

  it("warns of a tenth of the rows and of three times as many, not of what windows do by themselves", () => {
    const traffic = trafficOf(steady(120));
    assert.equal(statusOf(windowOf(200, 20), traffic, "volume"), "warning");
    assert.equal(statusOf(windowOf(200, 600), traffic, "volume"), "warning");
    for (const rows of [140, 180, 220, 300]) {
      assert.equal(statusOf(windowOf(200, rows), traffic, "volume"), "ok", `${rows}`);
    }
  });

  it("takes no fall for news that the baseline has had", () => {
    const nightly = steady(120).map((rows, number) => (number % 24 < 6 ? Math.ceil(rows / 10) : rows));
    assert.equal(statusOf(windowOf(200, 19), trafficOf(nightly), "volume"), "ok");
  });

  it("warns of rows that are there twice when a field tells rows apart, and keeps quiet when none does", () => {
    const traffic = trafficOf(steady(120));
    assert.equal(statusOf(windowOf(200, 200, 1), traffic, "duplicates"), "ok");
    assert.equal(statusOf(windowOf(200, 200, 3), traffic, "duplicates"), "warning");
    assert.equal(statusOf(windowOf(200, 60, 2), traffic, "duplicates"), "warning");
    assert.equal(statusOf(windowOf(200, 1_000, 1.25), traffic, "duplicates"), "warning", "a fifth of them");
    assert.equal(statusOf(windowOf(200, 1_000, 1.05), traffic, "duplicates"), "ok", "one in twenty");
    for (let number = 200; number < 260; number++)
      assert.equal(statusOf(windowOf(number, 40 * (number - 199)), traffic, "duplicates"), "ok");
    const growing = createTraffic();
    for (let number = 0; number < 60; number++) addTraffic(growing, windowOf(number, 200, 50));
    const coarse = toTraffic(growing);
    assert.equal(coarse?.repeats, undefined);
  });

  it("says nothing from fewer than twenty windows", () => {
    assert.deepEqual(judgeTraffic(windowOf(200, 1), trafficOf(steady(15)), 2), []);
  });

  it("calls silence what is longer than chance and than the baseline's gaps", () => {
    assert.equal(silentWindowsMin(trafficOf(steady(60))), 1);
    const gappy = steady(60).map((rows, number) => (number % 10 === 5 || number % 10 === 6 ? 0 : rows));
    assert.equal(silentWindowsMin(trafficOf(gappy)), 5, "twice a gap of two windows, and one more");
    assert.ok(
      silentWindowsMin(trafficOf(Array.from({ length: 60 }, () => 2))) >= 8,
      "two rows may stay away",
    );
    const verdict = judgeSilence(trafficOf(steady(60)), 1, 0);
    assert.equal(verdict.status, "warning");
    assert.match(verdict.summary, /no row in 1 window; \d+ in each are usual/);
  });
});
