import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { hashBytes, viewOf } from "../../src/model/hash.ts";
import { kernel } from "../../src/sketch/kernel.ts";
import { compileKernel, generatedFile } from "./compile-kernel.ts";

const { rows, dense, words, mask, picks, values, raw, sums, ranks, registers } = kernel;
const { offsets, low, high, codes } = kernel;

/** Lengths around the four rows of an instruction, the eight of a byte, and a whole tile. */
const sizes = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(4_095, rows) },
);

const anyDouble = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -3, max: 3, noNaN: true }),
  fc.constantFrom(0, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** -62, 2 ** 64, -(2 ** 64)),
);

/** Fewer values than rows, over and over: of 4,096 of their own no counterexample would be found in time. */
const column = fc
  .tuple(sizes, fc.array(anyDouble, { minLength: 1, maxLength: 60 }))
  .map(([size, some]) => Float64Array.from({ length: size }, (_, i) => some[i % some.length] as number));

/** Four partial sums, as the kernel's docstring has it. */
function partialSums(xs: Float64Array, term: (x: number) => number): number {
  const [s0, s1, s2, s3] = [0, 0, 0, 0].map((zero, lane) => {
    let sum = zero;
    const whole = xs.length - (xs.length % 4);
    for (let i = lane; i < whole; i += 4) sum += term(xs[i] as number);
    if (lane === 0) for (let i = whole; i < xs.length; i++) sum += term(xs[i] as number);
    return sum;
  }) as [number, number, number, number];
  return s0 + s1 + (s2 + s3);
}

/** Register × 64 + rank of the hash of 64 bits. */
function rankOf(low: number, high: number): number {
  let a = low;
  let b = high === -0x80000000 && low === 0 ? 0 : high;
  a ^= Math.imul(b ^ (b >>> 16) ^ 0x165667b1, 0x9e3779b1);
  b ^= Math.imul(a ^ (a >>> 15), 0x85ebca77);
  a ^= Math.imul(b ^ (b >>> 13), 0xc2b2ae3d);
  b ^= Math.imul(a ^ (a >>> 16), 0x27d4eb2f);
  return (b >>> 20) * 64 + Math.clz32(a) + 1;
}

const bitsOf = (x: number): [number, number] => {
  const [low = 0, high = 0] = new Int32Array(Float64Array.of(x).buffer);
  return [low, high];
};

