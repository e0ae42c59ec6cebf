import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addCategory, countOf, createCategories, entries, top } from "../../src/sketch/categories.ts";
import { shrinkCategories } from "../../src/sketch/shrink.ts";

describe("shrunk categories", () => {
  it("keep the most frequent with their counts, the total, and a bound on what is gone", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(30), { maxLength: 300 }),
        fc.integer({ min: 2, max: 40 }),
        (items, limit) => {
          const whole = createCategories(64);
          for (const item of items) addCategory(whole, `value ${item} ${"x".repeat(item * 20)}`);
          const small = shrinkCategories(whole, limit);
          assert.equal(small.total, whole.total);
          assert.ok(small.size <= limit);
          assert.deepEqual(
            top(small, limit).map(({ count }) => count),
            top(whole, limit).map(({ count }) => count),
          );
          for (const { value, count } of entries(whole)) {
            if (value.endsWith("…")) continue; // cut for people: its hash is of the whole
            assert.ok(countOf(small, value) <= count && count <= countOf(small, value) + small.error);
          }
        },
      ),
    );
  });

  it("go on counting", () => {
    const whole = createCategories(8);
    for (const value of ["a", "a", "b", "c"]) addCategory(whole, value);
    const small = shrinkCategories(whole, 2);
    addCategory(small, "a");
    assert.equal(countOf(small, "a"), 3);
    assert.equal(small.error, 1);
  });
});
