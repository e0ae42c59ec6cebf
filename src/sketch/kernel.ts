import { kernelBytes } from "./kernel-bytes.ts";

/** What `assembly/kernel.ts` exports: functions, and addresses of the arrays that they work on. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly rows: Address;
  readonly raw: Address;
  readonly bits: Address;
  readonly picks: Address;
  readonly mask: Address;
  readonly values: Address;
  readonly dense: Address;
  readonly words: Address;
  readonly keys: Address;
  readonly ranks: Address;
  readonly sums: Address;
  readonly registers: Address;
  unpack(offset: number, size: number): number;
  countMask(from: number, to: number, picked: boolean): number;
  widenInt32(size: number): void;
  widenFloat32(size: number): void;
  widenInt64(size: number, signed: boolean): void;
  pick(from: number, to: number, masked: boolean, picked: boolean): number;
  pickWords(from: number, to: number, masked: boolean, picked: boolean): number;
  sum(size: number): number;
  addUp(size: number, shift: number): void;
  tally(size: number, centre: number, inverse: number): number;
  rank(size: number, integers: boolean): void;
  raise(size: number): number;
}

interface Address {
  readonly value: number;
}

/** What of WebAssembly is used here: the types of Node have no word for it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

const compiled = new WebAssembly.Module(Buffer.from(kernelBytes, "base64"));
const own = new WebAssembly.Instance(compiled).exports as Exports;
const { buffer } = own.memory;
const rows = own.rows.value;

/**
 * The arithmetic of a tile of rows, and the arrays in its memory that it reads and writes: 0.4 MB that never grow. What each
 * function does is told in `assembly/kernel.ts`. Whoever calls one of them has filled its input just before: the arrays are everybody's.
 */
export const kernel = {
  /** Rows of a tile. */
  rows,
  raw: {
    bytes: new Uint8Array(buffer, own.raw.value, 8 * rows),
    int32: new Int32Array(buffer, own.raw.value, 2 * rows),
    float32: new Float32Array(buffer, own.raw.value, rows),
  },
  bits: new Uint8Array(buffer, own.bits.value, rows / 8 + 1),
  picks: new Int32Array(buffer, own.picks.value, rows),
  mask: new Uint8Array(buffer, own.mask.value, rows),
  values: new Float64Array(buffer, own.values.value, rows),
  dense: new Float64Array(buffer, own.dense.value, rows),
  words: new Int32Array(buffer, own.words.value, 2 * rows),
  keys: new Int32Array(buffer, own.keys.value, rows),
  ranks: new Int32Array(buffer, own.ranks.value, rows),
  sums: new Float64Array(buffer, own.sums.value, 4),
  registers: new Uint8Array(buffer, own.registers.value, 4_096),
  unpack: own.unpack,
  countMask: own.countMask,
  widenInt32: own.widenInt32,
  widenFloat32: own.widenFloat32,
  widenInt64: own.widenInt64,
  pick: own.pick,
  pickWords: own.pickWords,
  sum: own.sum,
  addUp: own.addUp,
  tally: own.tally,
  rank: own.rank,
  raise: own.raise,
} as const;
