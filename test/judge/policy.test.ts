import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createJudge } from "../../src/judge/judge.ts";
import type { FieldDriftPolicy, FieldSpec } from "../../src/model/feature-view.ts";
import { baselineOf, type Cell, profileOf, windowProfile } from "./profiles.ts";
import { createRandom } from "./random.ts";
import { featureView, fieldSpec } from "./samples.ts";

const drift = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" } as const;

function statusOf(
  field: FieldSpec,
  reference: readonly Cell[],
  current: readonly Cell[],
  of: string,
): string {
  const view = featureView([field]);
  const baseline = baselineOf(view, new Map([[field.name, profileOf(field, reference)]]));
  const profile = windowProfile(view, new Map([[field.name, profileOf(field, current)]]));
  const { verdicts } = createJudge(view, baseline).judge(profile, { final: true, asOf: 60_000 });
  return verdicts.find(({ statistic }) => statistic === of)?.status ?? "none";
}

const price = (own: Partial<FieldDriftPolicy>): FieldSpec =>
  fieldSpec("price", "float64", { drift: { ...drift, ...own } });

function prices(seed: number, mean: number, rows = 1_000): readonly Cell[] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => random.normal(mean, 1));
}

function flags(share: number): readonly Cell[] {
  return Array.from({ length: 1_000 }, (_, row) => row < share * 1_000);
}

const usual = prices(1, 10, 20_000);

describe("a field's drift policy", () => {
  it("lets falls pass where only rises matter, and the other way round", () => {
    const [up, down] = [prices(2, 15), prices(3, 5)];
    assert.equal(statusOf(price({}), usual, up, "location"), "critical");
    assert.equal(statusOf(price({}), usual, down, "location"), "critical");
    assert.equal(statusOf(price({ direction: "up" }), usual, up, "location"), "critical");
    assert.equal(statusOf(price({ direction: "up" }), usual, down, "location"), "ok");
    assert.equal(statusOf(price({ direction: "down" }), usual, up, "location"), "ok");
    assert.equal(statusOf(price({ direction: "down" }), usual, down, "location"), "critical");
  });

  it("takes no change for news whose size in the field's own unit is too small to matter", () => {
    assert.equal(statusOf(price({ ignoreBelow: 6 }), usual, prices(2, 15), "location"), "ok");
    assert.equal(statusOf(price({ ignoreBelow: 4 }), usual, prices(2, 15), "location"), "critical");
    const flag = (ignoreBelow: number): FieldSpec =>
      fieldSpec("flag", "bool", { drift: { ...drift, ignoreBelow } });
    assert.equal(statusOf(flag(0.3), flags(0.03), flags(0.43), "true_rate"), "critical");
    assert.equal(statusOf(flag(0.5), flags(0.03), flags(0.43), "true_rate"), "ok");
  });

  it("measures shares by a floor of the field's own", () => {
    const flag = (floor: number): FieldSpec => fieldSpec("flag", "bool", { drift: { ...drift, floor } });
    assert.equal(statusOf(flag(0.01), flags(0.03), flags(0.1), "true_rate"), "critical");
    assert.equal(statusOf(flag(0.2), flags(0.03), flags(0.3), "true_rate"), "ok");
  });

  it("wants as many rows as the field says", () => {
    assert.equal(statusOf(price({ minRows: 2_000 }), usual, prices(2, 15), "location"), "insufficient");
    assert.equal(statusOf(price({ minRows: 20 }), usual, prices(2, 15, 40), "location"), "critical");
  });

  it("keeps hard rules hard", () => {
    const finite = fieldSpec("price", "float64", {
      finite: true,
      drift: { ...drift, direction: "down", ignoreBelow: 100, minRows: 5_000 },
    });
    assert.equal(statusOf(finite, usual, [...prices(2, 10), Number.NaN], "nonfinite"), "critical");
  });
});
