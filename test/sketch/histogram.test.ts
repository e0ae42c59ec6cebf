import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  addValues,
  bucketBounds,
  bucketMiddle,
  bucketOf,
  buckets,
  cdf,
  createHistogram,
  type Frame,
  type Histogram,
  histogramSketch,
  mergeHistograms,
  quantile,
  unitFrame,
} from "../../src/sketch/histogram.ts";
import { createRandom } from "../judge/random.ts";
import { everyShape, exactCdf, exactMoments, exactQuantile, ownFrame, sortedOf } from "./shapes.ts";

const shares = [0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

function histogramOf(values: ArrayLike<number>, frame: Frame = unitFrame): Histogram {
  const into = createHistogram(frame);
  addValues(into, Float64Array.from(values), 0, values.length);
  return into;
}

/** In an open end, of which only its bound and the extremes are known. */
const isBeyond = ({ centre, scale }: Frame, x: number): boolean => Math.abs(x - centre) >= 2 ** 64 * scale;

/** The stated error at x, and what rounding adds where the centre is far from 0. */
const errorAt = ({ centre, scale }: Frame, x: number): number =>
  Math.abs(x - centre) / 64 + 2 ** -61 * scale + 4 * Number.EPSILON * (Math.abs(x) + Math.abs(centre));

describe("a histogram around a feature's own median", () => {
  it("has every quantile within 1/64 of its distance from the centre, and within (|z| + 1)/64 of an SD, on every shape", () => {
    for (const { name, seed, values } of everyShape(10, 2_000)) {
      const sorted = sortedOf(values);
      const frame = ownFrame(sorted);
      const histogram = histogramOf(values, frame);
      const { mean, sd } = exactMoments(values);
      const extremes = { min: sorted[0] as number, max: sorted.at(-1) as number };
      for (const q of shares) {
        const exact = exactQuantile(sorted, q);
        for (const found of [quantile(histogram, q), quantile(histogram, q, extremes)]) {
          const off = Math.abs(found - exact);
          const what = `${name}, seed ${seed}: p${100 * q} is ${found}, not ${exact}`;
          if (isBeyond(frame, exact)) {
            assert.ok(found >= extremes.min && found <= extremes.max, what);
            continue;
          }
          assert.ok(off <= errorAt(frame, exact), what);
          if (sd > 0 && Number.isFinite(sd)) {
            const z = Math.abs(exact - mean) / sd;
            const rounding = 8 * Number.EPSILON * (Math.abs(exact) + Math.abs(mean));
            assert.ok(off <= ((z + 1) / 64) * sd + rounding, `${what}, SD ${sd}`);
          }
        }
      }
    }
  });

  it("has its CDF between the true ones one error to either side, on every shape", () => {
    for (const { name, seed, values } of everyShape(5, 1_000)) {
      const sorted = sortedOf(values);
      const frame = ownFrame(sorted);
      const histogram = histogramOf(values, frame);
      const extremes = { min: sorted[0] as number, max: sorted.at(-1) as number };
      const places = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99].map((q) => exactQuantile(sorted, q));
      const between = places.slice(1).map((x, i) => x / 2 + (places[i] as number) / 2);
      for (const x of [...places, ...between].filter((one) => !isBeyond(frame, one))) {
        const error = errorAt(frame, x);
        for (const found of [cdf(histogram, x), cdf(histogram, x, extremes)]) {
          const [low, high] = [exactCdf(sorted, x - error), exactCdf(sorted, x + error)];
          assert.ok(
            found >= low - 1e-12 && found <= high + 1e-12,
            `${name}, seed ${seed}: F(${x}) = ${found}, not in [${low}, ${high}]`,
          );
        }
      }
    }
  });

  it("is ten times as good on a normal feature: quantiles to 0.01 SD and the CDF to 0.5%, RMS over seeds", () => {
    let [quantiles, cdfs, count] = [0, 0, 0];
    for (let seed = 1; seed <= 30; seed++) {
      const { normal } = createRandom(seed);
      const values = Float64Array.from({ length: 20_000 }, () => normal(1e9, 5));
      const sorted = sortedOf(values);
      const histogram = histogramOf(values, ownFrame(sorted));
      for (const q of [0.05, 0.25, 0.5, 0.75, 0.95]) {
        const x = exactQuantile(sorted, q);
        quantiles += ((quantile(histogram, q) - x) / 5) ** 2;
        cdfs += (cdf(histogram, x) - q) ** 2;
        count++;
      }
    }
    assert.ok(Math.sqrt(quantiles / count) < 0.01, `${Math.sqrt(quantiles / count)} SD`);
    assert.ok(Math.sqrt(cdfs / count) < 0.005, `${Math.sqrt(cdfs / count)}`);
  });
});

