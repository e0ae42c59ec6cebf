import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { createDecoder, type Decoder } from "../../src/decode/decode.ts";
import { type Batch, cellOf } from "../../src/model/batch.ts";
import { DecodeError } from "../../src/model/fault.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";

/**
 * Mutates real Arrow messages and holds the decoder to its promise: batches whose every cell can be read, or a
 * DecodeError (not one that wraps a mistake of ours); within a second; nothing else. The same seed gives the same mutations.
 *
 *   node test/fuzz/arrow.ts --count 100000 --seed 1
 */
export interface FuzzOutcome {
  readonly mutations: number;
  readonly decoded: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Slowest single mutation, decoding and reading every cell, in ms. */
  readonly slowestMs: number;
  readonly failures: readonly string[];
}

const limits: Limits = { ...defaultLimits, decodedBytes: 4 * 1024 * 1024, rowsPerBatch: 100_000 };
const callMsMax = 1_000;
const failuresMax = 10;

const corpus = [
  "types.arrows",
  "bulk-plain.arrows",
  "bulk-lz4.arrows",
  "bulk-zstd.arrows",
  "bulk.arrow",
  "bulk.feather",
  "delta.arrows",
  "replaced.arrows",
].map((name) => new Uint8Array(readFileSync(new URL(`../decode/fixtures/${name}`, import.meta.url))));

export function fuzzArrow({ count, seed }: { count: number; seed: number }): FuzzOutcome {
  const random = createRandom(seed);
  const refused: Record<string, number> = {};
  const failures: string[] = [];
  let [decoded, slowestMs] = [0, 0];
  let decoder = newDecoder();
  for (let index = 0; index < count && failures.length < failuresMax; index++) {
    // One decoder for many messages, so that a bad one cannot spoil what the caches hold for the next.
    if (index % 100 === 0) decoder = newDecoder();
    const mutated = mutate(random);
    const began = performance.now();
    try {
      for (const batch of decoder.decode(mutated.bytes)) readEveryCell(batch);
      decoded += 1;
    } catch (error) {
      if (error instanceof DecodeError && !(error.cause instanceof TypeError))
        refused[error.reason] = (refused[error.reason] ?? 0) + 1;
      else failures.push(`#${index} ${mutated.kinds}: ${error instanceof Error ? error.stack : error}`);
    }
    const took = performance.now() - began;
    slowestMs = Math.max(slowestMs, took);
    if (took > callMsMax) failures.push(`#${index} ${mutated.kinds}: took ${took.toFixed(0)} ms`);
    if (index % 100 === 99 && !undisturbed(decoder))
      failures.push(`#${index}: a clean message reads otherwise after it`);
  }
  return { mutations: count, decoded, refused, slowestMs, failures };
}

const newDecoder = (): Decoder => createDecoder({ hints: undefined, format: "auto", limits });

const clean = corpus.map((bytes) => JSON.stringify(newDecoder().decode(bytes).map(readEveryCell)));

function undisturbed(decoder: Decoder): boolean {
  return corpus.every(
    (bytes, index) => JSON.stringify(decoder.decode(bytes).map(readEveryCell)) === clean[index],
  );
}

/** Every cell, so that an offset or index out of range shows itself; a number for a cell must be there. */
function readEveryCell({ rows, columns }: Batch): readonly unknown[] {
  const cells: unknown[] = [];
  for (const [name, column] of columns) {
    if (column.rows !== rows) throw new Error(`column ${name} of ${column.rows} rows in ${rows}`);
    let nulls = 0;
    for (let row = 0; row < rows; row++) {
      const cell = cellOf(column, row);
      if (cell === undefined) throw new Error(`column ${name}, row ${row}: no value`);
      if (Array.isArray(cell) && cell.includes(undefined))
        throw new Error(`column ${name}, row ${row}: a hole`);
      if (column.kind === "list" && cell !== null && (cell as number[]).length !== lengthOf(column, row))
        throw new Error(`column ${name}, row ${row}: a list that is cut`);
      if (cell === null) nulls += 1;
      if (rows < 1_000) cells.push(cell);
    }
    const hidesNulls = column.kind === "unsupported" || column.kind === "dictionary";
    if (!hidesNulls && nulls !== column.nullCount)
      throw new Error(`column ${name}: ${nulls} nulls, ${column.nullCount} told`);
  }
  return cells;
}

function lengthOf(
  column: { offsets: Int32Array | undefined; size: number | undefined },
  row: number,
): number {
  if (column.offsets === undefined) return column.size ?? 0;
  return (column.offsets[row + 1] as number) - (column.offsets[row] as number);
}

type Random = (below: number) => number;

const edges = [0, 1, -1, 2, 7, 8, 127, 128, 255, 65_535, 2 ** 31 - 1, -(2 ** 31), 2 ** 24, 2 ** 28 + 1];

function mutate(random: Random): { bytes: Uint8Array; kinds: string } {
  let bytes: Uint8Array = new Uint8Array(corpus[random(corpus.length)] as Uint8Array);
  const kinds: string[] = [];
  for (let times = 1 + random(3); times > 0 && bytes.length > 16; times--) {
    const [kind, change] = mutators[random(mutators.length)] as (typeof mutators)[number];
    kinds.push(kind);
    bytes = change(bytes, random);
  }
  return { bytes, kinds: kinds.join(" + ") };
}

