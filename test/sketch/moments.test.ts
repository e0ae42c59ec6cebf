import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  addColumn,
  addMoments,
  createMoments,
  deviation,
  type Moments,
  mergeMoments,
  moments as sketch,
  variance,
} from "../../src/sketch/moments.ts";
import { assertMomentsAgree } from "../profile/agreement.ts";
import { everyShape, exactMoments } from "./shapes.ts";

const of = (values: Float64Array, from = 0, to = values.length): Moments => {
  const into = createMoments();
  addColumn(into, values, from, to);
  return into;
};

/** One at a time: what `addColumn` is held to. */
const oneByOne = (values: Iterable<number>): Moments => {
  const into = createMoments();
  for (const value of values) sketch.add(into, value);
  return into;
};

const finite = fc.double({ min: -1e100, max: 1e100, noNaN: true });

describe("moments", () => {
  it("are within 1e-12 of exact ones on every shape, whole, in parts and merged", () => {
    for (const { name, seed, values } of everyShape(4, 1_003)) {
      const { mean, m2, sd } = exactMoments(values);
      const scale = Math.max(Math.abs(mean), sd);
      const parts = [of(values, 0, 1), of(values, 1, 400), of(values, 400, 400), of(values, 400)];
      const ways = {
        whole: of(values),
        merged: parts.reduce(mergeMoments),
        backwards: parts.reduceRight((a, b) => mergeMoments(a, b)),
      };
      for (const [way, own] of Object.entries(ways)) {
        const what = `${name}, seed ${seed}, ${way}`;
        assert.equal(own.count, values.length, what);
        assert.equal(own.min + 0, Math.min(...values) + 0, what);
        assert.equal(own.max + 0, Math.max(...values) + 0, what);
        assert.ok(
          Math.abs(own.mean - mean) <= 1e-12 * scale + 2 ** -1060,
          `${what}: mean ${own.mean}, not ${mean}`,
        );
        if (!Number.isFinite(m2)) assert.equal(own.m2, Number.POSITIVE_INFINITY, what);
        else assert.ok(Math.abs(own.m2 - m2) <= 1e-12 * m2 + 1e-300, `${what}: m2 ${own.m2}, not ${m2}`);
      }
    }
  });

  it("of a column agree with those of its values one at a time, wherever it is cut", () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 40 }), fc.nat(40), fc.nat(40), (xs, a, b) => {
        const [from, to] = [Math.min(a, b, xs.length), Math.min(Math.max(a, b), xs.length)];
        assertMomentsAgree("slice", of(Float64Array.from(xs), from, to), oneByOne(xs.slice(from, to)));
      }),
    );
  });

  it("of a slice see nothing outside it", () => {
    const values = Float64Array.of(1e9, 1, 2, 3, 4, 5, 6, -1e9);
    const own = of(values, 1, 7);
    assert.deepEqual([own.count, own.mean, own.m2, own.min, own.max], [6, 3.5, 17.5, 1, 6]);
  });

  it("have the sample variance and deviation, 0 with fewer than two values", () => {
    const own = oneByOne([1, 2, 3, 4]);
    assert.equal(variance(own), 5 / 3);
    assert.equal(deviation(own), Math.sqrt(5 / 3));
    assert.equal(variance(oneByOne([7])), 0);
    assert.equal(deviation(createMoments()), 0);
    assert.equal(variance(oneByOne([1, 3])), 2);
  });

  it("keep the digits of a mean that is far from 0", () => {
    const values = Float64Array.from({ length: 10_000 }, (_, i) => 1e9 + (i % 2 === 0 ? 1 : -1));
    const merged = mergeMoments(of(values), oneByOne(values));
    assert.equal(merged.mean + (merged.residue ?? 0), 1e9);
    assert.equal(merged.m2, 20_000);
  });

  it("survive sums and squares beyond the largest double", () => {
    const own = of(Float64Array.of(1.7e308, 1.7e308, -1.7e308, 1.7e308));
    assert.equal(own.count, 4);
    assert.ok(Math.abs(own.mean - 0.85e308) < 1e296, String(own.mean));
    assert.equal(own.m2, Number.POSITIVE_INFINITY);
    const merged = mergeMoments(own, of(Float64Array.of(1)));
    assert.deepEqual([merged.count, merged.m2, merged.min, merged.max], [5, Infinity, -1.7e308, 1.7e308]);
    assert.ok(Number.isFinite(merged.mean));
  });

  it("take an empty column and an empty part as what they are", () => {
    const own = oneByOne([1, 2]);
    const before = { ...own };
    addColumn(own, Float64Array.of(9), 0, 0);
    addMoments(own, createMoments());
    assert.deepEqual(own, before);
    addColumn(own, Float64Array.of(3, 4, 5, 6, 7), 0, 5);
    assertMomentsAgree("more", own, oneByOne([1, 2, 3, 4, 5, 6, 7]));
    assert.deepEqual([own.min, own.max], [1, 7]);
  });

  it("disagree when a count, an extreme, a mean or a spread does", () => {
    const { agrees } = sketch;
    const own = oneByOne([1, 2, 3]);
    assert.ok(agrees(own, { ...own }));
    for (const other of [
      { ...own, count: 4 },
      { ...own, min: 0 },
      { ...own, max: 4 },
      { ...own, mean: own.mean + 1e-9 },
      { ...own, m2: own.m2 + 1e-9 },
    ])
      assert.ok(!agrees(own, other) && !agrees(other, own));
  });

  it("that cannot be are refused", () => {
    const bytes = (own: Moments): Uint8Array => sketch.encode(own);
    const own = oneByOne([1, 2]);
    const corrupt = { code: "sketch.corrupt", message: /^moments/ };
    assert.throws(() => sketch.decode(bytes({ ...own, m2: -1 })), corrupt);
    assert.throws(() => sketch.decode(bytes({ ...own, min: 3 })), corrupt);
    assert.throws(() => sketch.decode(bytes({ ...own, mean: Number.NaN })), corrupt);
    assert.deepEqual(sketch.decode(bytes(own)), own);
  });
});
