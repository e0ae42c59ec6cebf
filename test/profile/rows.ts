import fc from "fast-check";
import { minute } from "../judge/samples.ts";
import type { Row } from "./batches.ts";

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { freq: 6, nil: null });

/** Everyday values, values that break each rule, and values that careless arithmetic gets wrong. */
const number = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -20, max: 20, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(1e9, 1e9 + 1, 1e9 - 1, 0, -0, Number.MIN_VALUE, 1e7) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);

const text = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("US", "GB", "DE", "FR", "United States", "", "__proto__") },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.nat(20).map((n) => `${"long".repeat(70)}${n}`) },
);

/** @param times  ms within which event times lie */
export function arbitraryRow(times: { readonly min: number; readonly max: number }): fc.Arbitrary<Row> {
  return fc.record({
    time: fc.integer(times) as fc.Arbitrary<number | null>,
    x: orNull(number),
    id: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    seen: orNull(fc.integer(times)),
    country: orNull(text),
    device: orNull(fc.constantFrom("ios", "android", "web")),
    ok: orNull(fc.boolean()),
    vector: orNull(
      fc.oneof(
        { weight: 6, arbitrary: fc.array(number, { minLength: 3, maxLength: 3 }) },
        { weight: 1, arbitrary: fc.array(number, { maxLength: 5 }) },
      ),
    ),
    node: orNull(fc.constantFrom("a1", "a2", "b1")),
  });
}

/** Rows of one window. */
export const windowRows = fc.array(arbitraryRow({ min: 0, max: minute - 1 }), { maxLength: 60 });

/** Rows in any order over ten windows, some of them late, some without a time, some from the year 9999. */
export const streamRows = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: arbitraryRow({ min: 0, max: 10 * minute }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(arbitraryRow({ min: 0, max: 10 * minute }), fc.constantFrom(null, 253_402_300_799_000, -1))
        .map(([row, time]) => ({ ...row, time })),
    },
  ),
  { maxLength: 120 },
);
