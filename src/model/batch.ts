import type { EventTime } from "./time.ts";

/**
 * Rows as typed columns: what every decoder makes, whatever the bytes were. Columns are views over the decoded bytes
 * and are only valid while those are; nothing writes to them.
 */
export interface Batch {
  readonly rows: number;
  /** By name; a struct's children stand as `parent.child`. A null-prototype-safe Map: `__proto__` is a name like any other. */
  readonly columns: ReadonlyMap<string, Column>;
}

export type Column =
  | NumericColumn
  | Int64Column
  | BoolColumn
  | Utf8Column
  | DictionaryColumn
  | TimestampColumn
  | ListColumn
  | NullColumn
  | UnsupportedColumn;

interface ColumnBase {
  readonly rows: number;
  /**
   * Validity bits, least significant bit first, bit set = value present; row r is bit `validityOffset + r`.
   * `undefined` when every row is present. Slots of null rows hold anything.
   */
  readonly validity: Uint8Array | undefined;
  readonly validityOffset: number;
  readonly nullCount: number;
  /** What the bytes declared, for messages: `int32`, `utf8`, `timestamp[us, UTC]`, `json`. */
  readonly declared: string;
  /**
   * Cells of row formats (JSON, CSV) whose value does not fit the column's kind: their row numbers, ascending.
   * Such a row is null in `validity` and counted in `nullCount`; `check` counts it as a `type` violation, not as null.
   */
  readonly misfits?: Misfits;
}

export interface Misfits {
  readonly rows: Int32Array;
  /** The first one, for people: `"12"` found as `string`. At most 80 characters. */
  readonly example: string;
  readonly found: string;
}

export type NumericArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

export type NumericType =
  | "float64"
  | "float32"
  | "float16"
  | "int8"
  | "int16"
  | "int32"
  | "uint8"
  | "uint16"
  | "uint32"
  | "decimal";

/** Any number of 32 bits or less and every float. float16 and decimal are widened to float64 by the decoder. */
export interface NumericColumn extends ColumnBase {
  readonly kind: "numeric";
  readonly type: NumericType;
  /** Length ≥ rows. */
  readonly values: NumericArray;
}

/** int64, uint64: row r is words[2r] (low) and words[2r + 1] (high), little-endian as in Arrow; no BigInt on the hot path. */
export interface Int64Column extends ColumnBase {
  readonly kind: "int64";
  readonly signed: boolean;
  readonly words: Int32Array;
}

/** Bits, least significant first; row r is bit `bitOffset + r`. */
export interface BoolColumn extends ColumnBase {
  readonly kind: "bool";
  readonly bits: Uint8Array;
  readonly bitOffset: number;
}

/** Row r is bytes[offsets[r], offsets[r + 1]), valid UTF-8 not promised. Offsets are checked: monotonic and in range. */
export interface Utf8Column extends ColumnBase {
  readonly kind: "utf8";
  /** Length rows + 1. */
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
}

/** Row r is dictionary value `codes[r]`; the codes of present rows are checked to be in range, those of null rows are not. */
export interface DictionaryColumn extends ColumnBase {
  readonly kind: "dictionary";
  readonly codes: Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;
  /**
   * Distinct or not; may hold nulls. Never a dictionary or list itself. The same object for as long as the stream's
   * dictionary stays the same, so that what is known of a dictionary (hashes, mapping hits) can be kept in a WeakMap.
   */
  readonly dictionary: Utf8Column | NumericColumn | Int64Column | BoolColumn | TimestampColumn;
}

/** An instant as int64 in `unit` since the epoch, UTC (a zone changes only how it is shown); dates and times of day too. */
export interface TimestampColumn extends ColumnBase {
  readonly kind: "timestamp";
  readonly words: Int32Array;
  /** Milliseconds a count: 1000 for seconds, 1 for ms, 0.001 for µs, 0.000001 for ns, 86_400_000 for days. */
  readonly unitMs: number;
}

/** Lists of floats: row r is child[offsets[r], offsets[r + 1]); for a fixed size `offsets` is undefined and `size` set. */
export interface ListColumn extends ColumnBase {
  readonly kind: "list";
  readonly size: number | undefined;
  readonly offsets: Int32Array | undefined;
  readonly child: NumericColumn;
}

/** A column of the Arrow type null, or one whose every JSON cell was null: fits any type, holds nothing. */
export interface NullColumn extends ColumnBase {
  readonly kind: "null";
}

/** A type no check understands (map, union, list of strings): present or null is all that is known. */
export interface UnsupportedColumn extends ColumnBase {
  readonly kind: "unsupported";
}

/** Whether row `row` holds a value. For cold paths; hot loops read `validity` by word. */
export function isPresent(column: Column, row: number): boolean {
  if (column.kind === "null") return false;
  if (column.validity === undefined) return true;
  const bit = column.validityOffset + row;
  return ((column.validity[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
}

/** The two words of an int64 as a number: exact to ±2^53, nearest double beyond. */
export function int64ToNumber(low: number, high: number, signed: boolean): number {
  return (signed ? high : high >>> 0) * 4_294_967_296 + (low >>> 0);
}

const textDecoder = new TextDecoder("utf-8", { fatal: false });

/**
 * One cell as people and JSON see it: number, string, boolean, number[] (list), or null. int64 beyond 2^53 becomes a
 * decimal string, exact. For cold paths: examples, request ids, row-by-row validation.
 */
export function cellOf(column: Column, row: number): string | number | boolean | readonly number[] | null {
  if (!isPresent(column, row)) return null;
  switch (column.kind) {
    case "null":
    case "unsupported":
      return null;
    case "numeric":
      return column.values[row] as number;
    case "bool": {
      const bit = column.bitOffset + row;
      return ((column.bits[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
    }
    case "int64": {
      const [low, high] = [column.words[2 * row] as number, column.words[2 * row + 1] as number];
      const value = int64ToNumber(low, high, column.signed);
      if (Number.isSafeInteger(value)) return value;
      const exact = (BigInt(column.signed ? high : high >>> 0) << 32n) | BigInt(low >>> 0);
      return exact.toString();
    }
    case "timestamp":
      return instantOf(column, row);
    case "utf8":
      return textDecoder.decode(
        column.bytes.subarray(column.offsets[row] as number, column.offsets[row + 1] as number),
      );
    case "dictionary":
      return cellOf(column.dictionary, column.codes[row] as number);
    case "list": {
      const [from, to] =
        column.offsets === undefined
          ? [row * (column.size ?? 0), (row + 1) * (column.size ?? 0)]
          : [column.offsets[row] as number, column.offsets[row + 1] as number];
      return Array.from(column.child.values.subarray(from, to), Number);
    }
  }
}

/** Epoch milliseconds of a present row, with the fraction that a finer unit gives. */
export function instantOf(column: TimestampColumn, row: number): EventTime {
  const count = int64ToNumber(column.words[2 * row] as number, column.words[2 * row + 1] as number, true);
  return column.unitMs >= 1 ? count * column.unitMs : count / Math.round(1 / column.unitMs);
}