describe("a histogram whose feature has drifted away by D standard deviations", () => {
  for (const drift of [1, 10, 64, 1_000, 1e6]) {
    it(`keeps quantiles within (|z| + ${drift})/64 SD`, () => {
      for (const side of [-1, 1]) {
        const frame = { centre: 7, scale: 1.35 };
        const { normal } = createRandom(drift);
        const values = Float64Array.from({ length: 5_000 }, () => normal(7 + side * drift, 1));
        const sorted = sortedOf(values);
        const histogram = histogramOf(values, frame);
        const { mean, sd } = exactMoments(values);
        const distance = Math.abs(mean - frame.centre) / sd;
        const extremes = { min: sorted[0] as number, max: sorted.at(-1) as number };
        for (const q of shares) {
          const exact = exactQuantile(sorted, q);
          const z = Math.abs(exact - mean) / sd;
          const off = Math.abs(quantile(histogram, q) - exact) / sd;
          assert.ok(off <= (z + distance) / 64 + 1e-9, `p${100 * q} off by ${off} SD`);
          const clipped = Math.abs(quantile(histogram, q, extremes) - exact);
          assert.ok(clipped <= extremes.max - extremes.min, "and never by more than max − min");
        }
      }
    });
  }

  it("beyond the outermost buckets is still told from min and max", () => {
    const values = [1e30, 2e30, 3e30];
    const histogram = histogramOf(values);
    assert.equal(quantile(histogram, 0.5), 2 ** 64, "without them: the bound of the open end");
    assert.equal(quantile(histogram, 1, { min: 1e30, max: 3e30 }), 3e30);
    assert.ok(Math.abs(cdf(histogram, 2e30, { min: 1e30, max: 3e30 }) - 0.5) < 1e-15);
    assert.equal(cdf(histogram, 2e30), 1);
    assert.equal(cdf(histogramOf([-1e30]), -1e31), 0);
  });
});

describe("buckets", () => {
  it("hold the values that fall between their bounds, the one nearer to the centre included", () => {
    const frames: Frame[] = [unitFrame, { centre: 1e9, scale: 0.5 }, { centre: -3, scale: 1e-5 }];
    fc.assert(
      fc.property(
        fc.double({ min: -1e12, max: 1e12, noNaN: true }),
        fc.constantFrom(...frames),
        (x, frame) => {
          const index = bucketOf(frame, x);
          const [lower, upper] = bucketBounds(frame, index);
          const rounding = 2 * Number.EPSILON * (Math.abs(x) + Math.abs(frame.centre));
          assert.ok(lower - rounding <= x && x <= upper + rounding, `${x} in ${lower}…${upper}`);
          const { index: found, count } = buckets(histogramOf([x], frame));
          assert.deepEqual([...found], [index]);
          assert.deepEqual([...count], [1]);
          const middle = bucketMiddle(frame, index);
          assert.ok(lower <= middle && middle <= upper);
        },
      ),
    );
    for (const [x, index] of [
      [1, 62 * 64 + 1],
      [-1, -(62 * 64 + 1)],
      [1 + 1 / 64, 62 * 64 + 2],
      [0.999, 62 * 64],
      [0, 0],
      [-0, 0],
      [2 ** -63, 0],
      [2 ** -62, 1],
      [2 ** 64, 8_065],
      [-(2 ** 64), -8_065],
      [2 ** 64 - 4_096, 8_064],
      [Number.MAX_VALUE, 8_065],
    ] as const)
      assert.equal(bucketOf(unitFrame, x), index, String(x));
  });

  it("are counted in slices as one by one, and ascend", () => {
    const values = Float64Array.from([5, -5, 0, 1e-30, 2 ** 70, -(2 ** 70), 3, 3, -0.25, -0.251, 1e300]);
    const whole = createHistogram(unitFrame);
    addValues(whole, values, 2, 9);
    const single = histogramSketch(unitFrame);
    const one = single.create();
    for (const value of values.subarray(2, 9)) single.add(one, value);
    assert.ok(single.agrees(whole, one));
    assert.equal(whole.total, 7);
    const { index, count } = buckets(histogramOf(values));
    assert.deepEqual(
      [...index],
      [...index].sort((a, b) => a - b),
    );
    assert.equal(
      count.reduce((sum, n) => sum + n, 0),
      values.length,
    );
    assert.deepEqual([index[0], index.at(-1), count.at(-1)], [-8_065, 8_065, 2]);
  });

  it("count beyond 2^32 without a loss", () => {
    const { decode, encode, merge } = histogramSketch(unitFrame);
    let many = histogramOf([1, 1, -2, 0, 2 ** 65]);
    for (let i = 0; i < 40; i++) many = merge(many, many);
    assert.equal(many.total, 5 * 2 ** 40);
    const one = histogramOf([1, -3]);
    for (const both of [merge(many, one), merge(one, many), decode(encode(merge(many, one)))]) {
      addValues(both, Float64Array.of(1, 7), 0, 2);
      const { index, count } = buckets(both);
      const counts = new Map([...index].map((at, i) => [at, count[i]]));
      assert.equal(counts.get(bucketOf(unitFrame, 1)), 2 ** 41 + 2);
      assert.equal(counts.get(bucketOf(unitFrame, -2)), 2 ** 40);
      assert.equal(counts.get(bucketOf(unitFrame, -3)), 1);
      assert.equal(counts.get(bucketOf(unitFrame, 7)), 1);
      assert.equal(counts.get(0), 2 ** 40);
      assert.equal(both.total, 5 * 2 ** 40 + 4);
    }
    assert.equal(one.total, 2, "neither side is changed");
  });

  it("of other frames do not merge, and frames that cannot be are refused", () => {
    for (const frame of [
      { centre: 1, scale: 1 },
      { centre: 0, scale: 2 },
    ])
      assert.throws(() => mergeHistograms(histogramOf([1]), histogramOf([1], frame)), {
        name: "AssertionError",
      });
    for (const frame of [
      { centre: Number.NaN, scale: 1 },
      { centre: 0, scale: 0 },
      { centre: 0, scale: -1 },
      { centre: 0, scale: Infinity },
      { centre: Infinity, scale: 1 },
    ])
      assert.throws(() => createHistogram(frame), { name: "AssertionError" });
  });
});

