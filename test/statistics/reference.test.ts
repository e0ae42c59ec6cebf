import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sampleStandardDeviation, tTestTwoSample } from "simple-statistics";
import type { ClassicalName } from "../../src/model/verdict.ts";
import { pairOf } from "../../src/statistics/pair.ts";
import { numericSample } from "../../src/statistics/sample.ts";
import { createRandom } from "../judge/random.ts";
import { measured, valueIn } from "./support.ts";

interface Expected {
  readonly value: number;
  readonly pValue?: number;
  readonly exactPValue?: number;
  readonly dof?: number;
}

interface Case {
  readonly name: string;
  readonly kind: "numeric" | "categorical";
  readonly reference: readonly number[] | readonly string[];
  readonly current: readonly number[] | readonly string[];
  readonly expected: Partial<Record<ClassicalName, Expected>>;
}

/** Single values, ties, constants, ±0, 1e-300, heavy tails, an offset of 1e9, astral characters: values by scipy. */
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/scipy.json"), "utf8")) as {
  cases: readonly Case[];
};

/** Defined by us, or by scipy under another convention: no reference value. */
const ours: readonly ClassicalName[] = [
  "sdShift",
  "nullShift",
  "distinctShift",
  "defaultShift",
  "chiSquareFit",
];

function near(actual: number | undefined, expected: number | undefined, within: number, what: string): void {
  if (expected === undefined) return;
  const distance = Math.abs((actual ?? Number.NaN) - expected);
  assert.ok(distance <= within, `${what}: ${actual} instead of ${expected}`);
}

describe("statistics of arrays", () => {
  for (const { name, kind, reference, current, expected } of cases) {
    it(`are scipy's for ${kind} ${name} (${reference.length} against ${current.length})`, () => {
      const found = measured(reference, current);
      for (const [key, { value, pValue, exactPValue, dof }] of Object.entries(expected)) {
        const own = found.get(key as ClassicalName);
        assert.ok(own !== undefined, `${key} is not there`);
        near(own.value, value, 1e-9 * Math.abs(value) + 1e-13, key);
        near(own.logP === undefined ? undefined : Math.exp(own.logP), pValue, 1e-6, `p of ${key}`);
        near(own.exactPValue, exactPValue, 1e-9, `exact p of ${key}`);
        assert.equal(own.dof, dof, key);
      }
      const more = [...found.keys()].filter((key) => expected[key] === undefined && !ours.includes(key));
      assert.deepEqual(more, [], "not defined, and yet measured");
    });
  }

  it("give the pooled t of simple-statistics where sizes and so Welch's t agree with it", () => {
    const random = createRandom(11);
    const a = Array.from({ length: 40 }, () => random.normal());
    const b = Array.from({ length: 40 }, () => random.normal(0.3, 2));
    const t = tTestTwoSample(a, b);
    near(measured(a, b).get("welchT")?.value, t ?? Number.NaN, 1e-12, "t");
    const ratio = sampleStandardDeviation(b) / sampleStandardDeviation(a);
    near(measured(a, b).get("sdShift")?.value, Math.log(ratio), 1e-12, "ln of the SDs' ratio");
  });

  it("count distinct values as if both samples had the smaller one's size", () => {
    // Of a a a b two are drawn: {a, b} in 3 of 6 ways, so 1.5 distinct values; of x y always 2.
    near(
      measured(["a", "a", "a", "b"], ["x", "y"]).get("distinctShift")?.value,
      Math.log(2 / 1.5),
      1e-12,
      "rarefied",
    );
  });

  it("count them by the exact chance to miss a value, whatever its count", () => {
    // Of a a b b b c three are drawn, 20 ways: a is missed in C(4,3) = 4, b in C(3,3) = 1, c in C(5,3) = 10.
    const expected = 16 / 20 + 19 / 20 + 10 / 20;
    near(
      measured(["a", "a", "b", "b", "b", "c"], ["x", "y", "z"]).get("distinctShift")?.value,
      Math.log(3 / expected),
      1e-12,
      "rarefied",
    );
  });

  it("take the share of nulls in both", () => {
    const pair = pairOf(numericSample([1, 2, 3], 1), numericSample([4, 5], 6));
    assert(pair !== undefined);
    near(valueIn("nullShift", pair), 6 / 8 - 1 / 4, 1e-12, "nullShift");
  });

  it("take the reference's own values for the mapping where none is known", () => {
    const found = measured(["US", "US", "DE", "GB"], ["US", "United States", "United States", "DE"]);
    assert.equal(found.get("defaultShift")?.value, 0.5);
  });

  it("leave chi-square's fit undefined for a value that the reference lacks", () => {
    assert.equal(measured(["a", "b"], ["a", "c"]).has("chiSquareFit"), false);
  });
});
