import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { hashText } from "../../src/model/hash.ts";
import {
  addHash,
  addRanks,
  createDistinct,
  type Distinct,
  distinct,
  estimateDistinct,
  mergeDistinct,
} from "../../src/sketch/distinct.ts";
import { kernel } from "../../src/sketch/kernel.ts";
import { createRandom } from "../judge/random.ts";
import { addDoubles } from "./columns.ts";

const standardError = 1.04 / Math.sqrt(4_096);

function ofDoubles(values: Float64Array): Distinct {
  const into = createDistinct();
  addDoubles(into, values);
  return into;
}

const bytesOf = (state: Distinct): Uint8Array => distinct.encode(state);

/** Root of the mean squared relative error over seeds. */
function rms(seeds: number, n: number, value: (seed: number, i: number) => number): number {
  let squares = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const estimate = estimateDistinct(ofDoubles(Float64Array.from({ length: n }, (_, i) => value(seed, i))));
    squares += (estimate / n - 1) ** 2;
  }
  return Math.sqrt(squares / seeds);
}

/** What data are made of: each kind far from random, so that a weak hash would show. */
const kinds: Readonly<Record<string, (seed: number, i: number) => number>> = {
  "consecutive integers": (seed, i) => seed * 1e6 + i,
  "epoch milliseconds": (seed, i) => 1_772_510_400_000 + seed * 1e7 + i,
  "multiples of 1,024": (seed, i) => (seed * 1e6 + i) * 1_024,
  hundredths: (seed, i) => (seed * 1e6 + i) / 100,
  "powers and steps": (seed, i) => 2 ** ((i % 40) - 20) * (1 + Math.floor(i / 40) + (seed + 1) * 1e5),
  "negative, tiny": (seed, i) => -(seed * 1e6 + i + 1) * 1e-300,
};

describe("the distinct estimate", () => {
  // The RMS of 200 seeds is itself known to 5%; three of those are the margin.
  const margin = 1 + 3 / Math.sqrt(2 * 200);
  for (const n of [500, 2_000, 5_000, 8_000, 12_000, 20_000, 60_000]) {
    it(`of ${n} values is within 1.04/√4096 of it, RMS over 200 seeds: no bump where small-range correction ends`, () => {
      const { uniform } = createRandom(n);
      const error = rms(200, n, () => uniform() + uniform() * 2 ** -32);
      assert.ok(error <= standardError * margin, `${(100 * error).toFixed(3)}%`);
    });
  }

  for (const [kind, value] of Object.entries(kinds)) {
    it(`of ${kind} is as good: the hash mixes them`, () => {
      for (const n of [3_000, 30_000]) {
        const error = rms(100, n, value);
        assert.ok(error <= standardError * (1 + 4 / Math.sqrt(200)), `${n}: ${(100 * error).toFixed(3)}%`);
      }
    });
  }

  it("of texts that differ in a digit is as good", () => {
    let squares = 0;
    const seeds = 60;
    for (let seed = 0; seed < seeds; seed++) {
      const own = createDistinct();
      for (let i = 0; i < 5_000; i++) distinct.add(own, `user-${seed}-${String(i).padStart(7, "0")}`);
      squares += (estimateDistinct(own) / 5_000 - 1) ** 2;
    }
    assert.ok(Math.sqrt(squares / seeds) <= standardError * (1 + 3 / Math.sqrt(2 * seeds)));
  });

  it("of a million is as good; of a few hundred it is within 1/√8192; of a few it is exact", () => {
    for (const seed of [1, 2, 3]) {
      const { uniform } = createRandom(seed);
      const million = estimateDistinct(
        ofDoubles(Float64Array.from({ length: 1e6 }, () => uniform() + uniform() * 2 ** -32)),
      );
      assert.ok(Math.abs(million / 1e6 - 1) < 4 * standardError, String(million));
    }
    for (const n of [1, 2, 3, 10, 30])
      assert.equal(
        Math.round(estimateDistinct(ofDoubles(Float64Array.from({ length: n }, (_, i) => i * 1.1)))),
        n,
      );
    for (const n of [100, 200, 300]) {
      const error = rms(300, n, (seed, i) => seed * 1e5 + i);
      assert.ok(error < 1.15 / Math.sqrt(2 * 4_096), `${n}: ${error}`);
    }
    assert.equal(estimateDistinct(createDistinct()), 0);
  });

  it("is finite and ascends to the very end: every register full of its largest rank", () => {
    const full = createDistinct();
    for (let register = 0; register < 4_096; register++) addHash(full, 0, register << 20);
    const estimate = estimateDistinct(full);
    assert.ok(estimate > 1e12 && !Number.isNaN(estimate), String(estimate));
    const almost = createDistinct();
    for (let register = 0; register < 4_095; register++) addHash(almost, 0, register << 20);
    addHash(almost, 1, 4_095 << 20);
    assert.ok(estimateDistinct(almost) < estimate && estimateDistinct(almost) > 1e12);
  });

  it("counts 0 and −0 once, and every denormal, NaN-free double apart", () => {
    assert.equal(Math.round(estimateDistinct(ofDoubles(Float64Array.of(0, -0, 0, -0)))), 1);
    assert.equal(Math.round(estimateDistinct(ofDoubles(Float64Array.of(5e-324, 1e-323, 0, 1)))), 4);
    assert.equal(Math.round(estimateDistinct(ofDoubles(Float64Array.of(1, -1)))), 2);
  });
});

