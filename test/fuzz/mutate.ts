import { deflateRawSync, zstdCompressSync } from "node:zlib";
import type { Random } from "./random.ts";

export type Mutator = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

const edges = [0, 1, -1, 2, 7, 8, 127, 128, 255, 65_535, 2 ** 31 - 1, -(2 ** 31), 2 ** 24, 2 ** 28 + 1];
const pick = <T>(from: readonly T[], random: Random): T => from[random(from.length)] as T;

/** A place among the first or last bytes (metadata) as often as anywhere. */
function placeIn(bytes: Uint8Array, random: Random, width = 1): number {
  const near = Math.min(bytes.length, 4_096);
  const most = Math.max(1, bytes.length - width);
  switch (random(4)) {
    case 0:
    case 1:
      return random(Math.min(most, near));
    case 2:
      return Math.max(0, most - 1 - random(near));
    default:
      return random(most);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  if (at >= 0 && at + 4 <= bytes.length) viewOf(bytes).setInt32(at, value, true);
}

function spliced(bytes: Uint8Array, at: number, part: Uint8Array, over: number): Uint8Array {
  const whole = new Uint8Array(at + part.length + Math.max(0, bytes.length - at - over));
  whole.set(bytes.subarray(0, at));
  whole.set(part, at);
  whole.set(bytes.subarray(at + over), at + part.length);
  return whole;
}

/** What goes wrong with bytes of any kind. */
export const byteMutators: Readonly<Record<string, Mutator>> = {
  "bit flips": (bytes, random) => {
    for (let flips = 1 + random(8); flips > 0; flips--) {
      const at = placeIn(bytes, random);
      bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    }
    return bytes;
  },
  truncation: (bytes, random) => bytes.slice(0, random(bytes.length)),
  "lost head": (bytes, random) => bytes.slice(random(Math.min(64, bytes.length))),
  "length field": (bytes, random) => {
    put32(bytes, placeIn(bytes, random, 4) & ~3, pick(edges, random));
    return bytes;
  },
  "int64 field": (bytes, random) => {
    const at = placeIn(bytes, random, 8) & ~7;
    put32(bytes, at, pick(edges, random));
    put32(bytes, at + 4, edges[random(3)] as number);
    return bytes;
  },
  "nudged field": (bytes, random) => {
    const at = placeIn(bytes, random, 4) & ~3;
    if (at + 4 > bytes.length) return bytes;
    put32(bytes, at, viewOf(bytes).getInt32(at, true) + pick([1, -1, 4, -4, 8, -8, 16, 64, 4_096], random));
    return bytes;
  },
  "swapped fields": (bytes, random) => {
    const [a, b] = [placeIn(bytes, random, 8) & ~7, placeIn(bytes, random, 8) & ~7];
    const [left, right] = [bytes.slice(a, a + 8), bytes.slice(b, b + 8)];
    if (left.length === right.length) {
      bytes.set(right, a);
      bytes.set(left, b);
    }
    return bytes;
  },
  splice: (bytes, random, others) => {
    const other = pick(others, random);
    const [at, from] = [random(bytes.length), random(other.length)];
    const part = other.subarray(from, from + 1 + random(512));
    return spliced(bytes, at, part, random(2) === 0 ? part.length : 0);
  },
  "repeated part": (bytes, random) => {
    const [at, from] = [random(bytes.length) & ~7, random(bytes.length) & ~7];
    bytes.copyWithin(at, from, from + 8 * (1 + random(64)));
    return bytes;
  },
  "indices and offsets": (bytes, random) => {
    // Runs of small ascending int32 are offsets, runs of small ones indices: hit one of them.
    const view = viewOf(bytes);
    for (let at = placeIn(bytes, random, 4) & ~3; at + 8 <= bytes.length; at += 4) {
      const [a, b] = [view.getInt32(at, true), view.getInt32(at + 4, true)];
      if (a < 0 || b < a || b > bytes.length) continue;
      put32(bytes, at + 4, pick(edges, random));
      break;
    }
    return bytes;
  },
  "byte of an index": (bytes, random) => {
    bytes[random(bytes.length)] = pick([0x7f, 0x80, 0xff, 3, 4], random);
    return bytes;
  },
  "run of one byte": (bytes, random) => {
    const at = placeIn(bytes, random);
    return bytes.fill(pick([0, 0xff, 0x80, 0x7f, 0x5b], random), at, at + 1 + random(64));
  },
  "decompression bomb": (bytes, random) => {
    const at = findFrame(bytes, random(bytes.length));
    if (at === undefined) return bytes;
    const bomb = pick(bombs, random);
    bytes.set(bomb.subarray(0, bytes.length - at), at);
    if (random(2) === 0) put32(bytes, at - 8, pick([2 ** 20, 2 ** 30, 2 ** 31 - 1, 64], random));
    return bytes;
  },
};

const jsonParts = [
  "[".repeat(2_000),
  '{"a":'.repeat(200),
  "1".repeat(400),
  "1e999",
  "-0",
  '"\\ud800"',
  '"NaN"',
  "null",
  "{}",
  "[]",
  ',"__proto__":{"x":1}',
  ',"constructor":null',
  "\n",
  "\u0000",
  '"',
  "\\",
  '"specversion"',
  '"data_base64":"////AAA="',
  "9007199254740993",
  "true",
].map((text) => new TextEncoder().encode(text));

/** What else goes wrong with JSON: values of other kinds, keys, quotes. */
export const jsonMutators: Readonly<Record<string, Mutator>> = {
  "JSON part": (bytes, random) => spliced(bytes, random(bytes.length), pick(jsonParts, random), random(3)),
  "value of another kind": (bytes, random) => {
    // Behind a colon stands a value.
    const colon = bytes.indexOf(0x3a, random(bytes.length));
    return colon === -1 ? bytes : spliced(bytes, colon + 1, pick(jsonParts, random), 1 + random(4));
  },
};

/** What else goes wrong with Parquet: its footer is at the end, its numbers are varints of 7 bits. */
export const parquetMutators: Readonly<Record<string, Mutator>> = {
  "footer bits": (bytes, random) => {
    const at = Math.max(0, bytes.length - 9 - random(Math.min(2_048, bytes.length - 8)));
    bytes[at] = (bytes[at] as number) ^ (1 << random(8));
    return bytes;
  },
  "long varint": (bytes, random) => {
    const at = placeIn(bytes, random);
    return bytes.fill(0xff, at, at + 1 + random(12));
  },
};

const bombs: readonly Uint8Array[] = [
  new Uint8Array(zstdCompressSync(new Uint8Array(32 * 1024 * 1024))),
  // LZ4: 4 MiB blocks of zeros, as often as fit into a buffer
  Uint8Array.of(
    ...[0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73],
    ...Array(40).fill([0x0b, 0, 0, 0, 0x1f, 0, 1, 0, 255, 255, 255, 255, 255, 255, 16]).flat(),
  ),
  new Uint8Array(deflateRawSync(new Uint8Array(32 * 1024 * 1024))),
];

/** A compressed frame: 28 b5 2f fd is zstd, 04 22 4d 18 is LZ4. */
function findFrame(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at + 4 <= bytes.length; at++) {
    const word = viewOf(bytes).getUint32(at, true);
    if (word === 0xfd2fb528 || word === 0x184d2204) return at;
  }
  return undefined;
}
