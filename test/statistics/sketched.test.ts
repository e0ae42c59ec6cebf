import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { getOrInsert } from "../../src/model/maps.ts";
import { bucketOf, buckets, type Frame } from "../../src/sketch/histogram.ts";
import { fits, measureAll } from "../../src/statistics/measure.ts";
import { type Pair, pairOf } from "../../src/statistics/pair.ts";
import { type Profiled, sampleOf } from "../../src/statistics/profiled.ts";
import { classicalStatistics } from "../../src/statistics/table.ts";
import { type Cell, profileOf } from "../judge/profiles.ts";
import { createRandom, type Random } from "../judge/random.ts";
import { fieldSpec } from "../judge/samples.ts";
import { measured, pairOfArrays, valueIn } from "./support.ts";

/** What a value and its drifted twin are drawn from. */
interface Shape {
  readonly clean: (random: Random) => number;
  readonly moved: (random: Random) => number;
  /** Values repeat: Cramér–von Mises of the raw ones is another thing. */
  readonly tied?: boolean;
}

const shapes: Readonly<Record<string, Shape>> = {
  normal: { clean: (r) => r.normal(), moved: (r) => r.normal(0.3) },
  "normal, undrifted": { clean: (r) => r.normal(5, 2), moved: (r) => r.normal(5, 2) },
  "normal at 1e9 ± 1": { clean: (r) => 1e9 + r.normal(), moved: (r) => 1e9 + r.normal(1) },
  "tiny numbers": { clean: (r) => 1e-12 * r.normal(), moved: (r) => 1.3e-12 * r.normal() },
  uniform: { clean: (r) => r.uniform(), moved: (r) => r.uniform() ** 1.3 },
  "lognormal tail": { clean: (r) => Math.exp(2 * r.normal()), moved: (r) => 1.5 * Math.exp(2 * r.normal()) },
  "student with 2": { clean: (r) => r.student(2), moved: (r) => r.student(2) + 0.5 },
  "all negative": { clean: (r) => -r.pareto(2), moved: (r) => -r.pareto(1.6) },
  "other units": { clean: (r) => 20 + r.normal(), moved: (r) => 100 * (20 + r.normal()) },
  "two humps": {
    clean: (r) => r.normal(r.uniform() < 0.5 ? -4 : 4),
    moved: (r) => r.normal(r.uniform() < 0.4 ? -4 : 4),
  },
  counts: {
    clean: (r) => Math.floor(r.uniform() * 12),
    moved: (r) => Math.floor(r.uniform() * 13),
    tied: true,
  },
  "two points": {
    clean: (r) => (r.uniform() < 0.2 ? 1 : 0),
    moved: (r) => (r.uniform() < 0.4 ? 1 : 0),
    tied: true,
  },
  constant: { clean: () => 7.7, moved: (r) => 7.7 + r.normal(0, 0.01), tied: true },
};

interface Both {
  readonly raw: Pair;
  readonly sketched: Pair;
  readonly frame: Frame;
  readonly reference: readonly number[];
  readonly current: readonly number[];
  /** Share of each bucket, by index. */
  readonly shares: readonly [Map<number, number>, Map<number, number>];
}

function both({ clean, moved }: Shape, seed: number, rows: readonly [number, number]): Both {
  const random = createRandom(seed);
  const reference = Array.from({ length: rows[0] }, () => clean(random));
  const current = Array.from({ length: rows[1] }, () => moved(random));
  const sorted = reference.toSorted((a, b) => a - b);
  const at = (q: number): number => sorted[Math.floor(q * (sorted.length - 1))] as number;
  const frame = { centre: at(0.5), scale: at(0.75) - at(0.25) || 1 };
  const [a, b] = [profiled(reference, frame), profiled(current, frame)];
  const [before, now] = [sampleOf(a), sampleOf(b)];
  const sketched = before === undefined || now === undefined ? undefined : pairOf(before, now);
  assert(sketched !== undefined);
  const raw = pairOfArrays(reference, current);
  return { raw, sketched, frame, reference, current, shares: [sharesOf(a), sharesOf(b)] };
}

const field = fieldSpec("x", "float64");
const profiled = (cells: readonly Cell[], frame: Frame): Profiled => profileOf(field, cells, frame);

function sharesOf({ body }: Profiled): Map<number, number> {
  assert(body.kind === "numeric");
  const { index, count } = buckets(body.histogram);
  return new Map([...index].map((at, i) => [at, (count[i] as number) / body.histogram.total]));
}

const fullest = (shares: ReadonlyMap<number, number>): number => Math.max(...shares.values());

