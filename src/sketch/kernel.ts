import { kernelBytes } from "./kernel-bytes.ts";

/** What `assembly/` exports: sizes, addresses of the arrays that it works on, and functions. */
interface Exports extends Readonly<Record<Name, { readonly value: number }>>, Functions {
  readonly memory: { readonly buffer: ArrayBuffer };
}

type Name =
  | "rows"
  | "raw"
  | "bits"
  | "picks"
  | "mask"
  | "values"
  | "dense"
  | "words"
  | "ranks"
  | "sums"
  | "registers"
  | "tableBytes"
  | "texts"
  | "textBytes"
  | "offsets"
  | "low"
  | "high"
  | "codes"
  | "firsts"
  | "used"
  | "counts"
  | "numberLow"
  | "numberHigh"
  | "numberLength"
  | "entries"
  | "slots"
  | "entryLow"
  | "entryHigh"
  | "entryLength"
  | "entryCount"
  | "entryOrigin"
  | "pages"
  | "buckets"
  | "bucketBytes";

interface Functions {
  unpack(offset: number, size: number): number;
  countMask(from: number, to: number, picked: boolean): number;
  widenInt32(size: number): void;
  widenFloat32(size: number): void;
  widenInt64(size: number, signed: boolean): void;
  pick(from: number, to: number, masked: boolean, picked: boolean): number;
  pickWords(from: number, to: number, masked: boolean, picked: boolean): number;
  sum(size: number): number;
  addUp(size: number, shift: number): void;
  tally(size: number, centre: number, inverse: number, pageCount: number): number;
  rank(size: number, integers: boolean): void;
  raise(size: number): number;
  hash(from: number, to: number): void;
  number(size: number, masked: boolean): number;
  countCodes(from: number, to: number, masked: boolean, picked: boolean): number;
  addTexts(
    from: number,
    to: number,
    masked: boolean,
    picked: boolean,
    held: number,
    most: number,
    slotMask: number,
  ): number;
}

/** What of WebAssembly is used here: the types of Node have no word for it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: object };
};

const compiled = new WebAssembly.Module(Buffer.from(kernelBytes, "base64"));
const own = new WebAssembly.Instance(compiled).exports as Exports;
const { buffer } = own.memory;
const [rows, entries, textBytes] = [own.rows.value, own.entries.value, own.textBytes.value];
const bytesAt = (name: Name, length: number): Uint8Array => new Uint8Array(buffer, own[name].value, length);
const wordsAt = (name: Name, length = rows): Int32Array => new Int32Array(buffer, own[name].value, length);
const doublesAt = (name: Name, length = rows): Float64Array =>
  new Float64Array(buffer, own[name].value, length);

/**
 * The arithmetic of a tile of rows, and the arrays in its memory that it reads and writes: 1 MiB that never grows. What each array
 * holds is told in `assembly/layout.ts`, what each function does where it stands. Whoever calls one has filled its input just before:
 * the arrays are everybody's.
 */
export const kernel = {
  rows,
  raw: {
    bytes: bytesAt("raw", 8 * rows),
    int32: wordsAt("raw", 2 * rows),
    float32: new Float32Array(buffer, own.raw.value, rows),
  },
  bits: bytesAt("bits", rows / 8 + 1),
  picks: wordsAt("picks"),
  mask: bytesAt("mask", rows),
  values: doublesAt("values"),
  dense: doublesAt("dense"),
  words: wordsAt("words", 2 * rows),
  ranks: wordsAt("ranks"),
  sums: doublesAt("sums", 4),
  registers: bytesAt("registers", 4_096),
  /** Codes below it can be counted. */
  codesEnd: own.tableBytes.value / 2,
  texts: bytesAt("texts", textBytes),
  offsets: wordsAt("offsets", rows + 1),
  low: wordsAt("low"),
  high: wordsAt("high"),
  codes: wordsAt("codes"),
  firsts: wordsAt("firsts"),
  used: wordsAt("used"),
  counts: wordsAt("counts"),
  numberLow: wordsAt("numberLow"),
  numberHigh: wordsAt("numberHigh"),
  numberLength: wordsAt("numberLength"),
  entries,
  slots: wordsAt("slots", 2 * entries),
  entryLow: wordsAt("entryLow", entries),
  entryHigh: wordsAt("entryHigh", entries),
  entryLength: wordsAt("entryLength", entries),
  entryCount: doublesAt("entryCount", entries),
  entryOrigin: wordsAt("entryOrigin", entries),
  pages: new Uint16Array(buffer, own.pages.value, 256),
  buckets: new Uint32Array(buffer, own.buckets.value, own.bucketBytes.value / 4),
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
  hash: own.hash,
  number: own.number,
  countCodes: own.countCodes,
  addTexts: own.addTexts,
} as const;
