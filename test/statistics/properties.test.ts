import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ClassicalName } from "../../src/model/verdict.ts";
import { byCodePoint, decileEdges } from "../../src/statistics/pair.ts";
import { numericSample } from "../../src/statistics/sample.ts";
import { classicalStatistics } from "../../src/statistics/table.ts";
import { createRandom } from "../judge/random.ts";
import { measured, pairOfArrays, valueIn } from "./support.ts";

const numbers = fc.array(
  fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: -3, max: 3 })),
  { minLength: 1, maxLength: 60 },
);
const words = fc.array(fc.constantFrom("US", "DE", "é", "日本", "😀", "\ufffd", ""), {
  minLength: 1,
  maxLength: 60,
});

/** Arrays of one kind, twice. */
const pairs = fc.oneof(fc.tuple(numbers, numbers), fc.tuple(words, words));

/** Chi-square's fit and the divergence take sides; the others change sign or nothing when the samples change places. */
const oneSided: readonly ClassicalName[] = [
  "kl",
  "chiSquareFit",
  "wassersteinNormed",
  "meanShift",
  "defaultShift",
  "twoProportionZ",
];
const signed: readonly ClassicalName[] = ["welchT", "sdShift", "nullShift", "distinctShift"];

/** Cut at the reference's deciles, so that the cells are others when numbers change places. */
const cut: readonly ClassicalName[] = ["psi", "js", "hellinger", "tv"];

/** Ties raise Cramér–von Mises in scipy's convention: it is 0 for equal samples of different values only. */
const zeroWhenEqual = classicalStatistics
  .map(({ name }) => name)
  .filter((name) => name !== "mannWhitneyU" && name !== "cramerVonMises");

const atMostOne: readonly ClassicalName[] = ["js", "hellinger", "tv", "ks", "nullShift", "defaultShift"];

const close = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

