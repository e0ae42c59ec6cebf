import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FeatureView } from "../../src/model/feature-view.ts";
import { SpecError } from "../../src/spec/issue.ts";
import { parseSpec } from "../../src/spec/parse.ts";

function parse(type: string, drift: string): FeatureView {
  const head = "apiVersion: tidemark/v1\nkind: FeatureView\nname: orders\nversion: 1\nfields:\n";
  const noFile = (): string => assert.fail("no file is named");
  return parseSpec(`${head}  price: { type: ${type}${drift} }\n`, { file: "orders.yaml", readText: noFile });
}

function messageOf(type: string, drift: string): string {
  try {
    parse(type, `, drift: ${drift}`);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.issues.map(({ code, message, hint }) => `${code} ${message} (${hint})`).join("\n");
  }
  return "";
}

describe("drift.statistic of a field", () => {
  it("is read with its threshold or its p-value", () => {
    const [price] = parse("float64", ", drift: { statistic: psi, threshold: 0.2 }").fields;
    assert.deepEqual(price?.drift.statistic, { name: "psi", threshold: 0.2, pValue: undefined });
    assert.equal(price?.drift.sigma, 2);
    assert.equal(messageOf("category", "{ statistic: chiSquare, pValue: 1e-9 }"), "");
    assert.equal(messageOf("bool", "{ statistic: tv, threshold: 0.1 }"), "");
  });

  it("counts for the fingerprint, and only where it is given", () => {
    const plain = parse("float64", "");
    assert.equal(parse("float64", ", drift: {}").fingerprint, plain.fingerprint);
    const strict = parse("float64", ", drift: { statistic: psi, threshold: 0.2 }").fingerprint;
    assert.notEqual(strict, plain.fingerprint);
    assert.notEqual(parse("float64", ", drift: { statistic: psi, threshold: 0.3 }").fingerprint, strict);
  });

  const wrong: Record<string, readonly [string, string, RegExp]> = {
    "a slip": ["float64", "{ statistic: psy, threshold: 0.2 }", /"psy" is none of psi.*did you mean "psi"/],
    "one of categories on a number": [
      "float64",
      "{ statistic: gTest, pValue: 0.1 }",
      /"gTest" is not for type float64 \(float64 goes with psi, /,
    ],
    "any on an embedding": ["embedding", "{ statistic: psi, threshold: 1 }", /not for type embedding/],
    "any on a time": ["timestamp", "{ statistic: ks, threshold: 1 }", /not for type timestamp/],
    "what sketches do not know": [
      "int32",
      "{ statistic: distinctShift, threshold: 1 }",
      /not for type int32/,
    ],
    "no line": ["float64", "{ statistic: ks }", /no threshold and no pValue \(such as drift:/],
    "a line of nothing": ["float64", "{ threshold: 0.2 }", /no statistic that it is a line of/],
    "two lines": ["float64", "{ statistic: ks, threshold: 0.2, pValue: 0.1 }", /both threshold and pValue/],
    "a p-value of one without": ["float64", "{ statistic: psi, pValue: 0.1 }", /psi has no p-value/],
    "a threshold that would mean nothing": [
      "float64",
      "{ statistic: mannWhitneyU, threshold: 9 }",
      /value of mannWhitneyU depends on the number of rows.*pValue/,
    ],
    "a negative threshold": ["float64", "{ statistic: psi, threshold: -1 }", /must be above 0/],
    "a p-value that is none": ["float64", "{ statistic: ks, pValue: 1 }", /must be below 1/],
  };
  for (const [what, [type, drift, message]] of Object.entries(wrong)) {
    it(`is refused with a reason: ${what}`, () => assert.match(messageOf(type, drift), message));
  }
});