/** Mean distance from the frame's centre. */
const spreadOf = (xs: readonly number[], { centre }: Frame): number =>
  xs.reduce((sum, x) => sum + Math.abs(x - centre), 0) / xs.length;

/** Rows in buckets that an edge of the cells may lie in: between the two values that each decile lies between. */
function rowsAtEdges({ reference, frame, shares: [before, now] }: Both): number {
  const sorted = reference.toSorted((a, b) => a - b);
  let sum = 0;
  for (let decile = 1; decile <= 9; decile++) {
    const rank = Math.floor(((sorted.length - 1) * decile) / 10);
    const low = bucketOf(frame, sorted[rank] as number);
    const high = bucketOf(frame, sorted[Math.min(rank + 1, sorted.length - 1)] as number);
    for (const shares of [before, now])
      for (const [at, share] of shares) if (at >= low && at <= high) sum += share;
  }
  return sum;
}

const seeds = [1, 2, 3, 4, 5];
const sizes = [
  [4_000, 1_000],
  [10_000, 60],
  [500, 3_000],
] as const;

const made = new Map<Shape, readonly Both[]>();

function each(shape: Shape, holds: (pairs: Both) => void): void {
  const pairs = getOrInsert(made, shape, () =>
    seeds.map((seed) => both(shape, seed, sizes[seed % sizes.length] as readonly [number, number])),
  );
  pairs.forEach(holds);
}

function within(actual: number | undefined, expected: number | undefined, bound: number, what: string): void {
  assert(actual !== undefined && expected !== undefined, `${what} is not there`);
  assert(Math.abs(actual - expected) <= bound, `${what}: ${actual}, raw ${expected}, bound ${bound}`);
}

for (const [name, shape] of Object.entries(shapes)) {
  describe(`statistics read off sketches of ${name}`, () => {
    it("are exact where mean and SD suffice", () =>
      each(shape, ({ raw, sketched }) => {
        for (const key of ["meanShift", "sdShift", "welchT", "nullShift"] as const) {
          const expected = valueIn(key, raw);
          if (expected !== undefined)
            within(valueIn(key, sketched), expected, 1e-9 * Math.abs(expected) + 1e-12, key);
        }
      }));

    it("give a Kolmogorov–Smirnov that is low by the fullest bucket's share at most, and never high", () =>
      each(shape, ({ raw, sketched, shares: [a, b] }) => {
        const [own, exact] = [valueIn("ks", sketched) ?? 2, valueIn("ks", raw) ?? 0];
        assert(own <= exact + 1e-12, `${own} above ${exact}`);
        within(own, exact, Math.max(fullest(a), fullest(b)) + 1e-12, "ks");
      }));

    it("give a Wasserstein and an energy distance within what buckets can move", () =>
      each(shape, ({ raw, sketched, frame, reference, current, shares: [a, b] }) => {
        const [x, y] = [spreadOf(reference, frame) / 128, spreadOf(current, frame) / 128];
        const rounding = 1e-12 * (Math.abs(frame.centre) + x + y);
        within(
          valueIn("wasserstein", sketched),
          valueIn("wasserstein", raw),
          x + y + rounding,
          "wasserstein",
        );
        const bound = Math.sqrt(2 * x * fullest(a)) + Math.sqrt(2 * y * fullest(b)) + Math.sqrt(rounding);
        within(valueIn("energy", sketched), valueIn("energy", raw), bound, "energy");
      }));

    it("give a Mann–Whitney U within half the pairs that share a bucket", () =>
      each(shape, ({ raw, sketched, shares: [a, b], reference, current }) => {
        const shared = [...a].reduce((sum, [at, share]) => sum + share * (b.get(at) ?? 0), 0);
        const pairs = reference.length * current.length;
        within(
          valueIn("mannWhitneyU", sketched),
          valueIn("mannWhitneyU", raw),
          (pairs * shared) / 2 + 1e-6,
          "U",
        );
      }));

    it("give a total variation within the rows in the buckets at the cells' edges, Hellinger within their root", () =>
      each(shape, (pairs) => {
        const bound = rowsAtEdges(pairs) + 1e-12;
        within(valueIn("tv", pairs.sketched), valueIn("tv", pairs.raw), bound, "tv");
        within(
          valueIn("hellinger", pairs.sketched),
          valueIn("hellinger", pairs.raw),
          Math.sqrt(2 * bound),
          "hellinger",
        );
      }));

    it("give PSI, KL and Jensen–Shannon as near as has been measured", () =>
      each(shape, ({ raw, sketched }) => {
        for (const [key, bound] of [
          ["psi", 0.06],
          ["kl", 0.03],
          ["js", 0.02],
        ] as const)
          within(valueIn(key, sketched), valueIn(key, raw), bound, key);
      }));

    if (shape.tied !== true)
      it("give a Cramér–von Mises within what the fullest bucket can move", () =>
        each(shape, ({ raw, sketched, shares: [a, b] }) => {
          const { reference, current } = raw;
          const scale = (reference.total * current.total) / (reference.total + current.total);
          const [ks, share] = [valueIn("ks", raw) ?? 0, Math.max(fullest(a), fullest(b))];
          const bound = scale * (2 * ks * share + share * share) + 0.01;
          within(
            valueIn("cramerVonMises", sketched),
            valueIn("cramerVonMises", raw),
            bound,
            "cramerVonMises",
          );
        }));
  });
}

