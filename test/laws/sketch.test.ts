import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Sketch } from "../../src/sketch/sketch.ts";
import { numberSketches, textSketches } from "../../src/sketch/table.ts";

/** Everyday numbers, and those on which a careless sum, bucket or hash gives way. */
const number = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.double({ min: -1e100, max: 1e100, noNaN: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, -0, 1e9, 1e9 + 1, 1e9 - 1, Number.MIN_VALUE, -2.5e-310, 2 ** -1022, 1e-300),
  },
);

/** Few values often, so that they meet; long ones, empty ones, ones that are not ASCII. */
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("US", "GB", "DE", "", "__proto__", "ü", "\u{1f30a}") },
  { weight: 2, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.nat(40).map((n) => "x".repeat(240 + n)) },
);

describeLaws(numberSketches, number);
describeLaws(textSketches, text);

function describeLaws<Item>(
  sketches: Readonly<Record<string, Sketch<unknown, Item>>>,
  item: fc.Arbitrary<Item>,
): void {
  for (const [name, sketch] of Object.entries(sketches)) {
    const stream = fc.oneof(
      { weight: 4, arbitrary: fc.array(item, { maxLength: 30 }) },
      { weight: 1, arbitrary: fc.array(item, { minLength: 200, maxLength: 400 }) },
    );
    const { merge, agrees, create, encode, decode } = sketch;
    const of = (items: readonly Item[]): unknown => {
      const state = create();
      for (const one of items) sketch.add(state, one);
      return state;
    };
    const law = (title: string, holds: (a: unknown, b: unknown, c: unknown) => boolean): void =>
      void it(title, () => {
        fc.assert(fc.property(stream, stream, stream, (x, y, z) => holds(of(x), of(y), of(z))));
      });

    describe(`sketch ${name}`, () => {
      law("commutes", (a, b) => agrees(merge(a, b), merge(b, a)));
      law("associates", (a, b, c) => agrees(merge(merge(a, b), c), merge(a, merge(b, c))));
      law("has the empty sketch for identity", (a) =>
        [merge(create(), a), merge(a, create())].every((merged) => agrees(merged, a)),
      );
      law("survives the wire", (a) => agrees(decode(encode(a)), a));
      law(
        "is the same bytes after the wire",
        (a) => Buffer.compare(encode(decode(encode(a))), encode(a)) === 0,
      );
      law("leaves both sides of a merge as they were", (a, b) => {
        const before = [encode(a), encode(b)];
        merge(a, b);
        return [a, b].every((state, i) => Buffer.compare(encode(state), before[i] as Uint8Array) === 0);
      });

      it("reads a stream in shards as it reads it whole", () => {
        const holds = (xs: Item[], ys: Item[]): boolean => agrees(merge(of(xs), of(ys)), of([...xs, ...ys]));
        fc.assert(fc.property(stream, stream, holds));
      });

      it("tells one stream from another: a law that anything passes says nothing", () => {
        fc.assert(
          fc.property(stream, item, (items, more) => !agrees(of(items), of([...items, more, more]))),
          {
            numRuns: name === "distinct" ? 0 : 50, // it need not notice a value that it knows
          },
        );
        assert.ok(!agrees(create(), of([fc.sample(item, { numRuns: 1, seed: 7 })[0] as Item])));
      });

      it("refuses bytes that end early, go on, or are of another version", () => {
        fc.assert(
          fc.property(stream, fc.nat(), (items, cut) => {
            const bytes = encode(of(items));
            const corrupt = { name: "Fault", code: "sketch.corrupt" };
            assert.throws(() => decode(bytes.subarray(0, cut % bytes.length)), corrupt);
            assert.throws(() => decode(Uint8Array.of(...bytes, 0)), corrupt);
            assert.throws(() => decode(Uint8Array.of(bytes[0] === 9 ? 8 : 9, ...bytes.subarray(1))), {
              ...corrupt,
              message: /version/,
            });
          }),
          { numRuns: 20 },
        );
      });
    });
  }
}
