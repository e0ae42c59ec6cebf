import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { hashBytes, viewOf } from "../../src/model/hash.ts";
import {
  addBytes,
  addCategory,
  type Categories,
  countOf,
  createCategories,
  entries,
  isExact,
  mergeCategories,
  size,
  top,
  total,
} from "../../src/sketch/categories.ts";
import { categoriesSketch } from "../../src/sketch/categories-wire.ts";
import { createRandom } from "../judge/random.ts";

function countsOf(values: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function of(values: Iterable<string>, limit = 4_096): Categories {
  const into = createCategories(limit);
  for (const value of values) addCategory(into, value);
  return into;
}

/** Every true count lies in [countOf, countOf + error], and the error is at most 2 · total / limit. */
function assertBounds(own: Categories, exact: ReadonlyMap<string, number>, what: string): void {
  const sum = [...exact.values()].reduce((a, b) => a + b, 0);
  assert.equal(total(own), sum, what);
  assert.ok(own.error <= (2 * sum) / own.limit, `${what}: error ${own.error} of ${sum}`);
  assert.ok(size(own) <= own.limit, what);
  for (const [value, count] of exact) {
    const found = countOf(own, value);
    assert.ok(
      found <= count && count <= found + own.error,
      `${what}: ${value} ${count} times, not ${found} + ${own.error}`,
    );
    if (count > own.error) assert.ok(found > 0, `${what}: ${value} is lost`);
  }
}

/** Streams of 8,000 values, most of which a table of 64 has no place for. */
const streams: Readonly<Record<string, (seed: number) => string[]>> = {
  zipf: (seed) => {
    const { pareto } = createRandom(seed);
    return Array.from({ length: 8_000 }, () => `z${Math.floor(pareto(0.8))}`);
  },
  "all distinct": () => Array.from({ length: 8_000 }, (_, i) => `d${i}`),
  "a few among many": (seed) => {
    const { uniform } = createRandom(seed);
    return Array.from({ length: 8_000 }, (_, i) => (uniform() < 0.3 ? `hot${i % 5}` : `cold${i}`));
  },
  sorted: () => Array.from({ length: 8_000 }, (_, i) => `s${Math.floor(i / 150)}`),
  "hot ones last": () => Array.from({ length: 8_000 }, (_, i) => (i < 6_000 ? `c${i}` : `hot${i % 7}`)),
  "round and round": () => Array.from({ length: 8_000 }, (_, i) => `r${i % 65}`),
};

describe("categories", () => {
  it("are exact up to the limit, in any order", () => {
    const { uniform } = createRandom(5);
    const values = Array.from({ length: 30_000 }, () => `v${Math.floor(4_096 * uniform() ** 3)}`);
    const exact = countsOf(values);
    const [own, turned] = [of(values), of(values.toReversed())];
    assert.ok(isExact(own));
    assert.equal(size(own), exact.size);
    for (const [value, count] of exact) assert.equal(countOf(own, value), count);
    const { encode } = categoriesSketch(4_096);
    assert.deepEqual(encode(own), encode(turned));
    assert.deepEqual(new Map(entries(own).map(({ value, count }) => [value, count])), exact);
  });

  it("are no longer exact with one value more than the limit", () => {
    const values = Array.from({ length: 9 }, (_, i) => `v${i}`);
    assert.ok(isExact(of(values.slice(1), 8)));
    assert.ok(!isExact(of(values, 8)));
  });

  for (const [name, stream] of Object.entries(streams)) {
    it(`beyond the limit keep their bounds: ${name}`, () => {
      for (let seed = 1; seed <= 2; seed++) {
        const values = stream(seed);
        const exact = countsOf(values);
        assertBounds(of(values, 64), exact, "whole");
        const shards = [0, 1, 2].map((shard) =>
          of(
            values.filter((_, i) => i % 3 === shard),
            64,
          ),
        );
        assertBounds(shards.reduce(mergeCategories), exact, "interleaved");
        const parts = [0, 1, 2, 3].map((part) => of(values.slice(part * 2_000, (part + 1) * 2_000), 64));
        assertBounds(
          parts.reduceRight((a, b) => mergeCategories(b, a)),
          exact,
          "in turn",
        );
        const found = new Map(top(of(values, 64), 64).map(({ value, count }) => [value, count]));
        for (const [value, count] of exact)
          if (count > values.length / 32)
            assert.ok(found.has(value), `${value}, ${count} times, is not among the top`);
      }
    });
  }

  it("of 10 million distinct values take a bounded memory", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const own = createCategories(4_096);
    const bytes = new Uint8Array(16);
    const view = viewOf(bytes);
    const hash = { low: 0, high: 0 };
    const add = (value: number): void => {
      view.setUint32(0, value, true);
      hashBytes(hash, view, 0, 16);
      addBytes(own, hash.low, hash.high, bytes, 0, 16, 1);
    };
    for (let i = 0; i < 10_000; i++) add(i);
    const before = used();
    for (let i = 10_000; i < 10_000_000; i++) add(i);
    const grown = used() - before;
    assert.ok(grown < 1_000_000, `${grown} bytes more`);
    assert.equal(total(own), 10_000_000);
    assert.ok(own.error <= (2 * 10_000_000) / 4_096);
    const held = [own.slots, own.low, own.high, own.lengths, own.starts, own.counts, own.bytes];
    assert.ok(held.reduce((sum, array) => sum + array.byteLength, 0) < 4_096 * (256 * 2 + 40));
  });

  it("of long values take at most 256 bytes each, and are told apart by what is not kept", () => {
    const long = "x".repeat(300);
    const own = createCategories(8);
    for (let i = 0; i < 5_000; i++) addCategory(own, `${"long".repeat(1_000)}${i}`);
    assert.ok(own.bytes.length <= 8 * 256 * 2);
    const two = of([`${long}a`, `${long}b`, `${long}b`]);
    assert.deepEqual([countOf(two, `${long}a`), countOf(two, `${long}b`), countOf(two, long)], [1, 2, 0]);
    assert.deepEqual(
      top(two, 2).map(({ value }) => value),
      [`${"x".repeat(256)}…`, `${"x".repeat(256)}…`],
    );
    assert.deepEqual(top(of(["y".repeat(256)]), 1), [{ value: "y".repeat(256), count: 1 }]);
    const merged = mergeCategories(two, of([`${long}a`, long]));
    assert.deepEqual([countOf(merged, `${long}a`), countOf(merged, long), size(merged)], [2, 1, 3]);
  });

  it("stand in order of count, then of value; the first k of them are a beginning of all", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "c", "d", "", "ü", "__proto__")),
        fc.nat(9),
        (values, k) => {
          const own = of(values);
          const expected = [...countsOf(values)]
            .map(([value, count]) => ({ value, count }))
            .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
          assert.deepEqual(entries(own), expected);
          assert.deepEqual(top(own, k), expected.slice(0, k));
        },
      ),
    );
  });

  it("take counts of many at once as many single ones", () => {
    const own = createCategories(8);
    for (const [value, count] of [
      ["a", 5],
      ["b", 70],
      ["a", 2],
    ] as const)
      addCategory(own, value, count);
    const { agrees, encode } = categoriesSketch(8);
    const single = of([..."a".repeat(7), ..."b".repeat(70)], 8);
    assert.ok(agrees(own, single));
    assert.deepEqual(encode(own), encode(single));
  });

  it("drop by a median that is right for counts of any size", () => {
    for (const scale of [1, 10, 64, 65, 1_000]) {
      const own = createCategories(8);
      const counts = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => n * scale);
      for (const [i, count] of counts.entries()) addCategory(own, `v${i}`, count);
      addCategory(own, "new", 1);
      assert.equal(own.error, 5 * scale, `the fifth of eight, times ${scale}`);
      assert.deepEqual(
        entries(own).filter(({ value }) => value !== "new"),
        [
          { value: "v7", count: 3 * scale },
          { value: "v6", count: 2 * scale },
          { value: "v5", count: scale },
        ],
      );
      assert.equal(countOf(own, "new"), 1);
    }
  });

  it("merge under the larger limit, and leave both as they were", () => {
    const [a, b] = [of(["a", "b"], 2), of(["c", "d", "d"], 4)];
    const { encode } = categoriesSketch(4);
    const before = [encode(a), encode(b)];
    const merged = mergeCategories(a, b);
    assert.equal(merged.limit, 4);
    assert.ok(isExact(merged));
    assert.deepEqual([encode(a), encode(b)], before);
    const over = mergeCategories(of(["a", "a", "a", "b"], 2), of(["c", "c", "d"], 2));
    assert.deepEqual([over.limit, over.error, total(over)], [2, 1, 7]);
    assert.deepEqual(entries(over), [
      { value: "a", count: 2 },
      { value: "c", count: 1 },
    ]);
    addCategory(over, "z");
    assert.ok(size(over) <= 2);
  });

  it("of fewer than two places are refused", () => {
    assert.throws(() => createCategories(1), { name: "AssertionError" });
    assert.equal(createCategories(2).limit, 2);
  });

  it("agree when bounds touch, and not when they contradict", () => {
    const { agrees } = categoriesSketch(4);
    assert.ok(!agrees(of(["a", "b"]), of(["a", "a"])));
    assert.ok(!agrees(of(["a"]), of(["a", "a"])));
    assert.ok(!agrees(of(["a", "b"]), of(["a", "c"])));
    const loose = { ...of(["a"]), total: 2, error: 1 };
    for (const exact of [of(["a", "a"]), of(["a", "b"])])
      assert.ok(agrees(loose, exact) && agrees(exact, loose));
    assert.ok(!agrees(loose, of(["b", "b"])) && !agrees(of(["b", "b"]), loose));
  });

  it("whose bytes cannot be are refused", () => {
    const { decode, encode } = categoriesSketch(8);
    const bytes = encode(of(["a", "b", "b"], 8));
    assert.equal(bytes.length, 5 + 2 * 4);
    const refused: Readonly<Record<string, Uint8Array>> = {
      "a limit of 1": bytes.with(1, 1),
      "a limit beyond 2^31": Uint8Array.of(1, 0x80, 0x80, 0x80, 0x80, 0x08, ...bytes.subarray(2)),
      "another total": bytes.with(2, 4),
      "an error above the total": bytes.with(3, 4),
      "more values than the limit": encode(of(["a", "b", "c"], 8)).with(1, 2),
      "more values than bytes": bytes.with(4, 40),
      "a count of 0": bytes.with(5, 0),
      "a length that is not the value's": bytes.with(6, 2),
      "values out of order": Uint8Array.of(
        ...bytes.subarray(0, 5),
        ...bytes.subarray(9),
        ...bytes.subarray(5, 9),
      ),
      "a value twice": Uint8Array.of(...bytes.subarray(0, 9), ...bytes.subarray(5, 9)),
    };
    for (const [what, bad] of Object.entries(refused))
      assert.throws(() => decode(bad), { code: "sketch.corrupt", message: /^categories/ }, what);
    assert.throws(() => decode(bytes.with(2, 9)), { code: "sketch.corrupt" });
    assert.equal(
      total(decode(bytes.with(2, 4).with(3, 1))),
      4,
      "counts may fall short where some were dropped",
    );
    assert.deepEqual(entries(decode(bytes)), [
      { value: "b", count: 2 },
      { value: "a", count: 1 },
    ]);
  });
});