describe("quantile and cdf", () => {
  it("of nothing are NaN", () => {
    assert.ok(Number.isNaN(quantile(histogramOf([]), 0.5)));
    assert.ok(Number.isNaN(cdf(histogramOf([]), 0.5)));
    assert.ok(Number.isNaN(cdf(histogramOf([1]), Number.NaN)));
  });

  it("are those of the data where a bucket holds one value and its extremes are known", () => {
    const values = [-1, 0, 1];
    const extremes = { min: -1, max: 1 };
    const histogram = histogramOf(values);
    assert.deepEqual(
      [0, 0.5, 1].map((q) => quantile(histogram, q, extremes)),
      [-1, 0, 1],
    );
    assert.deepEqual(
      [-2, 0, 1, 5, Infinity, -Infinity].map((x) => cdf(histogram, x, extremes)),
      [0, 2 / 3, 1, 1, 1, 0],
    );
    assert.deepEqual(
      [Infinity, -Infinity].map((x) => cdf(histogram, x)),
      [1, 0],
    );
    assert.deepEqual(
      [2, -1].map((q) => quantile(histogram, q, extremes)),
      [1, -1],
    );
    assert.equal(cdf(histogram, -1e-9), 1 / 3, "values at the centre are not below it");
  });

  it("ascend together", () => {
    const { normal } = createRandom(3);
    const histogram = histogramOf(Array.from({ length: 500 }, () => normal()));
    let before = Number.NEGATIVE_INFINITY;
    for (let q = 0; q <= 1; q += 0.005) {
      const x = quantile(histogram, q);
      assert.ok(x >= before, `${q}`);
      assert.ok(Math.abs(cdf(histogram, x) - q) < 0.01, `${q}`);
      before = x;
    }
  });
});

describe("a histogram's bytes", () => {
  it("that cannot be are refused", () => {
    const { decode, encode } = histogramSketch({ centre: 3, scale: 2 });
    const bytes = encode(histogramOf([1, 2, 5], { centre: 3, scale: 2 }));
    assert.equal(bytes.length, 1 + 16 + 1 + 3 + 2 + 2 + 1);
    const changed = (at: number, ...values: number[]): Uint8Array =>
      Uint8Array.of(...bytes.subarray(0, at), ...values, ...bytes.subarray(at + values.length));
    const corrupt = { code: "sketch.corrupt", message: /^histogram/ };
    const scale = (value: number): number[] => [...new Uint8Array(Float64Array.of(value).buffer)];
    for (const bad of [
      changed(9, ...scale(0)),
      changed(9, ...scale(-1)),
      changed(9, ...scale(Infinity)),
      changed(9, ...scale(Number.NaN)),
      changed(1, ...scale(Infinity)),
      changed(17, 4),
      changed(17, 2),
      changed(bytes.length - 1, 0),
      changed(18, 0xff, 0xff, 0x7f),
    ])
      assert.throws(() => decode(bad), corrupt);
    assert.doesNotThrow(() => decode(changed(9, ...scale(7))));
    // a step of 0 names a bucket twice
    const twice = encode(histogramOf([1, 1.9], { centre: 3, scale: 2 }));
    assert.doesNotThrow(() => decode(twice));
  });
});
