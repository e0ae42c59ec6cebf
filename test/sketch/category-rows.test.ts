import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { hashText } from "../../src/model/hash.ts";
import { addBytes, addCategory, type Categories, createCategories } from "../../src/sketch/categories.ts";
import { categoriesSketch } from "../../src/sketch/categories-wire.ts";
import { addTexts } from "../../src/sketch/category-rows.ts";
import { addHash, createDistinct, distinct } from "../../src/sketch/distinct.ts";
import { kernel } from "../../src/sketch/kernel.ts";

const encoder = new TextEncoder();

interface Loaded {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly hashes: readonly { low: number; high: number }[];
}

/** Puts rows of texts where the kernel looks for them. */
function load(texts: readonly string[]): Loaded {
  const bytes = encoder.encode(`pad${texts.join("")}`);
  const offsets = new Int32Array(texts.length + 1).fill(3);
  const hashes = texts.map(hashText);
  for (const [row, { low, high, bytes: own }] of hashes.entries()) {
    offsets[row + 1] = (offsets[row] as number) + own.length;
    kernel.low[row] = low;
    kernel.high[row] = high;
  }
  kernel.offsets.set(offsets);
  return {
    bytes,
    starts: offsets.subarray(0, texts.length),
    ends: offsets.subarray(1),
    low: kernel.low,
    high: kernel.high,
    hashes,
  };
}

const bytesOf = (categories: Categories): Uint8Array => categoriesSketch(2).encode(categories);

/** Every value that is kept, with its bytes: `encode` leaves out what their places are. */
const valuesOf = ({ size, starts, lengths, bytes, counts }: Categories): [string, number][] =>
  Array.from({ length: size }, (_, entry): [string, number] => {
    const start = starts[entry] as number;
    const kept = bytes.subarray(start, start + Math.min(256, lengths[entry] as number));
    return [new TextDecoder().decode(kept), counts[entry] as number];
  }).sort();

describe("texts of rows", () => {
  it("are added to categories and to the distinct count as one after another, whatever has to be dropped", () => {
    const text = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 300 }).map((n) => `value ${n}`) },
      { weight: 3, arbitrary: fc.constantFrom("", "common", "usual") },
      { weight: 1, arbitrary: fc.constantFrom("é".repeat(200), `${"é".repeat(200)}!`) },
    );
    const parts = fc.array(fc.array(text, { maxLength: 150, size: "max" }), { minLength: 1, maxLength: 5 });
    const limit = fc.constantFrom(2, 3, 7, 40, 100, 4_096, 5_000);
    const held = fc.array(fc.tuple(text, fc.integer({ min: 1, max: 300 })), { maxLength: 40 });
    fc.assert(
      fc.property(parts, limit, held, fc.nat(3), (given, most, before, share) => {
        const [own, single] = [createCategories(most), createCategories(most)];
        const [ownDistinct, singleDistinct] = [createDistinct(), createDistinct()];
        for (const [value, count] of before) {
          const { low, high } = hashText(value);
          for (const into of [own, single]) addCategory(into, value, count);
          for (const into of [ownDistinct, singleDistinct]) addHash(into, low, high);
        }
        for (const [at, texts] of given.entries()) {
          const loaded = load(texts);
          const { bytes, starts, ends, hashes } = loaded;
          const masked = share > 0;
          for (let row = 0; row < texts.length; row++) kernel.mask[row] = row % 4 < share ? 0 : 1;
          const picked = at % 2 === 1;
          const rows = [...texts.keys()].filter((row) => !picked || row % 5 !== 0);
          kernel.picks.set(rows);
          const present = rows.filter((row) => !masked || kernel.mask[row] === 1);
          const lengths = present.map((row) => (ends[row] as number) - (starts[row] as number));
          assert.deepEqual(
            addTexts(own, ownDistinct, { texts: loaded, kept: loaded, masked }, [0, rows.length, picked]),
            {
              count: present.length,
              shortest: Math.min(...lengths),
              longest: Math.max(0, ...lengths),
            },
          );
          for (const row of present) {
            const { low = 0, high = 0 } = hashes[row] ?? {};
            addHash(singleDistinct, low, high);
            addBytes(single, low, high, bytes, starts[row] as number, ends[row] as number, 1);
          }
          assert.deepEqual(valuesOf(own), valuesOf(single));
          assert.deepEqual(bytesOf(own), bytesOf(single));
        }
        assert.deepEqual(distinct.encode(ownDistinct), distinct.encode(singleDistinct));
      }),
      { numRuns: 200 },
    );
  });

  it("stay right over thousands of rows, and of counts that only a search finds the middle of", () => {
    const [own, single] = [createCategories(64), createCategories(64)];
    const counted = createDistinct();
    for (let value = 0; value < 64; value++)
      for (const into of [own, single]) addCategory(into, `held ${value}`, 5 + value * 1_000);
    const texts = Array.from({ length: 4_096 }, (_, row) => `row ${(row * 7_919) % 3_000}`);
    const loaded = load(texts);
    const { bytes, starts, ends, hashes } = loaded;
    addTexts(own, counted, { texts: loaded, kept: loaded, masked: false }, [0, 4_096, false]);
    for (const [row, { low, high }] of hashes.entries())
      addBytes(single, low, high, bytes, starts[row] as number, ends[row] as number, 1);
    assert.ok(own.error > 31_000);
    assert.deepEqual(bytesOf(own), bytesOf(single));
  });
});