describe("every statistic", () => {
  it("is finite, its p-value in [0, 1], where it is defined", () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        for (const [name, { value, logP, exactPValue }] of measured(a, b)) {
          assert.ok(Number.isFinite(value), name);
          if (logP !== undefined) assert.ok(logP <= 0, `${name}: ln p ${logP}`);
          if (exactPValue !== undefined) assert.ok(exactPValue >= 0 && exactPValue <= 1 + 1e-12, name);
        }
      }),
    );
  });

  it("is 0, and no evidence, for equal samples", () => {
    fc.assert(
      fc.property(fc.oneof(numbers, words), (a) => {
        const found = measured(a, a);
        for (const name of zeroWhenEqual) {
          const own = found.get(name);
          if (own === undefined) continue;
          assert.ok(Math.abs(own.value) <= 1e-12, `${name} ${own.value}`);
          assert.ok(own.logP === undefined || own.logP > -1e-9, `${name}: ln p ${own.logP}`);
        }
        const pair = pairOfArrays(a, a);
        const u = valueIn("mannWhitneyU", pair);
        if (u !== undefined) assert.equal(u, (a.length * a.length) / 2);
      }),
    );
  });

  it("is blind to the order of rows", () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        assert.deepEqual([...measured(a.toReversed(), b.toReversed())], [...measured(a, b)]);
      }),
    );
  });

  it("is symmetric, or only changes its sign, where its range says so", () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const [there, back] = [measured(a, b), measured(b, a)];
        for (const [name, { value }] of there) {
          const other = back.get(name)?.value;
          if (oneSided.includes(name) || other === undefined) continue;
          if (cut.includes(name) && typeof a[0] === "number") continue;
          const wanted =
            name === "mannWhitneyU" ? a.length * b.length - value : signed.includes(name) ? -value : value;
          assert.ok(close(other, wanted), `${name} ${value} there, ${other} back`);
        }
      }),
    );
  });

  it("stays within its range", () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const found = measured(a, b);
        for (const [name, { value }] of found) {
          if (atMostOne.includes(name)) assert.ok(Math.abs(value) <= 1 + 1e-12, `${name} ${value}`);
          const floor = name === "kl" ? -1e-4 * (a.length + b.length) : -1e-12;
          if (name !== "mannWhitneyU" && !signed.includes(name) && !/Shift|Z$|cramer/.test(name))
            assert.ok(value >= floor, `${name} ${value}`);
        }
        const u = found.get("mannWhitneyU")?.value;
        if (u !== undefined) assert.ok(u >= 0 && u <= a.length * b.length);
        const [w, shift] = [found.get("wassersteinNormed")?.value, found.get("meanShift")?.value];
        if (w !== undefined && shift !== undefined) assert.ok(w >= Math.abs(shift) * (1 - 1e-9) - 1e-12);
      }),
    );
  });

  it("does not fall when the same values are moved further up", () => {
    const random = createRandom(5);
    const reference = Array.from({ length: 300 }, () => random.normal());
    const before = new Map<ClassicalName, number>();
    for (const shift of [0, 0.25, 0.5, 1, 2, 4]) {
      const current = reference.map((x) => x + shift);
      for (const [name, { value }] of measured(reference, current)) {
        const size = name === "mannWhitneyU" ? -value : Math.abs(value);
        const last = before.get(name);
        if (last !== undefined && name !== "sdShift")
          assert.ok(size >= last - 1e-9, `${name} fell at ${shift}`);
        before.set(name, size);
      }
    }
  });

  it("does not fall when more rows are swapped for a new value", () => {
    const reference = Array.from({ length: 400 }, (_, i) => ["US", "US", "GB", "DE"][i % 4] as string);
    const before = new Map<ClassicalName, number>();
    for (const swapped of [0, 4, 20, 100, 200]) {
      const current = reference.map((value, i) => (i < swapped ? "United States" : value));
      for (const [name, { value }] of measured(reference, current)) {
        assert.ok(Math.abs(value) >= (before.get(name) ?? 0) - 1e-9, `${name} fell at ${swapped}`);
        before.set(name, Math.abs(value));
      }
    }
  });

  it("does not feel a shift of both samples by 1e9", () => {
    const random = createRandom(6);
    const grid = (): number => Math.round(random.normal() * 2 ** 20) / 2 ** 20;
    const [a, b] = [Array.from({ length: 200 }, grid), Array.from({ length: 150 }, grid)];
    const far = measured(
      a.map((x) => x + 1e9),
      b.map((x) => x + 1e9),
    );
    for (const [name, { value }] of measured(a, b)) {
      const own = far.get(name)?.value ?? Number.NaN;
      assert.ok(
        Math.abs(own - value) <= 1e-9 * Math.abs(value) + 1e-15,
        `${name} ${own} instead of ${value}`,
      );
    }
  });
});

describe("cells", () => {
  it("are cut at deciles between neighbours in rank, a value on an edge above it", () => {
    assert.deepEqual(
      decileEdges(numericSample([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100])),
      [10, 20, 30, 40, 50, 60, 70, 80, 90],
    );
    assert.deepEqual(decileEdges(numericSample([7, 7, 7])), [7]);
    const cells = pairOfArrays([7, 7, 7], [6, 7, 8]).cells();
    assert.deepEqual([...cells.current], [1, 2]);
    assert.deepEqual([...cells.reference], [0, 3]);
  });

  it("of categories stand in the order of code points", () => {
    const order = ["😀", "\ufffd", "z", "", "ab", "a"].sort(byCodePoint);
    assert.deepEqual(order, ["", "a", "ab", "z", "\ufffd", "😀"]);
  });
});

describe("psi by luck alone", () => {
  it("passes 0.1 in 39% of undrifted windows of 100 rows, and in none of 1,000, as the page says", () => {
    const random = createRandom(21);
    const reference = Array.from({ length: 5_000 }, (_, i) => i / 5_000);
    const shareAbove = (rows: number, windows: number): number => {
      let above = 0;
      for (let i = 0; i < windows; i++) {
        const pair = pairOfArrays(reference, Array.from({ length: rows }, random.uniform));
        if ((valueIn("psi", pair) ?? 0) > 0.1) above += 1;
      }
      return above / windows;
    };
    assert.ok(Math.abs(shareAbove(100, 1_000) - 0.39) < 0.05);
    assert.equal(shareAbove(1_000, 100), 0);
  });
});
