import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type MemoryPolicy, memoryStart, memoryStep } from "../../src/pipeline/memory.ts";

const policy: MemoryPolicy = { limitBytes: 1_000, soft: 0.7, hard: 0.85, calm: 0.05, holdMs: 100 };

/** Steps that are taken, with the place of the reading that each was taken at; readings are of resident memory, 10 ms apart. */
function stepsOf(readings: readonly number[], heap = 0): string[] {
  let watch = memoryStart(policy);
  return readings.flatMap((residentBytes, index) => {
    const reading = { at: index * 10, residentBytes, heapBytes: heap, heapLimitBytes: 4_000 };
    const next = memoryStep(watch, reading, policy);
    ({ watch } = next);
    return next.step === "none" ? [] : [`${index} ${next.step}`];
  });
}
const many = (bytes: number, count: number): number[] => Array<number>(count).fill(bytes);

describe("the memory watchdog's decision", () => {
  it("pauses at the soft limit, and goes on only when memory is clearly below it", () => {
    assert.deepEqual(stepsOf([699, 700, 699, 651, 650, 649, 699]), ["1 hold", "5 release"]);
    assert.deepEqual(stepsOf([700, 640, 700]), ["0 hold", "1 release", "2 hold"]);
  });

  it("ends at the hard limit, from wherever it comes", () => {
    assert.deepEqual(stepsOf([300, 850]), ["1 end"]);
    assert.deepEqual(stepsOf([700, 849, 850]), ["0 hold", "2 end"]);
  });

  it("does not wait for ever for memory that the work needs, and pauses again where it is nearer to the end", () => {
    const steps = stepsOf([...many(720, 30), ...many(790, 30)]);
    assert.deepEqual(steps, ["0 hold", "10 yield", "30 hold", "40 yield"]);
    assert.deepEqual(stepsOf([...many(720, 30), 600, 720]), ["0 hold", "10 yield", "30 release", "31 hold"]);
  });

  it("minds the engine's own heap, which ends before the limit when that is large", () => {
    assert.deepEqual(stepsOf([100, 100], 2_800), ["0 hold"]);
    assert.deepEqual(stepsOf([100], 3_400), ["0 end"]);
  });

  it("holds for at most `holdMs` at a time, ends exactly at the hard limit, and is calm when memory is", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(900), { maxLength: 300 }), (readings) => {
        let watch = memoryStart(policy);
        for (const [index, residentBytes] of readings.entries()) {
          const at = index * 10;
          const next = memoryStep(watch, { at, residentBytes, heapBytes: 0, heapLimitBytes: 1 }, policy);
          assert.equal(next.step === "end", residentBytes >= 850);
          if (next.step === "end") return;
          ({ watch } = next);
          if (watch.held) assert.ok(at - watch.since < policy.holdMs);
          if (residentBytes < 650) assert.deepEqual([watch.held, watch.short], [false, false]);
          if (watch.held) assert.ok(watch.short);
        }
      }),
    );
  });
});
