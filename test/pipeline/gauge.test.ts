import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { segmentsOf } from "../../src/cli/gauges.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import { decodeJudging, encodeJudging } from "../../src/pipeline/checkpoint.ts";
import type { GaugeReading } from "../../src/pipeline/gauge-reading.ts";
import { createJudging, type Judging } from "../../src/pipeline/judging.ts";
import { decodeSignal, encodeSignal } from "../../src/pipeline/signal.ts";
import { profileOf, windowProfile } from "../judge/profiles.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";
import { verdictOf } from "./outcomes.ts";

const leaking = fieldSpec("heap", "float64", { limit: 80, trendWarnBeforeMs: 30 * minute });
const view = featureView([leaking]);
const node = (value: string) => ({ field: "node", value });
const told = (status: Verdict["status"]): Verdict =>
  verdictOf("gpu_memory", { statistic: "trend", status, hard: true, decidedAt: 5 });
const reading = (
  at: number,
  series: readonly (readonly [string, Verdict | null])[],
  unasked: readonly string[] = [],
): GaugeReading => ({
  ...{ featureView: view.name, at, everyMs: minute, unasked },
  series: series.map(([value, verdict]) => ({ name: "gpu_memory", segment: node(value), verdict })),
});
const nodesOf = (judging: Judging): unknown[] => judging.active().map(({ segment }) => segment?.value);

describe("gauges beside the stream", () => {
  it("fire and end an alert a segment, move no breaker, and survive a restart", () => {
    const judging = createJudging(view, undefined);
    const [outcome] = judging.gauge(
      reading(minute, [
        ["a7", told("warning")],
        ["b2", told("ok")],
      ]),
    );
    assert(outcome?.kind === "alert");
    assert.equal(outcome.alert.alertname, "TidemarkMemoryTrend");
    assert.equal(outcome.alert.startsAt, 5);
    assert.equal(judging.breaker.state, "closed");
    const again = createJudging(view, undefined);
    again.restore(judging.encode());
    assert.deepEqual(again.gauge(reading(2 * minute, [["a7", told("warning")]])), [], "it is told already");
    const [end] = again.gauge(reading(3 * minute, [["a7", told("ok")]]));
    assert(end?.kind === "alert");
    assert.equal(end.alert.status, "resolved");
  });

  it("stand while nothing is said of them, and end when nobody reports them any more", () => {
    const judging = createJudging(view, undefined);
    judging.gauge(reading(minute, [["a7", told("warning")]]));
    judging.gauge(reading(2 * minute, [["a7", null]]));
    judging.gauge(reading(3 * minute, [], ["gpu_memory"]));
    assert.deepEqual(nodesOf(judging), ["a7"], "Prometheus was away");
    judging.gauge(reading(4 * minute, [["b2", told("warning")]]));
    assert.deepEqual(nodesOf(judging), ["b2"], "a7 is gone");
    judging.gauge(reading(5 * minute, []));
    assert.deepEqual(nodesOf(judging), [], "the query is gone from the config");
  });

  it("reach a cluster's judge through its log", () => {
    const signal = {
      kind: "gauge",
      reading: reading(minute, [
        ["a7", told("warning")],
        ["b2", null],
      ]),
    } as const;
    const { value, headers } = encodeSignal(signal);
    assert.deepEqual(decodeSignal(new Map(Object.entries(headers)), value), signal);
  });

  it("are followed a segment each; what cannot be told apart or is too much is said", () => {
    const series = (...nodes: readonly string[]) =>
      nodes.map((name, at) => ({ labels: { node: name }, points: [{ time: 0, value: at }] }));
    const follow = (segment: string | undefined, nodes: readonly string[], max = 50) => {
      const { followed, problem } = segmentsOf(series(...nodes), { query: "q", segment }, max);
      return { nodes: followed.map(({ segment }) => segment?.value), problem };
    };
    assert.deepEqual(follow("node", ["a", "b"]), { nodes: ["b", "a"], problem: undefined });
    assert.match(
      follow("node", ["a", "a"]).problem ?? "",
      /^2 series where 1 can be told apart: aggregate, .*max by \(node\)/,
    );
    assert.match(follow(undefined, ["a", "b"]).problem ?? "", /can be told apart/);
    assert.deepEqual(follow("node", ["a", "b", "c"], 2).nodes, ["c", "b"]);
    assert.match(follow("node", ["a", "b", "c"], 2).problem ?? "", /3 series, of which the highest 2/);
    assert.match(follow("node", []).problem ?? "", /^no series: q/);
  });
});

describe("a trend of events", () => {
  /** A closed minute with the heap at 20 GiB and one more a minute. */
  const play = (judging: Judging, number: number): void => {
    const profile = windowProfile(view, new Map([["heap", profileOf(leaking, Array(60).fill(20 + number))]]));
    const window = { start: number * minute, end: (number + 1) * minute };
    judging.add("t-0", { ...profile, window, lastEvent: window.end - 1 });
    judging.close(window.end, window.end);
  };
  const announcedAfter = (restartAt: number): number => {
    let judging = createJudging(view, undefined);
    for (let number = 0; number < 60; number++) {
      if (number === restartAt) {
        const saved = decodeJudging(encodeJudging(judging.encode(), view.fingerprint, "")).state;
        judging = createJudging(view, undefined);
        judging.restore(saved);
      }
      play(judging, number);
      if (judging.active().length > 0) return number;
    }
    return assert.fail("never announced");
  };

  it("is seen at the same window whether or not the process was started anew on the way", () => {
    const without = announcedAfter(Number.NaN);
    assert.equal(without, 30);
    assert.equal(announcedAfter(25), without);
  });
});
