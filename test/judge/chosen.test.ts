import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createJudge } from "../../src/judge/judge.ts";
import type { ChosenStatistic, FieldSpec } from "../../src/model/feature-view.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import { baselineOf, type Cell, profileOf, windowProfile } from "./profiles.ts";
import { createRandom } from "./random.ts";
import { featureView, fieldSpec } from "./samples.ts";

const chosen = (statistic: ChosenStatistic): FieldSpec =>
  fieldSpec("price", "float64", {
    drift: { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto", statistic },
  });

function normals(rows: number, seed: number, mean = 0, sd = 1): readonly Cell[] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => random.normal(mean, sd));
}

function judged(
  field: FieldSpec,
  reference: readonly Cell[],
  current: readonly Cell[],
  options: { readonly final?: boolean; readonly sigma?: number } = {},
): readonly Verdict[] {
  const { final = true, ...own } = options;
  const view = featureView([field]);
  const baseline = baselineOf(view, new Map([["price", profileOf(field, reference)]]));
  const profile = windowProfile(view, new Map([["price", profileOf(field, current)]]));
  return createJudge(view, baseline, own).judge(profile, { final, asOf: 60_000 }).verdicts;
}

const find = (verdicts: readonly Verdict[], statistic: string): Verdict | undefined =>
  verdicts.find((each) => each.statistic === statistic);

const reference = normals(20_000, 1);

