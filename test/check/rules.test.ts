import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { NumberRule, Rule, RuleName, TextRule } from "../../src/check/rule.ts";
import { rules } from "../../src/check/table.ts";
import type { FieldSpec, FieldType } from "../../src/model/feature-view.ts";
import { hashText } from "../../src/model/hash.ts";
import { fieldSpec } from "../judge/samples.ts";

function compile(name: RuleName, type: FieldType, own: Partial<FieldSpec>): Rule {
  const rule = rules[name](fieldSpec("x", type, own));
  assert(rule !== undefined, `${name} is asked for`);
  return rule;
}

function textBreaks(rule: Rule, value: string): boolean {
  const { bytes, low, high } = hashText(value);
  return (rule as TextRule).breaks({ bytes, from: 0, to: bytes.length, low, high });
}

describe("rules of numbers", () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -3, max: 12 }).map(Number),
  );
  const asked: readonly (readonly [RuleName, Partial<FieldSpec>])[] = [
    ["range", { range: [0, 9] }],
    ["max", { max: 5 }],
    ["limit", { limit: 5 }],
    ["empty", { maxEmptyRate: 0.1 }],
    ["nonfinite", { finite: true }],
  ];
  for (const [name, own] of asked) {
    it(`${name} counts a slice as it counts cell by cell`, () => {
      const rule = compile(name, "float64", own) as NumberRule;
      fc.assert(
        fc.property(fc.array(number, { maxLength: 50 }), fc.nat(60), fc.nat(60), (cells, a, b) => {
          const values = Float64Array.from(cells);
          const [from, to] = [Math.min(a, b, cells.length), Math.min(Math.max(a, b), cells.length)];
          const one = cells.slice(from, to).filter((x) => rule.breaks(x)).length;
          assert.equal(rule.count(values, from, to), one);
          const slice = values.subarray(from, to);
          if (rule.holds(Math.min(...slice), Math.max(...slice))) assert.equal(one, 0);
        }),
      );
    });
  }

  it("range includes both ends, and never NaN or an infinity", () => {
    const rule = compile("range", "float64", { range: [0, 9] }) as NumberRule;
    const broken = [-0.001, 0, 9, 9.001, Number.NaN, Infinity, -Infinity].filter((x) => rule.breaks(x));
    assert.deepEqual(broken, [-0.001, 9.001, Number.NaN, Infinity, -Infinity]);
  });
});

describe("rules of text", () => {
  const word = fc.string({ unit: "grapheme", maxLength: 12 });
  it("mapping knows its values and nothing else, whatever they are", () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 40 }), word, (values, probe) => {
        const rule = compile("default", "string", { mapping: { values, maxDefaultRate: 0.01 } });
        for (const value of values) assert.equal(textBreaks(rule, value), false);
        assert.equal(textBreaks(rule, probe), !values.includes(probe));
      }),
    );
  });

  it("mapping tells country names from codes", () => {
    const rule = compile("default", "string", { mapping: { values: ["US", "GB"], maxDefaultRate: 0 } });
    const misses = ["US", "United States", "us", "US ", "", "GB"].filter((value) => textBreaks(rule, value));
    assert.deepEqual(misses, ["United States", "us", "US ", ""]);
  });

  it("pattern answers from its cache as it answers anew", () => {
    const rule = compile("pattern", "string", { pattern: "^[A-Z]{2}$" });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, fc.constantFrom("US", "GB", "usa")), { maxLength: 30 }),
        (values) => {
          for (const value of values) assert.equal(textBreaks(rule, value), !/^[A-Z]{2}$/.test(value), value);
        },
      ),
    );
  });

  it("a pattern that backtracks elsewhere takes linear time", () => {
    const rule = compile("pattern", "string", { pattern: "^(a+)+$" });
    assert.equal(textBreaks(rule, `${"a".repeat(50_000)}b`), true);
  });

  it("empty is no character at all", () => {
    const rule = compile("empty", "string", { maxEmptyRate: 0.1 });
    assert.deepEqual(
      ["", " ", "a"].map((value) => textBreaks(rule, value)),
      [true, false, false],
    );
  });
});

describe("the table of rules", () => {
  it("asks a bare field for presence and type alone", () => {
    const names = Object.keys(rules).filter(
      (name) => rules[name as RuleName](fieldSpec("x", "float64")) !== undefined,
    );
    assert.deepEqual(names.sort(), ["missing", "type"]);
  });

  it("says of each rule what the spec expects, in words", () => {
    const field = fieldSpec("x", "string", {
      nullable: false,
      mapping: { values: ["US"], maxDefaultRate: 0 },
      pattern: "^US$",
      maxEmptyRate: 0,
    });
    for (const compileRule of Object.values(rules)) {
      const rule = compileRule(field);
      if (rule !== undefined) assert(rule.expected.length > 0);
    }
  });
});