describe("distinct registers", () => {
  it("are the same however values come: in columns, slices, one by one, sparse or dense, merged", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { maxLength: 700 }), fc.nat(700), (values, cut) => {
        const at = Math.min(cut, values.length);
        const column = Float64Array.from(values);
        const whole = ofDoubles(column);
        const parts = createDistinct();
        addDoubles(parts, column, 0, at);
        addDoubles(parts, column, at, values.length);
        const single = createDistinct();
        for (let i = 0; i < values.length; i++) addDoubles(single, column, i, i + 1);
        const [a, b] = [ofDoubles(column.slice(0, at)), ofDoubles(column.slice(at))];
        for (const other of [
          parts,
          single,
          mergeDistinct(a, b),
          mergeDistinct(b, a),
          mergeDistinct(whole, a),
        ])
          assert.deepEqual(bytesOf(other), bytesOf(whole));
        assert.ok(distinct.agrees(parts, whole));
      }),
    );
  });

  it("take ranks in columns as hashes one by one, and by text", () => {
    const hashes = Array.from({ length: 900 }, (_, i) => hashText(`value ${i}`));
    const [column, single, texts] = [createDistinct(), createDistinct(), createDistinct()];
    for (const [from, to] of [
      [0, 90],
      [90, 400],
      [400, 880],
      [880, 900],
    ] as const) {
      const ranks = hashes.slice(from, to).map(({ low, high }) => (high >>> 20) * 64 + Math.clz32(low) + 1);
      kernel.ranks.set(ranks);
      addRanks(column, ranks.length);
    }
    for (const hash of hashes) addHash(single, hash.low, hash.high);
    for (let i = 0; i < 900; i++) distinct.add(texts, `value ${i}`);
    assert.deepEqual(bytesOf(column), bytesOf(single));
    assert.deepEqual(bytesOf(column), bytesOf(texts));
    const none = createDistinct();
    addRanks(none, 0);
    assert.deepEqual(none, createDistinct());
  });

  it("become dense at the 257th, and keep each its largest rank", () => {
    const own = createDistinct();
    for (let register = 0; register < 256; register++) addHash(own, 1 << (register % 31), register << 20);
    assert.deepEqual([own.registers, own.used], [undefined, 256]);
    for (let register = 0; register < 256; register++) addHash(own, -1, register << 20);
    assert.equal(own.used, 256, "a smaller rank changes nothing");
    addHash(own, -1, 300 << 20);
    assert.equal(own.registers?.length, 4_096);
    assert.equal(own.registers?.[5], Math.clz32(1 << 5) + 1);
    assert.equal(own.registers?.[300], 1);
    addHash(own, 0, 300 << 20);
    addHash(own, 9, 300 << 20);
    assert.equal(own.registers?.[300], 33);
  });

  it("take 2 kB of wire when dense, and survive it with ranks of any size", () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.array(fc.tuple(fc.nat(4_095), fc.nat(31)), { maxLength: 30 }),
        (least, larger) => {
          const own = createDistinct();
          for (let register = 0; register < 4_096; register++)
            addHash(own, 1 << (31 - least), register << 20);
          for (const [register, rank] of larger) addHash(own, 1 << rank, register << 20);
          const bytes = bytesOf(own);
          assert.ok(bytes.length <= 2_054 + 3 * larger.length);
          assert.deepEqual(distinct.decode(bytes).registers, own.registers);
        },
      ),
    );
  });

  it("of the first layout, a byte each, are still read", () => {
    const own = createDistinct();
    for (let i = 0; i < 5_000; i++) distinct.add(own, `v${i}`);
    assert(own.registers !== undefined);
    const old = Uint8Array.of(1, 0x80, 0x20, ...own.registers);
    assert.deepEqual(distinct.decode(old), own);
    assert.throws(() => distinct.decode(old.with(900, 34)), { code: "sketch.corrupt", message: /rank 34/ });
  });

  it("that cannot be are refused", () => {
    const dense = createDistinct();
    for (let i = 0; i < 5_000; i++) distinct.add(dense, `v${i}`);
    addHash(dense, 0, 77 << 20);
    const bytes = bytesOf(dense);
    const few = new Uint8Array(2_052);
    few.set([1, 0x81, 0x20]);
    const refused: Readonly<Record<string, Uint8Array>> = {
      "257 registers in the sparse form": Uint8Array.of(1, 0x81, 0x02, ...new Uint8Array(600).fill(1)),
      "a register twice": Uint8Array.of(1, 2, 5, 3, 0, 4),
      "a register beyond the last": Uint8Array.of(1, 1, 0x80, 0x20, 4),
      "a rank of 0": Uint8Array.of(1, 1, 5, 0),
      "a rank of 34": Uint8Array.of(1, 1, 5, 34),
      "a dense form of nothing": few,
      "a smallest rank that no register has": bytes
        .with(3, 1)
        .map((byte, i) => (i > 3 && i < 2_052 ? byte | 0x11 : byte)),
      "ranks above the largest": bytes.with(3, 30),
      "a list of larger ranks that is too short": bytes.with(2_052, (bytes[2_052] as number) - 1),
      "a larger rank that is none": bytes.with(bytes.length - 1, 3),
    };
    for (const [what, bad] of Object.entries(refused))
      assert.throws(() => distinct.decode(bad), { code: "sketch.corrupt", message: /^distinct/ }, what);
    assert.deepEqual(distinct.decode(bytes), dense);
  });
});