describe("a statistic of a field's choice", () => {
  const psi = chosen({ name: "psi", threshold: 0.2 });

  it("breaks at its threshold, with the evidence, and says both in a sentence", () => {
    const verdict = find(judged(psi, reference, normals(1_000, 2, 0.8)), "psi");
    assert.equal(verdict?.status, "critical");
    assert(verdict.observed >= 0.2 && verdict.evidence > 20);
    assert(Math.abs(verdict.shift - (2 * verdict.observed) / 0.2) < 1e-9, "the line lies at sigma");
    assert.match(verdict.summary, /^psi of price against its baseline is 0\.\d+ \(threshold 0\.2\)$/);
  });

  it("is ok below its threshold, however sure the difference is", () => {
    const verdict = find(judged(psi, reference, normals(5_000, 3, 0.3)), "psi");
    assert.equal(verdict?.status, "ok");
    assert(verdict.evidence > 50 && verdict.observed < 0.2);
  });

  it("does not break by the luck of a small window, where PSI passes 0.2 without drift", () => {
    let passed = 0;
    for (let seed = 10; seed < 60; seed++) {
      const verdict = find(judged(psi, reference, normals(60, seed)), "psi");
      if ((verdict?.observed ?? 0) > 0.2) passed += 1;
      assert.equal(verdict?.status, "ok", `seed ${seed}`);
    }
    assert(passed > 5, `${passed} windows passed: the test tests nothing`);
  });

  it("is insufficient below minRows", () => {
    assert.equal(find(judged(psi, reference, normals(40, 4, 5)), "psi")?.status, "insufficient");
  });

  it("takes the place of location, spread and categories, which are still measured", () => {
    const moved = normals(1_000, 5, 5);
    const lax = judged(chosen({ name: "psi", threshold: 1_000 }), reference, moved);
    assert.deepEqual(
      lax.filter(({ status }) => status === "critical"),
      [],
    );
    assert((find(lax, "location")?.shift ?? 0) > 3);
    assert.equal(
      find(judged(fieldSpec("price", "float64"), reference, moved), "location")?.status,
      "critical",
    );
  });

  it("leaves hard rules and rates as they are", () => {
    const field = { ...chosen({ name: "psi", threshold: 1_000 }), finite: true };
    const verdicts = judged(field, reference, [...normals(100, 6), Number.NaN]);
    assert.equal(find(verdicts, "nonfinite")?.status, "critical");
  });

  it("is judged on closed windows only", () => {
    assert.equal(find(judged(psi, reference, normals(1_000, 2, 0.8), { final: false }), "psi"), undefined);
  });

  it("keeps its threshold when --sigma moves the others' line", () => {
    const moved = normals(1_000, 2, 0.8);
    assert.equal(find(judged(psi, reference, moved, { sigma: 50 }), "psi")?.status, "critical");
  });

  it("is held against its size when it has a sign", () => {
    const field = chosen({ name: "meanShift", threshold: 0.5 });
    const verdict = find(judged(field, reference, normals(1_000, 7, -0.8)), "meanShift");
    assert.equal(verdict?.status, "critical");
    assert(verdict.observed < -0.5);
  });

  it("breaks at its p-value without any further evidence", () => {
    for (const name of ["ks", "mannWhitneyU", "welchT"] as const) {
      const field = chosen({ name, pValue: 0.001 });
      const moved = find(judged(field, reference, normals(200, 8, 0.35)), name);
      assert.equal(moved?.status, "critical", `${name} ${moved?.summary}`);
      assert(moved.evidence < 20, "a window that the breaker's own probability would let pass");
      assert.match(moved.summary, /p = [\d.e-]+ \(limit p = 0\.001\)$/);
      assert.equal(find(judged(field, reference, normals(200, 9)), name)?.status, "ok", name);
    }
  });

  it("sees a window of nulls only, when it is the shift of nulls", () => {
    const field = chosen({ name: "nullShift", threshold: 0.5 });
    const nulls = Array.from({ length: 60 }, () => null);
    const verdict = find(judged(field, reference, nulls), "nullShift");
    assert.deepEqual([verdict?.status, verdict?.observed, verdict?.rows], ["critical", 1, 60]);
  });

  it("is of categories and bools as well", () => {
    const words = (share: number): readonly Cell[] =>
      Array.from({ length: 1_000 }, (_, i) => (i < share * 1_000 ? "DE" : "US"));
    const drift = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" } as const;
    const text = fieldSpec("price", "string", {
      drift: { ...drift, statistic: { name: "tv", threshold: 0.1 } },
    });
    assert.equal(find(judged(text, words(0.5), words(0.7)), "tv")?.status, "critical");
    assert.equal(find(judged(text, words(0.5), words(0.55)), "tv")?.status, "ok");
    const deaf = { ...text, drift: { ...text.drift, ignoreBelow: 0.3 } };
    assert.equal(find(judged(deaf, words(0.5), words(0.7)), "tv")?.status, "ok");
    const bool = fieldSpec("price", "bool", {
      drift: { ...drift, statistic: { name: "chiSquare", pValue: 1e-6 } },
    });
    const bools = (share: number): readonly Cell[] =>
      Array.from({ length: 1_000 }, (_, i) => i < share * 1_000);
    assert.equal(find(judged(bool, bools(0.5), bools(0.7)), "chiSquare")?.status, "critical");
    assert.equal(find(judged(bool, bools(0.5), bools(0.52)), "chiSquare")?.status, "ok");
  });

  it("looks in the field's direction, and past what is too small to matter", () => {
    const [up, down] = [normals(1_000, 14, 0.8), normals(1_000, 15, -0.8)];
    for (const choice of [
      { name: "meanShift", threshold: 0.5 },
      { name: "welchT", threshold: 6 },
      { name: "mannWhitneyU", pValue: 1e-9 },
    ] as const) {
      const statusOf = (own: Partial<FieldSpec["drift"]>, current: readonly Cell[]): string | undefined => {
        const field = chosen(choice);
        return find(judged({ ...field, drift: { ...field.drift, ...own } }, reference, current), choice.name)
          ?.status;
      };
      assert.equal(statusOf({ direction: "up" }, up), "critical", choice.name);
      assert.equal(statusOf({ direction: "up" }, down), "ok", choice.name);
      assert.equal(statusOf({ direction: "down" }, down), "critical", choice.name);
      assert.equal(statusOf({ direction: "down" }, up), "ok", choice.name);
      if (choice.name === "mannWhitneyU") continue;
      assert.equal(statusOf({ ignoreBelow: 0.5 }, up), "critical", choice.name);
      assert.equal(statusOf({ ignoreBelow: 1.5 }, up), "ok", choice.name);
    }
  });

  it("gives finite figures whatever the window holds", () => {
    const constant = Array.from({ length: 100 }, () => 3);
    for (const name of ["psi", "ks", "wasserstein", "energy", "cramerVonMises", "welchT"] as const) {
      for (const [before, now] of [
        [constant, constant],
        [reference, constant],
        [constant, normals(100, 12)],
        [reference, normals(100, 13, 1e12)],
      ] as const) {
        const verdict = find(judged(chosen({ name, threshold: 0.1 }), before, now), name);
        for (const figure of [
          verdict?.observed ?? 0,
          verdict?.unit ?? 1,
          verdict?.shift ?? 0,
          verdict?.evidence ?? 0,
        ])
          assert(Number.isFinite(figure), JSON.stringify(verdict));
      }
    }
  });
});
