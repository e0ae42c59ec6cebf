import { type Column, instantOf, int64ToNumber, type NumericArray } from "../model/batch.ts";
import { kernel } from "../sketch/kernel.ts";
import { tileRows } from "./tile.ts";

/** So few are copied faster one by one: an event a message is a tile of one row. */
const fewRows = 8;

/**
 * Rows `[from, from + size)` of a column as doubles, a tile at most; slots of null rows hold anything. Timestamps become epoch
 * ms; int64 is the nearest double, and its words lie in `kernel.raw` then. What `kernel.values` held is lost.
 */
export function loadNumbers(column: Column, from: number, size: number, into: Float64Array): void {
  const { raw, values } = kernel;
  switch (column.kind) {
    case "numeric":
      if (size <= fewRows) {
        for (let row = 0; row < size; row++) into[row] = column.values[from + row] as number;
        return;
      }
      if (column.values instanceof Int32Array) {
        raw.int32.set(column.values.subarray(from, from + size));
        kernel.widenInt32(size);
      } else if (column.values instanceof Float32Array) {
        raw.float32.set(column.values.subarray(from, from + size));
        kernel.widenFloat32(size);
      } else {
        into.set(column.values.subarray(from, from + size));
        return;
      }
      break;
    case "int64":
    case "timestamp":
      if (size <= fewRows)
        for (let at = 0; at < 2 * size; at++) raw.int32[at] = column.words[2 * from + at] as number;
      else raw.int32.set(column.words.subarray(2 * from, 2 * (from + size)));
      kernel.widenInt64(size, column.kind === "timestamp" || column.signed);
      if (column.kind === "timestamp") scale(size, column.unitMs);
      break;
    case "dictionary": {
      const known = dictionaryNumbers(column.dictionary);
      for (let row = 0; row < size; row++) into[row] = known[column.codes[from + row] as number] ?? 0;
      return;
    }
    case "bool":
      for (let row = 0; row < size; row++) {
        const bit = column.bitOffset + from + row;
        into[row] = ((column.bits[bit >> 3] as number) >> (bit & 7)) & 1;
      }
      return;
    default:
      into.fill(0, 0, size);
      return;
  }
  if (into === values) return;
  if (size <= fewRows) for (let row = 0; row < size; row++) into[row] = values[row] as number;
  else into.set(values.subarray(0, size));
}

/** As `instantOf` does it: a division by a whole number is exact where a multiplication by 0.001 is not. */
function scale(size: number, unitMs: number): void {
  if (unitMs === 1) return;
  const { values } = kernel;
  const units = Math.round(1 / unitMs);
  for (let row = 0; row < size; row++) {
    values[row] = unitMs >= 1 ? (values[row] as number) * unitMs : (values[row] as number) / units;
  }
}

const dictionaries = new WeakMap<object, Float64Array>();

/** A dictionary's values as doubles, computed once. */
function dictionaryNumbers(dictionary: Column): Float64Array {
  const known = dictionaries.get(dictionary);
  if (known !== undefined) return known;
  const values = new Float64Array(dictionary.rows);
  for (let from = 0; from < dictionary.rows; from += tileRows) {
    const size = Math.min(tileRows, dictionary.rows - from);
    loadNumbers(dictionary, from, size, values.subarray(from, from + size));
  }
  dictionaries.set(dictionary, values);
  return values;
}

/** Whether a column can be read as instants: timestamps, and int64 or numbers as epoch milliseconds. */
export function holdsInstants(column: Column): boolean {
  switch (column.kind) {
    case "timestamp":
    case "int64":
    case "numeric":
    case "null":
      return true;
    case "dictionary":
      return holdsInstants(column.dictionary);
    default:
      return false;
  }
}

/** The double of one present row; the reference for `loadNumbers`. */
export function numberAt(column: Column, row: number): number {
  switch (column.kind) {
    case "numeric":
      return column.values[row] as number;
    case "int64":
      return int64ToNumber(
        column.words[2 * row] as number,
        column.words[2 * row + 1] as number,
        column.signed,
      );
    case "timestamp":
      return instantOf(column, row);
    case "dictionary":
      return numberAt(column.dictionary, column.codes[row] as number);
    default:
      return Number.NaN;
  }
}

/** A view of any array's rows as doubles: itself when it is one already. */
export function asDoubles(values: NumericArray, from: number, to: number): Float64Array {
  return values instanceof Float64Array
    ? values.subarray(from, to)
    : Float64Array.from(values.subarray(from, to));
}