describe("the kernel", () => {
  it("is what its source compiles to: npm run kernel", async () => {
    assert.equal(readFileSync(generatedFile, "utf8"), await compileKernel());
  });

  it("sums by fours, to the bit", () => {
    fc.assert(
      fc.property(column, (xs) => {
        dense.set(xs);
        assert.ok(
          Object.is(
            kernel.sum(xs.length),
            partialSums(xs, (x) => x),
          ),
        );
      }),
    );
    assert.equal(kernel.sum(0), 0);
  });

  it("adds up distances, squares and extremes", () => {
    fc.assert(
      fc.property(column, fc.double({ min: -9, max: 9, noNaN: true }), (xs, shift) => {
        dense.set(xs);
        kernel.addUp(xs.length, shift);
        const found = [...sums];
        assert.deepEqual(found.slice(0, 2), [
          partialSums(xs, (x) => x - shift),
          partialSums(xs, (x) => (x - shift) * (x - shift)),
        ]);
        assert.deepEqual(
          [(found[2] ?? 0) + 0, (found[3] ?? 0) + 0],
          [Math.min(...xs) + 0, Math.max(...xs) + 0],
        );
      }),
    );
  });

  it("counts values by bucket, on pages in the order of their first values", () => {
    fc.assert(
      fc.property(
        column,
        fc.constantFrom(0, 1.5, -1e9),
        fc.constantFrom(1, 0.25, 1e300),
        (xs, centre, inverse) => {
          const expected = new Map<number, number>();
          for (const x of xs) {
            const [, high] = bitsOf((x - centre) * inverse);
            const distance = Math.min(Math.max(((high >>> 20) & 0x7ff) - 960, 0), 127);
            const key = (high < 0 ? 128 - distance : 128 + distance) * 64 + ((high >>> 14) & 63);
            expected.set(key, (expected.get(key) ?? 0) + 1);
          }
          dense.set(xs);
          const { pages, buckets } = kernel;
          pages.fill(0);
          const slots = [...new Set([...expected.keys()].map((key) => key >>> 6))]; // in the order of their values
          // two slots have a page already: of one its counts are added to, the other's nobody may touch
          const [own = 1, other] = [
            slots.at(-1),
            Array.from({ length: 255 }, (_, slot) => slot + 1).find((slot) => !slots.includes(slot)),
          ];
          pages.set([1], other);
          pages.set([2], own);
          buckets.fill(7, 0, 128).fill(99, 128);
          const used = kernel.tally(xs.length, centre, inverse, 2);
          const order = slots.filter((slot) => slot !== own);
          assert.equal(used, 2 + order.length);
          assert.deepEqual(
            order.map((slot) => pages[slot]),
            order.map((_, at) => at + 3),
          );
          const counted = new Map<number, number>();
          for (const slot of slots) {
            const page = pages[slot] as number;
            for (let lane = 0; lane < 64; lane++) {
              const count = (buckets[(page - 1) * 64 + lane] as number) - (page === 2 ? 7 : 0);
              if (count > 0) counted.set(slot * 64 + lane, count);
            }
          }
          assert.deepEqual(new Map([...counted].sort()), new Map([...expected].sort()));
          assert.deepEqual([...buckets.subarray(0, 64)], Array(64).fill(7));
        },
      ),
    );
  });

  it("hashes doubles and integers, and gives the rank of each", () => {
    fc.assert(
      fc.property(column, (xs) => {
        const bits = new Int32Array(xs.buffer);
        const expected = Array.from(xs, (_, i) => rankOf(bits[2 * i] as number, bits[2 * i + 1] as number));
        dense.set(xs);
        kernel.rank(xs.length, false);
        assert.deepEqual([...ranks.subarray(0, xs.length)], expected);
        dense.fill(0);
        words.set(bits);
        kernel.rank(xs.length, true);
        assert.deepEqual([...ranks.subarray(0, xs.length)], expected);
      }),
    );
  });

  it("finds every number of leading zeros", () => {
    // what goes in so that the hash's low word is `wanted`: the rounds backwards
    const inputFor = (wanted: number, high: number): [number, number] => {
      let [a, b] = [wanted, high];
      b ^= Math.imul(a ^ (a >>> 16), 0x27d4eb2f);
      a ^= Math.imul(b ^ (b >>> 13), 0xc2b2ae3d);
      b ^= Math.imul(a ^ (a >>> 15), 0x85ebca77);
      a ^= Math.imul(b ^ (b >>> 16) ^ 0x165667b1, 0x9e3779b1);
      return [a, b];
    };
    const wanted = Array.from({ length: 32 }, (_, bit) => [(2 ** bit) | 0, (2 ** (bit + 1) - 1) | 0]).flat();
    wanted.push(0);
    for (const [i, low] of wanted.entries()) words.set(inputFor(low, i << 20), 2 * i);
    kernel.rank(wanted.length, true);
    assert.deepEqual(
      [...ranks.subarray(0, wanted.length)],
      wanted.map((low, i) => i * 64 + Math.clz32(low) + 1),
    );
  });

  it("raises registers to ranks, and says which were raised", () => {
    const word = fc
      .tuple(fc.nat(20), fc.integer({ min: 1, max: 33 }))
      .map(([register, rank]) => register * 64 + rank);
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 60 }),
        fc.uint8Array({ minLength: 21, maxLength: 21, max: 33 }),
        (all, held) => {
          const expected = Uint8Array.from(held);
          const raising = all.filter((one) => {
            const before = expected[one >> 6] as number;
            expected[one >> 6] = Math.max(before, one & 63);
            return (one & 63) > before;
          });
          registers.fill(0).set(held);
          ranks.set(all);
          assert.deepEqual([...ranks.slice(0, kernel.raise(all.length))], raising);
          assert.deepEqual(registers.slice(0, 21), expected);
        },
      ),
    );
  });

  it("closes up the values of any rows, masked or not", () => {
    const rowsOf = fc.uniqueArray(fc.nat(rows - 1), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(
        rowsOf,
        fc.nat(rows),
        fc.nat(rows),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (some, a, b, share) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          for (let row = 0; row < rows; row++) {
            values[row] = row + 0.5;
            raw.int32[2 * row] = row;
            raw.int32[2 * row + 1] = -row;
            mask[row] = ((row * 7919) % 1_000) / 1_000 < share ? 1 : 0;
          }
          const stretch = Array.from({ length: to - from }, (_, i) => from + i);
          picks.set(some);
          for (const [group, start, end, picked] of [
            [stretch, from, to, false],
            [some, 0, some.length, true],
          ] as const) {
            for (const masked of [false, true]) {
              const expected = group.filter((row) => !masked || mask[row] === 1);
              assert.equal(kernel.pick(start, end, masked, picked), expected.length);
              assert.deepEqual(
                [...dense.subarray(0, expected.length)],
                expected.map((row) => row + 0.5),
              );
              assert.equal(kernel.pickWords(start, end, masked, picked), expected.length);
              assert.deepEqual(
                [...words.subarray(0, 2 * expected.length)],
                expected.flatMap((row) => [row, -row | 0]),
              );
            }
            assert.equal(kernel.countMask(start, end, picked), group.filter((row) => mask[row] === 1).length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("widens integers and floats to the doubles that JavaScript makes of them", () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 * 33 });
    fc.assert(
      fc.property(bytes, (given) => {
        const size = given.length >> 3;
        const own = given.slice(0, 8 * size).buffer;
        const widened = (): number[] => [...values.subarray(0, size)];
        raw.bytes.set(new Uint8Array(own));
        kernel.widenInt32(size);
        assert.deepEqual(widened(), [...new Int32Array(own).subarray(0, size)]);
        kernel.widenFloat32(size);
        assert.deepEqual(widened(), [...new Float32Array(own).subarray(0, size)]);
        kernel.widenInt64(size, true);
        assert.deepEqual(widened(), [...new BigInt64Array(own)].map(Number));
        kernel.widenInt64(size, false);
        assert.deepEqual(widened(), [...new BigUint64Array(own)].map(Number));
      }),
    );
  });

  it("unpacks bits from any place of a byte, and counts them", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.nat(7),
        fc.nat(56),
        (given, offset, size) => {
          kernel.bits.set(given);
          const expected = Array.from(
            { length: size },
            (_, i) => ((given[(offset + i) >> 3] as number) >> ((offset + i) & 7)) & 1,
          );
          assert.equal(
            kernel.unpack(offset, size),
            expected.reduce((sum, bit) => sum + bit, 0),
          );
          assert.deepEqual([...mask.subarray(0, size)], expected);
        },
      ),
    );
    kernel.bits.fill(0xff);
    assert.equal(kernel.unpack(7, rows), rows);
  });

  it("hashes texts of any length, wherever their bytes begin", () => {
    const some = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(some, fc.nat(1_000), fc.nat(39), (given, base, first) => {
        const from = Math.min(first, given.length - 1);
        const bytes = new Uint8Array(given.flatMap((text) => [...text]));
        offsets[0] = base;
        for (const [row, text] of given.entries()) offsets[row + 1] = (offsets[row] as number) + text.length;
        kernel.texts.fill(0xee, 0, bytes.length + 16);
        kernel.texts.set(bytes.subarray((offsets[from] as number) - base));
        kernel.hash(from, given.length);
        for (const [row, text] of given.entries()) {
          if (row < from) continue;
          const expected = { low: 0, high: 0 };
          hashBytes(expected, viewOf(text), 0, text.length);
          assert.deepEqual({ low: low[row], high: high[row] }, expected);
        }
      }),
    );
  });

  it("numbers texts in the order of their first row, and counts them", () => {
    const row = fc.record({ text: fc.nat(30), present: fc.integer({ min: 0, max: 9 }) });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 200, size: "max" }),
        fc.boolean(),
        (given, masked) => {
          for (const [at, { text, present }] of given.entries()) {
            // hashes that share a slot, or everything but the length
            low[at] = text % 3;
            high[at] = text % 5;
            offsets[at + 1] = (offsets[at] as number) + Math.floor(text / 10);
            mask[at] = present > 0 ? 1 : 0;
          }
          const keyOf = ({ text }: { text: number }): string =>
            `${text % 3} ${text % 5} ${Math.floor(text / 10)}`;
          const isThere = (at: number): boolean => !masked || mask[at] === 1;
          const present = given.filter((_, at) => isThere(at));
          const names = [...new Set(present.map(keyOf))];
          assert.equal(kernel.number(given.length, masked), names.length);
          for (const [at, one] of given.entries())
            if (isThere(at)) assert.equal(codes[at], names.indexOf(keyOf(one)));
          assert.deepEqual(
            [...kernel.firsts.subarray(0, names.length)],
            names.map((name) => given.findIndex((one, at) => isThere(at) && keyOf(one) === name)),
          );
          const picked = given.flatMap((_, at) => (at % 3 === 0 ? [at] : []));
          picks.set(picked);
          for (const [group, start, end, isPicked] of [
            [picked, 0, picked.length, true],
            [[...given.keys()], 0, given.length, false],
          ] as const) {
            const expected = new Map<number, number>();
            for (const at of group) {
              const code = codes[at] as number;
              if (isThere(at)) expected.set(code, (expected.get(code) ?? 0) + 1);
            }
            const used = kernel.countCodes(start, end, masked, isPicked);
            assert.deepEqual([...kernel.used.subarray(0, used)], [...expected.keys()]);
            assert.deepEqual([...kernel.counts.subarray(0, used)], [...expected.values()]);
          }
        },
      ),
    );
  });

  it("gives up numbering where most texts are new", () => {
    offsets.fill(0);
    high.fill(0);
    for (let row = 0; row < rows; row++) low[row] = row;
    assert.equal(kernel.number(rows, false), -1);
    for (let row = 0; row < rows; row++) low[row] = row % 1_024;
    assert.equal(kernel.number(rows, false), -1, "1,024 in a row are too many for their rows");
    for (let row = 0; row < rows; row++) low[row] = row % 64;
    assert.equal(kernel.number(rows, false), 64);
  });
});
