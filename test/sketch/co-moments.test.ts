import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  addPairs,
  type CoMoments,
  correlation,
  createCoMoments,
  mergeCoMoments,
} from "../../src/sketch/co-moments.ts";
import { createRandom } from "../judge/random.ts";

type Row = readonly [number, number];

function of(rows: readonly Row[]): CoMoments {
  const moments = createCoMoments();
  addPairs(
    moments,
    Float64Array.from(rows, ([x]) => x),
    Float64Array.from(rows, ([, y]) => y),
    0,
    rows.length,
  );
  return moments;
}

function assertClose(a: CoMoments, b: CoMoments): void {
  assert.equal(a.count, b.count);
  for (const key of ["x", "y", "xx", "yy", "xy"] as const)
    assert.ok(Math.abs(a[key] - b[key]) <= 1e-9 * (1 + Math.abs(a[key])), key);
}

const unit = fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.constant(Number.NaN));
const rows = fc.array(fc.tuple(unit, unit), { maxLength: 60 });

describe("co-moments", () => {
  it("merge in any order, and as the rows read whole", () => {
    fc.assert(
      fc.property(rows, rows, rows, (a, b, c) => {
        const whole = of([...a, ...b, ...c]);
        assertClose(mergeCoMoments(mergeCoMoments(of(a), of(b)), of(c)), whole);
        assertClose(mergeCoMoments(of(c), mergeCoMoments(of(b), of(a))), whole);
        assertClose(mergeCoMoments(of(a), createCoMoments()), of(a));
      }),
    );
  });

  it("leave out a row in which either has no value", () => {
    assert.deepEqual(
      of([
        [1, Number.NaN],
        [Number.NaN, 2],
        [0.5, -1],
      ]),
      of([[0.5, -1]]),
    );
  });

  it("give the correlation worked by hand, and none of what does not vary", () => {
    // x 1 2 3 4, y 1 3 2 4: Σxy − Σx·Σy/n = 29 − 25 = 4, both variances 5
    const r = correlation(
      of(
        [
          [1, 1],
          [2, 3],
          [3, 2],
          [4, 4],
        ].map(([x = 0, y = 0]) => [x / 2, y / 2] as const),
      ),
    );
    assert.ok(Math.abs((r ?? 0) - 0.8) < 1e-12);
    assert.equal(
      correlation(
        of([
          [1, 1],
          [1, 2],
          [1, 3],
          [1, 4],
        ]),
      ),
      undefined,
    );
    assert.equal(
      correlation(
        of([
          [1, 1],
          [2, 2],
          [3, 3],
        ]),
      ),
      undefined,
    );
  });

  it("find the correlation that rows were made with", () => {
    const { normal } = createRandom(7);
    const made = Array.from({ length: 20_000 }, (): Row => {
      const x = normal();
      return [x, 0.8 * x + 0.6 * normal()];
    });
    assert.ok(Math.abs((correlation(of(made)) ?? 0) - 0.8) < 0.01);
  });
});
