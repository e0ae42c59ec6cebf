import assert from "node:assert/strict";
import { Fault } from "../model/fault.ts";
import { hashBytes, viewOf } from "../model/hash.ts";

/**
 * Little-endian bytes, appended. Integers as the shortest LEB128 varint up to 2^53, floats as IEEE 754 binary64 (−0 as 0, every
 * NaN as the same one), texts as UTF-8 with their length before them: a value has one form.
 */
export interface Writer {
  byte(value: number): void;
  /** A safe integer ≥ 0. */
  count(value: number): void;
  float(value: number): void;
  word(value: number): void;
  /** Length, then bytes: all of `value`, or `value[from, to)`. */
  bytes(value: Uint8Array, from?: number, to?: number): void;
  text(value: string): void;
  /** Lets `put` write up to `most` bytes of its own from `at` on, without a call for each; it returns where it has ended. */
  fill(most: number, put: (bytes: Uint8Array, at: number) => number): void;
  /** What has been written: a view, until the next is. */
  written(): Uint8Array;
  done(): Uint8Array;
}

/**
 * Reads what `Writer` wrote. Every method throws Fault `sketch.corrupt` where the bytes end or contradict themselves, and none
 * allocates more than the bytes that are there.
 */
export interface Reader {
  byte(): number;
  count(): number;
  /** A count of things of at least `size` bytes each that still have to come: never more than the bytes left. */
  length(size: number): number;
  float(): number;
  /** A float that is no NaN. */
  number(): number;
  word(): number;
  /** Where the next bytes that have their length before them stand in `all`: `[from, to)`. */
  span(): readonly [from: number, to: number];
  text(): string;
  /** Everything that is read from, and a view over it. */
  readonly all: Uint8Array;
  readonly view: DataView;
  /** Asserts that nothing is left. */
  end(): void;
  corrupt(what: string): Fault;
}

/** So few bytes are copied faster one by one. */
const shortBytes = 32;

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The most bytes that `putCount` writes. */
export const countBytesMax = 8;

/** Writes a safe integer ≥ 0 as a varint. @returns where it ends */
export function putCount(bytes: Uint8Array, at: number, value: number): number {
  if (value < 128) {
    bytes[at] = value;
    return at + 1;
  }
  let end = at;
  let rest = value;
  for (; rest >= 0x8000_0000; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) + 128;
  for (; rest >= 128; rest >>= 7) bytes[end++] = (rest & 127) | 128;
  bytes[end++] = rest;
  return end;
}

/** Writes 32 bits, little-endian. @returns where they end */
export function putWord(bytes: Uint8Array, at: number, value: number): number {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (i * 8);
  return at + 4;
}

/** @param room  bytes to write into as long as they are enough; nobody else's until `done` */
export function createWriter(room: Uint8Array = new Uint8Array(256)): Writer {
  let bytes = room;
  let view = viewOf(bytes);
  let at = 0;
  const grow = (size: number): void => {
    if (at + size <= bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes.length * 2, at + size));
    grown.set(bytes);
    bytes = grown;
    view = viewOf(bytes);
  };
  const writer: Writer = {
    byte(value) {
      grow(1);
      bytes[at++] = value;
    },
    count(value) {
      assert(Number.isSafeInteger(value) && value >= 0, `${value} is no count`);
      grow(countBytesMax);
      at = putCount(bytes, at, value);
    },
    float(value) {
      grow(8);
      view.setFloat64(at, Number.isNaN(value) ? Number.NaN : value + 0, true);
      at += 8;
    },
    word(value) {
      grow(4);
      view.setInt32(at, value, true);
      at += 4;
    },
    bytes(value, from = 0, to = value.length) {
      const length = to - from;
      writer.count(length);
      grow(length);
      if (length > shortBytes) bytes.set(value.subarray(from, to), at);
      else for (let i = 0; i < length; i++) bytes[at + i] = value[from + i] as number;
      at += length;
    },
    text(value) {
      writer.bytes(textEncoder.encode(value));
    },
    fill(most, put) {
      grow(most);
      at = put(bytes, at);
    },
    written: () => bytes.subarray(0, at),
    done: () => bytes.slice(0, at),
  };
  return writer;
}

