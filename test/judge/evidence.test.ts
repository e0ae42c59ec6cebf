import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { evidenceOf } from "../../src/judge/evidence.ts";

describe("evidence", () => {
  it("is the calibrator's value: 14.66 nats for one in a billion", () => {
    const p = 1e-9;
    const expected = Math.log((1 - p + p * Math.log(p)) / (p * Math.log(p) ** 2));
    assert.ok(Math.abs(evidenceOf(Math.log(p)) - expected) < 1e-12);
  });

  it("is nothing for what happens one time in six, and never falls as the tail gets smaller", () => {
    assert.equal(evidenceOf(0), 0);
    assert.equal(evidenceOf(Math.log(0.17)), 0);
    let before = 0;
    for (let logP = -1; logP > -1e6; logP *= 1.5) {
      assert.ok(evidenceOf(logP) >= before);
      before = evidenceOf(logP);
    }
  });

  it("stays a number for what cannot be", () => {
    assert.ok(Number.isFinite(evidenceOf(Number.NEGATIVE_INFINITY)));
  });

  it("is worth at most one on average: it is an e-value", () => {
    // E e(p) over uniform p, by the midpoint rule on u = −ln p, where dp = e^(−u) du.
    let sum = 0;
    const step = 0.001;
    for (let u = step / 2; u < 400; u += step) sum += ((Math.exp(u) - 1 - u) / u ** 2) * Math.exp(-u) * step;
    assert.ok(sum < 1 && sum > 0.99, String(sum));
  });
});