/** A place among the first bytes (metadata) as often as anywhere. */
const placeIn = (bytes: Uint8Array, random: Random, width = 1): number =>
  random(Math.max(1, (random(2) === 0 ? Math.min(bytes.length, 4_096) : bytes.length) - width));

const put32 = (bytes: Uint8Array, at: number, value: number): void => {
  if (at >= 0 && at + 4 <= bytes.length)
    new DataView(bytes.buffer, bytes.byteOffset).setInt32(at, value, true);
};

const mutators: readonly (readonly [string, (bytes: Uint8Array, random: Random) => Uint8Array])[] = [
  [
    "bit flips",
    (bytes, random) => {
      for (let flips = 1 + random(8); flips > 0; flips--) {
        const at = placeIn(bytes, random);
        bytes[at] = (bytes[at] as number) ^ (1 << random(8));
      }
      return bytes;
    },
  ],
  ["truncation", (bytes, random) => bytes.slice(0, random(bytes.length))],
  [
    "length field",
    (bytes, random) => {
      put32(bytes, placeIn(bytes, random, 4) & ~3, edges[random(edges.length)] as number);
      return bytes;
    },
  ],
  [
    "int64 field",
    (bytes, random) => {
      const at = placeIn(bytes, random, 8) & ~7;
      put32(bytes, at, edges[random(edges.length)] as number);
      put32(bytes, at + 4, edges[random(3)] as number);
      return bytes;
    },
  ],
  [
    "nudged field",
    (bytes, random) => {
      const at = placeIn(bytes, random, 4) & ~3;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      put32(bytes, at, view.getInt32(at, true) + ([1, -1, 4, -4, 8, -8, 64, 4_096][random(8)] as number));
      return bytes;
    },
  ],
  [
    "splice",
    (bytes, random) => {
      const other = corpus[random(corpus.length)] as Uint8Array;
      const [at, from] = [random(bytes.length), random(other.length)];
      const part = other.subarray(from, from + 1 + random(512));
      return Uint8Array.of(
        ...bytes.subarray(0, at),
        ...part,
        ...bytes.subarray(at + (random(2) === 0 ? part.length : 0)),
      );
    },
  ],
  [
    "repeated part",
    (bytes, random) => {
      const [at, from] = [random(bytes.length) & ~7, random(bytes.length) & ~7];
      bytes.copyWithin(at, from, from + 8 * (1 + random(64)));
      return bytes;
    },
  ],
  [
    "indices and offsets",
    (bytes, random) => {
      // Runs of small ascending int32 are offsets, runs of small ones indices: hit one of them.
      const start = placeIn(bytes, random, 4) & ~3;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = start; at + 8 <= bytes.length; at += 4) {
        const [a, b] = [view.getInt32(at, true), view.getInt32(at + 4, true)];
        if (a < 0 || b < a || b > bytes.length) continue;
        put32(bytes, at + 4, edges[random(edges.length)] as number);
        break;
      }
      return bytes;
    },
  ],
  [
    "byte of an index",
    (bytes, random) => {
      bytes[random(bytes.length)] = [0x7f, 0x80, 0xff, 3, 4][random(5)] as number;
      return bytes;
    },
  ],
  [
    "decompression bomb",
    (bytes, random) => {
      // A frame of zeros in place of one that is there: 28 b5 2f fd is zstd, 04 22 4d 18 is LZ4.
      const frames = [zstdBomb, lz4Bomb];
      const at = findFrame(bytes, random(bytes.length));
      if (at === undefined) return bytes;
      const bomb = frames[random(2)] as Uint8Array;
      bytes.set(bomb.subarray(0, bytes.length - at), at);
      if (random(2) === 0) put32(bytes, at - 8, [2 ** 20, 2 ** 30, 2 ** 31 - 1, 64][random(4)] as number);
      return bytes;
    },
  ],
];

const zstdBomb = new Uint8Array(zstdCompressSync(new Uint8Array(32 * 1024 * 1024)));
/** 4 MiB blocks of zeros, as often as fit into a buffer. */
const lz4Bomb = Uint8Array.of(
  0x04,
  0x22,
  0x4d,
  0x18,
  0x60,
  0x70,
  0x73,
  ...Array(40).fill([0x0b, 0, 0, 0, 0x1f, 0, 1, 0, 255, 255, 255, 255, 255, 255, 16]).flat(),
);

function findFrame(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at + 4 <= bytes.length; at++) {
    if (bytes[at] === 0x28 && bytes[at + 1] === 0xb5 && bytes[at + 2] === 0x2f && bytes[at + 3] === 0xfd)
      return at;
    if (bytes[at] === 0x04 && bytes[at + 1] === 0x22 && bytes[at + 2] === 0x4d && bytes[at + 3] === 0x18)
      return at;
  }
  return undefined;
}

/** Marsaglia's xorshift32. */
function createRandom(seed: number): Random {
  let state = (seed * 2_654_435_761) | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { count: { type: "string" }, seed: { type: "string" } } });
  const outcome = fuzzArrow({ count: Number(values.count ?? 100_000), seed: Number(values.seed ?? 1) });
  console.log(
    JSON.stringify({ ...outcome, maxRssMiB: Math.round(process.resourceUsage().maxRSS / 1024) }, null, 2),
  );
  process.exitCode = outcome.failures.length === 0 ? 0 : 1;
}
