import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Point } from "../../src/judge/forecast.ts";
import { type Gauge, judgeGauge } from "../../src/judge/gauge.ts";

const minute = 60_000;
const gauge: Gauge = {
  ...{ name: "gpu_memory", title: "GPU memory", limit: 80, unit: "GiB" },
  warnBeforeMs: 30 * minute,
};
const a7 = { field: "node", value: "a7" };
const points = (count: number, value: (at: number) => number): Point[] =>
  Array.from({ length: count }, (_, at) => ({ time: at * minute, value: value(at) }));
const judge = (series: readonly Point[], late = 0) =>
  judgeGauge(gauge, a7, series, minute, (series.at(-1)?.time ?? 0) + late * minute);

describe("a gauge", () => {
  it("announces its limit before it is there, in words that can be read at night", () => {
    const verdict = judge(points(35, (at) => 20 + at));
    assert.equal(
      verdict?.summary,
      "GPU memory of node a7 reaches 80 GiB in 26 min (now 54 GiB, 1 GiB more a minute)",
    );
    assert.equal(verdict.status, "warning");
    assert.equal(verdict.decidedAt, 34 * minute);
    assert.deepEqual([verdict.field, verdict.observed, verdict.expected], ["gpu_memory", 54, 80]);
  });

  it("is calm far from its limit, and says that it is above it", () => {
    assert.equal(judge(points(30, (at) => 10 + at))?.status, "ok");
    const over = judge(points(30, (at) => (at < 29 ? 60 : 81.5)));
    assert.equal(over?.status, "warning");
    assert.equal(over.summary, "GPU memory of node a7 is at 81.5 GiB, above its limit of 80 GiB");
  });

  it("ends its warning only when three looks in a row found nothing", () => {
    const mended = (calm: number) => judge(points(35 + calm, (at) => (at < 35 ? 20 + at : 10)));
    const looks = Array.from({ length: 20 }, (_, calm) => mended(calm)?.status ?? "stands");
    const end = looks.indexOf("stands");
    assert.ok(end > 0 && end < 12, looks.join());
    assert.deepEqual(new Set(looks.slice(0, end)), new Set(["warning"]));
    assert.deepEqual(looks.slice(end, end + 2), ["stands", "stands"]);
    assert.deepEqual(new Set(looks.slice(end + 2)), new Set(["ok"]));
  });

  it("ends when its series has ended, and has nothing to say before it began", () => {
    const leak = points(35, (at) => 20 + at);
    assert.equal(judge(leak, 2)?.status, "warning");
    assert.equal(judge(leak, 3)?.summary, "GPU memory of node a7 is not reported any more");
    assert.equal(judge([])?.status, "ok");
  });
});
