import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type GuardPolicy, guardStep, watchStart } from "../../src/cli/guard-policy.ts";

const policy: GuardPolicy = { limitBytes: 1_000, warnAt: 0.9, graceMs: 100 };

/** Steps that are taken, with the place of the reading that each was taken at. */
function stepsOf(readings: readonly number[], everyMs = 10): string[] {
  let watch = watchStart;
  return readings.flatMap((bytes, index) => {
    const next = guardStep(watch, { at: index * everyMs, bytes }, policy);
    ({ watch } = next);
    const { step } = next;
    if (step.kind === "none") return [];
    return [`${index} ${step.kind}${step.kind === "kill" ? ` ${step.why}` : ""}`];
  });
}

describe("guardStep", () => {
  it("warns once near the limit, and again only after it was clearly away from it", () => {
    assert.deepEqual(stepsOf([899, 900, 950, 899, 851, 900]), ["1 warn"]);
    assert.deepEqual(stepsOf([900, 849, 900]), ["0 warn", "1 calm", "2 warn"]);
  });

  it("ends at the limit, and kills when the grace is over", () => {
    assert.deepEqual(stepsOf([500, 1_000, ...Array<number>(12).fill(1_000)]), ["1 end", "11 kill grace"]);
  });

  it("kills within the grace what grows by a tenth while it is ended, but not what was far over at once", () => {
    assert.deepEqual(stepsOf([1_000, 1_100, 1_101]), ["0 end", "2 kill overshoot"]);
    assert.deepEqual(stepsOf([1_500, 1_600, 1_650]), ["0 end"]);
  });

  it("does not take an end back when the memory falls", () => {
    assert.deepEqual(stepsOf([1_000, ...Array<number>(10).fill(10)]), ["0 end", "10 kill grace"]);
  });

  it("foretells a steady leak, and nothing of a step", () => {
    const warned = (readings: readonly number[]): number | undefined => {
      let watch = watchStart;
      for (const [index, bytes] of readings.entries()) {
        const next = guardStep(watch, { at: index * 1_000, bytes }, policy);
        ({ watch } = next);
        if (next.step.kind === "warn") return next.step.leftMs;
      }
      return assert.fail("no warning");
    };
    const leftMs = warned(Array.from({ length: 91 }, (_, index) => index * 10));
    assert.ok(Math.abs((leftMs ?? 0) - 10_000) < 500, String(leftMs));
    assert.equal(warned([...Array<number>(50).fill(300), 950]), undefined);
  });

  it("sends SIGTERM once, before any SIGKILL, and never below the limit", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_300), { maxLength: 60 }), (readings) => {
        const steps = stepsOf(readings).filter((step) => /end|kill/.test(step));
        const first = readings.findIndex((bytes) => bytes >= policy.limitBytes);
        assert.equal(steps[0], first < 0 ? undefined : `${first} end`);
        assert.ok(steps.length <= 2);
      }),
    );
  });
});
