import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClassicalName } from "../../src/model/verdict.ts";
import { logLuck } from "../../src/statistics/evidence.ts";
import { measureOne } from "../../src/statistics/measure.ts";
import type { Pair } from "../../src/statistics/pair.ts";
import { createRandom } from "../judge/random.ts";
import { measured, pairOfArrays, statistic } from "./support.ts";

function luck(name: ClassicalName, pair: Pair): number {
  const found = measureOne(statistic(name), pair);
  assert(found !== undefined);
  return logLuck(statistic(name), found, pair);
}

const words = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).flatMap(([word, count]) => Array.from({ length: count }, () => word));

describe("the luck that a difference may be", () => {
  it("is the G-test's p for distances between shares, where every cell expects enough", () => {
    const [a, b] = [words({ US: 60, DE: 30, GB: 20 }), words({ US: 40, DE: 45, GB: 25 })];
    const expected = measured(a, b).get("gTest")?.logP ?? Number.NaN;
    for (const name of ["psi", "kl", "js", "hellinger", "tv"] as const)
      assert(Math.abs(luck(name, pairOfArrays(a, b)) - expected) < 1e-12, name);
  });

  it("puts cells together that expect fewer than five", () => {
    const [a, b] = [words({ US: 60, DE: 40, FR: 2, IT: 1 }), words({ US: 50, DE: 50, ES: 1, PT: 2 })];
    const [c, d] = [words({ US: 60, DE: 40, rest: 3 }), words({ US: 50, DE: 50, rest: 3 })];
    const expected = measured(c, d).get("gTest")?.logP ?? Number.NaN;
    assert(Math.abs(luck("psi", pairOfArrays(a, b)) - expected) < 1e-12);
  });

  it("is certain when no cell but one expects enough", () => {
    assert.equal(luck("tv", pairOfArrays(words({ a: 3, b: 1 }), words({ a: 1, b: 3 }))), 0);
  });

  it("does not call ids evidence, although no value of one sample is in the other", () => {
    const ids = (start: number): string[] => Array.from({ length: 2_000 }, (_, i) => `id ${start + i}`);
    const pair = pairOfArrays(ids(0), ids(2_000));
    assert((measureOne(statistic("tv"), pair)?.value ?? 0) > 0.999);
    assert.equal(luck("tv", pair), 0);
  });

  it("is Kolmogorov–Smirnov's p for distances between numbers, and a statistic's own p where it has one", () => {
    const random = createRandom(4);
    const [a, b] = [0, 0.4].map((mean) => Array.from({ length: 300 }, () => random.normal(mean)));
    const pair = pairOfArrays(a ?? [], b ?? []);
    const of = (name: ClassicalName): number => measureOne(statistic(name), pair)?.logP ?? Number.NaN;
    for (const name of ["wasserstein", "wassersteinNormed", "energy", "meanShift", "sdShift"] as const)
      assert.equal(luck(name, pair), of("ks"), name);
    for (const name of ["ks", "welchT", "mannWhitneyU", "cramerVonMises"] as const)
      assert.equal(luck(name, pair), of(name), name);
  });
});
