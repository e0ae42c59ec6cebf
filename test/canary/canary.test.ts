import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CanaryResult, canaryDefaults, judgeCanary } from "../../src/canary/canary.ts";
import type { CanaryOptions } from "../../src/canary/check.ts";
import type { Output } from "../../src/canary/outputs.ts";
import { createRandom, type Random } from "../judge/random.ts";
import { goldenOf, outputsOf } from "./support.ts";

function judge(
  production: readonly Output[],
  candidate: readonly Output[],
  options: Partial<CanaryOptions> = {},
): CanaryResult {
  return judgeCanary(goldenOf(production.length), production, candidate, { ...canaryDefaults, ...options });
}

const score = (random: Random): number => random.normal();
const failing = (result: CanaryResult): string[] =>
  result.checks
    .filter(({ result: each }) => each !== "pass")
    .map(({ name, result: each }) => `${name} ${each}`);

/** The share of `runs` seeds with each verdict. */
function verdicts(
  runs: number,
  run: (seed: number) => CanaryResult,
): Record<CanaryResult["verdict"], number> {
  const counts = { promote: 0, abort: 0, inconclusive: 0 };
  for (let seed = 1; seed <= runs; seed++) counts[run(seed).verdict] += 1 / runs;
  return counts;
}

describe("a canary", () => {
  it("promotes a candidate that answers the same", () => {
    const production = outputsOf(120, 1, score);
    const result = judge(production, production);
    assert.equal(result.verdict, "promote");
    assert.equal(result.kl, 0);
    assert.deepEqual(result.reasons, []);
  });

  it("aborts one that returns [] with 200, whatever production returns", () => {
    const shapes: readonly ((random: Random) => unknown)[] = [
      score,
      () => ["a", "b"],
      () => "label",
      (random) => ({ items: ["a"], score: random.normal() }),
    ];
    for (const shape of shapes) {
      const result = judge(
        outputsOf(100, 1, shape),
        outputsOf(100, 2, () => []),
      );
      assert.equal(result.verdict, "abort");
      assert.match(result.reasons.join(), /100 of 100 answers of the candidate are empty, 0 of production's/);
    }
  });

  it("says why production did not answer, as it does of the candidate", () => {
    const well = outputsOf(120, 1, (random) => random.normal());
    const away = well.map((each) => ({ ...each, status: 0, error: "connect ECONNREFUSED" }));
    const said = (production: typeof well, candidate: typeof well): string =>
      judge(production, candidate).checks.find(({ name }) => name === "status")?.summary ?? "";
    assert.match(said(away, well), /120 of production's; production's: 120 × connect ECONNREFUSED$/);
    assert.match(said(well, away), /0 of production's \(120 × connect ECONNREFUSED\)$/);
    assert.match(said(well, well), /0 of production's$/);
  });

  it("aborts one whose answers are empty in one part only, and names the part", () => {
    const whole = outputsOf(150, 3, (random, query) => ({
      user: `u${query % 7}`,
      result: { items: query % 50 === 0 ? [] : [`i${Math.floor(20 * random.uniform())}`, "z"], note: null },
    }));
    for (const emptied of [[], null, ""]) {
      const candidate = whole.map((each) => ({
        ...each,
        output: { ...(each.output as object), result: { items: emptied, note: null } },
      }));
      const { verdict, reasons } = judge(whole, candidate);
      assert.equal(verdict, "abort");
      assert.match(reasons[0] ?? "", /^150 of 150 answers .* empty result\.items, 3 of production's$/);
    }
    const labels = whole.map((each) => ({ ...each, output: { ...(each.output as object), user: "" } }));
    assert.match(judge(whole, labels).reasons[0] ?? "", /empty user, 0 of production's/);
    assert.equal(judge(whole, whole).verdict, "promote");
  });

  it("says of a candidate that answers nothing only that, and not that its shape is right", () => {
    const whole = outputsOf(150, 3, () => [1, 2]);
    const failed = whole.map((each) => ({ ...each, status: 500, output: undefined }));
    assert.deepEqual(
      judge(whole, failed).checks.map(({ name, result }) => `${name} ${result}`),
      ["queries pass", "status abort", "kl inconclusive"],
    );
    const empty = judge(
      whole,
      whole.map((each) => ({ ...each, output: [] })),
    );
    assert.equal(empty.checks.find(({ name }) => name === "schema")?.result, "inconclusive");
  });

  it("decides nothing on fewer than 100 queries, and says so", () => {
    const few = judge(
      outputsOf(99, 1, score),
      outputsOf(99, 2, () => []),
    );
    assert.equal(few.verdict, "inconclusive");
    assert.match(few.reasons[0] ?? "", /99 golden queries, 100 wanted/);
    const asked = judge(
      outputsOf(99, 1, score),
      outputsOf(99, 2, () => []),
      { minQueries: 50 },
    );
    assert.equal(asked.verdict, "abort");
  });

  it("decides nothing when production itself does not answer", () => {
    const down = outputsOf(150, 1, score, (query) => (query < 80 ? { status: 503, output: undefined } : {}));
    const result = judge(down, outputsOf(150, 1, score));
    assert.equal(result.verdict, "inconclusive");
    assert.match(result.reasons[0] ?? "", /production answered 70 of 150/);
  });

  it("promotes equal models up to sampling noise, and aborts clear shifts, at the rates that the docs print", () => {
    const [runs, n] = [60, 100];
    const pair = (seed: number, shift: (random: Random) => unknown): CanaryResult =>
      judge(outputsOf(n, seed, score), outputsOf(n, 10_000 + seed, shift), { seed });
    const equal = verdicts(runs, (seed) => pair(seed, score));
    assert.equal(equal.abort, 0);
    assert.ok(equal.promote >= 0.9, JSON.stringify(equal));
    const shifted = verdicts(runs, (seed) => pair(seed, (random) => random.normal(1)));
    assert.equal(shifted.promote, 0);
    assert.ok(shifted.abort >= 0.8, JSON.stringify(shifted));
  });

  it("sees a change of labels, of items, of a vector's direction and length, and of a key of an object", () => {
    const labels = ["a", "b", "c"];
    const vector = (random: Random, shift: number, scale: number): number[] =>
      Array.from({ length: 8 }, () => scale * (random.normal() + shift));
    const worlds: readonly [string, (random: Random) => unknown, (random: Random) => unknown][] = [
      ["labels", (r) => r.pick(labels, [0.8, 0.15, 0.05]), (r) => r.pick(labels, [0.2, 0.2, 0.6])],
      [
        "items",
        (r) => ["x", `i${Math.floor(5 * r.uniform())}`],
        (r) => ["y", `i${Math.floor(5 * r.uniform())}`],
      ],
      ["the centroid", (r) => vector(r, 0, 1), (r) => vector(r, 0.5, 1)],
      ["vector lengths", (r) => vector(r, 0, 1), (r) => vector(r, 0, 100)],
      [
        "labels of inner.label",
        (r) => ({ score: r.normal(), inner: { label: r.pick(labels, [0.8, 0.15, 0.05]) } }),
        (r) => ({ score: r.normal(), inner: { label: r.pick(labels, [0.1, 0.1, 0.8]) } }),
      ],
    ];
    for (const [name, ours, theirs] of worlds) {
      const result = judge(outputsOf(200, 1, ours), outputsOf(200, 2, theirs));
      assert.equal(result.verdict, "abort", name);
      assert.match(result.reasons[0] ?? "", new RegExp(`KL divergence of ${name} is`));
      assert.equal(judge(outputsOf(200, 1, ours), outputsOf(200, 3, ours)).verdict, "promote", name);
    }
  });

  it("sees a factor of 1000, a constant, and a value that production never gives", () => {
    const production = outputsOf(150, 1, score);
    const of = (change: (value: number) => number): CanaryResult["verdict"] =>
      judge(
        production,
        production.map((each) => ({ ...each, output: change(each.output as number) })),
      ).verdict;
    assert.equal(
      of((x) => 1_000 * x),
      "abort",
    );
    assert.equal(
      of(() => 0.5),
      "abort",
    );
    assert.equal(
      of((x) => x + 1e-3),
      "promote",
    );
    const constant = outputsOf(150, 1, () => 1);
    assert.equal(
      judge(
        constant,
        outputsOf(150, 1, () => 1.5),
      ).verdict,
      "abort",
    );
  });

  it("aborts at the first NaN or infinity where production has none", () => {
    const production = outputsOf(150, 1, score);
    for (const bad of ["NaN", Number.POSITIVE_INFINITY, [1, "NaN"]]) {
      const candidate = production.map((each, query) => (query === 7 ? { ...each, output: bad } : each));
      const result = judge(production, candidate);
      assert.equal(result.verdict, "abort");
      assert.ok(failing(result).includes("nonfinite abort"));
    }
  });

  it("aborts a change of shape and names it", () => {
    const production = outputsOf(120, 1, (random) => ({ score: random.normal(), label: "a" }));
    const typed = outputsOf(120, 1, (random) => ({ score: String(random.normal()), label: "a" }));
    assert.match(
      judge(production, typed).reasons.join(),
      /score is a label, number in production \(120 times\)/,
    );
    const less = outputsOf(120, 1, (random) => ({ score: random.normal() }));
    assert.match(judge(production, less).reasons.join(), /label is missing \(120 times\)/);
    const [wide, narrow] = [16, 8].map((d) =>
      outputsOf(120, 1, (r) => Array.from({ length: d }, () => r.normal())),
    );
    assert.match(judge(wide ?? [], narrow ?? []).reasons.join(), /vector of 8, vector of 16 in production/);
  });

  it("aborts more failures than production has, whether of status, time or missing records", () => {
    const production = outputsOf(200, 1, score);
    const failed = production.map((each, query) =>
      query % 10 === 0 ? { ...each, status: 500, output: undefined } : each,
    );
    assert.match(judge(production, failed).reasons[0] ?? "", /20 of 200 .* \(20 × status 500\)/);
    assert.match(judge(production, production.slice(40)).reasons[0] ?? "", /40 × no record of it/);
    assert.equal(judge(failed, failed).verdict, "promote", "as bad as production is no news");
    const one = production.map((each, query) =>
      query === 3 ? { ...each, status: 500, output: undefined } : each,
    );
    assert.equal(judge(production, one).verdict, "promote", "one of 200 may be chance");
  });

  it("aborts a slower middle and a slower tail, and not a slow pair of milliseconds", () => {
    const production = outputsOf(200, 1, score);
    const slowed = (by: (latencyMs: number, query: number) => number): CanaryResult =>
      judge(
        production,
        production.map((each, query) => ({ ...each, latencyMs: by(each.latencyMs ?? 0, query) })),
      );
    assert.deepEqual(failing(slowed((ms) => 2 * ms)), ["latency abort"]);
    assert.deepEqual(failing(slowed((ms, query) => (query % 8 === 0 ? 12_000 : ms))), ["latency abort"]);
    assert.deepEqual(failing(slowed((ms) => 1.2 * ms)), []);
    assert.equal(slowed((ms) => 2 * ms).latency?.medianRatio.toFixed(1), "2.0");
    const quick = production.map((each) => ({ ...each, latencyMs: 0.1 }));
    const lessQuick = production.map((each) => ({ ...each, latencyMs: 0.4 }));
    assert.equal(judge(quick, lessQuick).verdict, "promote");
  });

  it("warns when lists agree no more than those of different queries, and aborts below --min-rbo", () => {
    const items = Array.from({ length: 200 }, (_, item) => `i${item}`);
    const random = createRandom(5);
    const lists = Array.from({ length: 150 }, () =>
      items.toSorted(() => random.uniform() - 0.5).slice(0, 10),
    );
    const production = outputsOf(150, 1, (_, query) => lists[query]);
    const shuffled = outputsOf(150, 1, (_, query) => lists[(query + 1) % 150]);
    const told = judge(production, shuffled);
    assert.equal(told.verdict, "promote");
    assert.match(told.warnings[0] ?? "", /Does the candidate look at the query\?/);
    assert.equal(judge(production, shuffled, { minRbo: 0.5 }).verdict, "abort");
    assert.equal(judge(production, production, { minRbo: 0.5 }).verdict, "promote");
  });

  it("is deterministic, and moves little with the seed", () => {
    const [production, candidate] = [outputsOf(150, 1, score), outputsOf(150, 2, (r) => r.normal(0.5))];
    assert.deepEqual(judge(production, candidate), judge(production, candidate));
    const [first, second] = [1, 2].map((seed) => judge(production, candidate, { seed }).kl ?? 0);
    assert.notEqual(first, second);
    assert.ok(Math.abs((first ?? 0) - (second ?? 0)) < 0.02, `${first} ${second}`);
  });
});