/** @param what  the name of the thing in messages: `histogram` */
export function createReader(bytes: Uint8Array, what: string): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const corrupt = (text: string): Fault =>
    new Fault("sketch.corrupt", `${what}: ${text} at byte ${at} of ${bytes.length}`);
  const need = (size: number): void => {
    if (at + size > bytes.length) throw corrupt("ends early");
  };
  const reader: Reader = {
    all: bytes,
    view,
    byte() {
      need(1);
      return view.getUint8(at++);
    },
    count() {
      let value = 0;
      let unit = 1;
      for (let i = 0; i < 8; i++) {
        const byte = reader.byte();
        value += (byte & 127) * unit;
        if (byte < 128) {
          if (!Number.isSafeInteger(value)) throw corrupt("a count above 2^53");
          if (byte === 0 && i > 0) throw corrupt("a count longer than it need be");
          return value;
        }
        unit *= 128;
      }
      throw corrupt("a count above 2^53");
    },
    length(size) {
      const value = reader.count();
      if (value * size > bytes.length - at) throw corrupt(`${value} items`);
      return value;
    },
    float() {
      need(8);
      at += 8;
      return view.getFloat64(at - 8, true);
    },
    number() {
      const value = reader.float();
      if (Number.isNaN(value)) throw corrupt("a NaN");
      return value;
    },
    word() {
      need(4);
      at += 4;
      return view.getInt32(at - 4, true);
    },
    span() {
      const length = reader.length(1);
      at += length;
      return [at - length, at];
    },
    text() {
      const [from, to] = reader.span();
      try {
        return textDecoder.decode(bytes.subarray(from, to));
      } catch {
        throw corrupt("a text that is no UTF-8");
      }
    },
    end() {
      if (at !== bytes.length) throw corrupt("goes on");
    },
    corrupt,
  };
  return reader;
}

const sumBytes = 4;

/** Where `seal` writes before it knows how many bytes it will be: most profiles fit. Away while somebody writes. */
let desk: Uint8Array | undefined = new Uint8Array(1024 * 1024);

/** A version byte, what `write` writes, and a checksum over both (the low word of `hashBytes`). */
export function seal(version: number, write: (writer: Writer) => void): Uint8Array {
  const room = desk ?? new Uint8Array(256);
  desk = undefined;
  try {
    const writer = createWriter(room);
    writer.byte(version);
    write(writer);
    writer.word(sumOf(writer.written()));
    return writer.done();
  } finally {
    desk = room;
  }
}

/**
 * Opens what `seal` made; `read` is told the version and has to read all of it. Version 1 had no checksum.
 * @param newest  the largest version that `read` knows
 * @throws Fault `store.version` for a newer one, `sketch.corrupt` for anything that `seal` did not make
 */
export function unseal<T>(
  bytes: Uint8Array,
  what: string,
  newest: number,
  read: (reader: Reader, version: number) => T,
): T {
  const version = bytes[0] ?? 0;
  if (version > newest) {
    throw new Fault("store.version", `${what}: version ${version}, this tidemark reads up to ${newest}`, {
      hint: "a newer tidemark wrote it: run that one, or delete what it wrote",
    });
  }
  const sealed = version > 1;
  const end = bytes.length - (sealed ? sumBytes : 0);
  const reader = createReader(bytes.subarray(0, Math.max(end, 0)), what);
  if (version === 0 || end < 1) throw reader.corrupt(bytes.length === 0 ? "no bytes" : `version ${version}`);
  if (sealed && viewOf(bytes).getInt32(end, true) !== sumOf(bytes.subarray(0, end)))
    throw reader.corrupt("a checksum that does not fit its bytes");
  reader.byte();
  const value = read(reader, version);
  reader.end();
  return value;
}

function sumOf(bytes: Uint8Array): number {
  const hash = { low: 0, high: 0 };
  hashBytes(hash, viewOf(bytes), 0, bytes.length);
  return hash.low;
}