describe("statistics read off category counts", () => {
  it("are those of the rows, all of them", () => {
    const random = createRandom(3);
    const words = (shares: readonly number[]): string[] =>
      Array.from({ length: 700 }, () => random.pick(["US", "DE", "é", "😀"], shares));
    const [reference, current] = [words([5, 3, 1, 1]), words([5, 2, 2, 0.2])];
    const text = fieldSpec("x", "string");
    const [a, b] = [sampleOf(profileOf(text, reference)), sampleOf(profileOf(text, current))];
    const pair = a === undefined || b === undefined ? undefined : pairOf(a, b);
    assert(pair !== undefined);
    for (const [key, { value }] of measured(reference, current))
      within(valueIn(key, pair), value, 1e-12 * Math.max(1, Math.abs(value)), key);
  });

  it("know the mapping's default cases where there is one", () => {
    const mapped = fieldSpec("x", "string", { mapping: { values: ["US"], maxDefaultRate: 0.01 } });
    const [a, b] = [
      ["US", "US", "US", "UK"],
      ["US", "UK", "UK", "UK"],
    ].map((cells) => sampleOf(profileOf(mapped, cells)));
    const pair = a === undefined || b === undefined ? undefined : pairOf(a, b);
    assert(pair !== undefined);
    assert.equal(valueIn("defaultShift", pair), 0.5);
  });

  it("are those of two categories for bools, and none for embeddings or fields without a value", () => {
    const bool = sampleOf(profileOf(fieldSpec("x", "bool"), [true, true, false, null]));
    assert(bool?.kind === "categorical");
    assert.deepEqual(
      [...bool.counts],
      [
        ["false", 1],
        ["true", 2],
      ],
    );
    assert.equal(bool.nulls, 1);
    assert.equal(sampleOf(profileOf(fieldSpec("x", "embedding"), [[1, 2]])), undefined);
    assert.equal(sampleOf(profileOf(field, [])), undefined);
  });

  it("are those of sizes alone where there are nulls only, or more categories than are counted", () => {
    const ids = Array.from({ length: 5_000 }, (_, i) => `id ${i}`);
    const text = fieldSpec("x", "string", { mapping: { values: ["US"], maxDefaultRate: 0.01 } });
    for (const [of, before, now] of [
      [field, [1, 2, 3, 4], [null, null]],
      [fieldSpec("x", "bool"), [true, false], [null]],
      [text, ["US", "US", "DE", "DE"], [null]],
    ] as const) {
      const [a, b] = [sampleOf(profileOf(of, before)), sampleOf(profileOf(of, now))];
      const pair = a === undefined || b === undefined ? undefined : pairOf(a, b);
      assert(pair !== undefined);
      assert.deepEqual([...measureAll(pair).keys()], ["nullShift"]);
      assert.equal(valueIn("nullShift", pair), 1);
    }
    const [a, b] = [sampleOf(profileOf(text, ["US", "US"])), sampleOf(profileOf(text, [...ids, null]))];
    const pair = a === undefined || b === undefined ? undefined : pairOf(a, b);
    assert(pair !== undefined);
    assert.deepEqual([...measureAll(pair).keys()], ["nullShift", "defaultShift"]);
    assert.equal(valueIn("defaultShift", pair), 1);
  });

  it("leave nothing out that fits, but the count of distinct numbers", () => {
    const { sketched } = both(shapes["normal"] as Shape, 1, [500, 400]);
    const missing = classicalStatistics.filter(
      (each) => fits(each, "numeric") && valueIn(each.name, sketched) === undefined,
    );
    assert.deepEqual(
      missing.map((each) => each.name),
      ["distinctShift"],
    );
  });
});
