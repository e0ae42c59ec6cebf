import type { FieldType } from "../model/feature-view.ts";
import { parseInstant } from "../model/time.ts";

/**
 * How the cells of a row format are read as values of a type. Each returns `undefined` for a cell that is no such value:
 * a misfit, which is listed and never coerced. Null cells are not asked.
 */
export interface CellReader {
  readonly declared: "json" | "csv";
  bool(cell: unknown): boolean | undefined;
  /** NaN and infinities are values. */
  float(cell: unknown): number | undefined;
  /** A bigint when it is beyond 2^53. */
  integer(cell: unknown): number | bigint | undefined;
  text(cell: unknown): string | undefined;
  instant(cell: unknown, into: Instant): boolean;
  list(cell: unknown): readonly number[] | undefined;
  /** What the cell is, in a word: `string`, `number`, `object`. */
  found(cell: unknown): string;
  /** The cell as it stood in the bytes. */
  show(cell: unknown): string;
  /** The type that holds all these cells (nulls among them), if one does; `undefined` when all are null. */
  infer(cells: readonly unknown[]): InferredType | undefined;
}

export interface Instant {
  ms: number;
  /** 0 to 999,999, beyond `ms`. */
  nanos: number;
}

/** `unsupported`: objects in lists, lists of strings. */
export type InferredType = FieldType | "unsupported";

/** The numbers that JSON has no literal for, as Python, Java and JavaScript print them. */
const nonFinite: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);
/** Furthest instant of a `Date`. */
const instantMsMax = 8.64e15;

/** JSON values as `JSON.parse` makes them, except that an integer beyond 2^53 may be a bigint. */
export const jsonCells: CellReader = {
  declared: "json",
  bool: (cell) => (typeof cell === "boolean" ? cell : undefined),
  float(cell) {
    if (typeof cell === "number") return cell;
    return typeof cell === "bigint" ? Number(cell) : nonFinite.get(cell);
  },
  integer: (cell) =>
    Number.isInteger(cell) || typeof cell === "bigint" ? (cell as number | bigint) : undefined,
  text: (cell) => (typeof cell === "string" ? cell : undefined),
  instant(cell, into) {
    if (typeof cell === "string") return !digitsOnly.test(cell) && readInstant(cell, into);
    if (typeof cell !== "number" || !(Math.abs(cell) <= instantMsMax)) return false;
    into.ms = Math.floor(cell);
    // A double of today's milliseconds tells quarters of a microsecond apart, no nanoseconds.
    into.nanos = Math.min(999, Math.round((cell - into.ms) * 1_000)) * 1_000;
    return true;
  },
  list(cell) {
    if (!Array.isArray(cell)) return undefined;
    if (cell.every((item) => typeof item === "number")) return cell as number[];
    const numbers = cell.map((item) => (item === null ? Number.NaN : jsonCells.float(item)));
    return numbers.includes(undefined) ? undefined : (numbers as number[]);
  },
  found(cell) {
    if (Array.isArray(cell)) return "array";
    return typeof cell === "boolean" ? "bool" : typeof cell === "bigint" ? "number" : typeof cell;
  },
  show: (cell) =>
    typeof cell === "bigint"
      ? cell.toString()
      : JSON.stringify(cell, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner)),
  infer(cells) {
    const types = new Set<InferredType>();
    for (const cell of cells) if (cell !== null && cell !== undefined) types.add(jsonType(cell));
    if (types.has("embedding") && types.size === 1) return "embedding";
    for (const wide of ["unsupported", "embedding"] as const) if (types.has(wide)) return "unsupported";
    // "NaN" among numbers is a number; among texts it is a text.
    if (types.has("float64") || types.has("int64")) {
      return !types.has("float64") && types.size === 1 ? "int64" : "float64";
    }
    if (types.has("timestamp") && types.size === 1) return "timestamp";
    return types.has("string") || types.has("timestamp") ? "string" : types.has("bool") ? "bool" : undefined;
  },
};

function jsonType(cell: unknown): InferredType {
  switch (typeof cell) {
    case "boolean":
      return "bool";
    case "number":
      return Number.isSafeInteger(cell) ? "int64" : "float64";
    case "bigint":
      return fitsInt64(cell) ? "int64" : "float64";
    case "string":
      return looksLikeInstant(cell) ? "timestamp" : "string";
    default:
      return jsonCells.list(cell) === undefined ? "unsupported" : "embedding";
  }
}

/** Texts of a CSV file. An empty cell is null and never comes here. */
export const csvCells: CellReader = {
  declared: "csv",
  bool: (cell) => csvBools.get(cell),
  float: (cell) => csvFloat(cell as string),
  integer(cell) {
    const value = csvFloat(cell as string);
    if (Number.isSafeInteger(value)) return value;
    return Number.isInteger(value) && signedDigits.test(cell as string) ? BigInt(cell as string) : undefined;
  },
  text: (cell) => cell as string,
  instant: (cell, into) => readInstant(cell as string, into),
  list(cell) {
    const text = (cell as string).trim();
    if (!text.startsWith("[") || !text.endsWith("]")) return undefined;
    const inside = text.slice(1, -1).trim();
    const numbers = inside === "" ? [] : inside.split(",").map((item) => csvFloat(item.trim()));
    return numbers.includes(undefined) ? undefined : (numbers as number[]);
  },
  found: () => "string",
  show: (cell) => JSON.stringify(cell),
  infer(cells) {
    let type: InferredType | undefined;
    for (const cell of cells) {
      if (cell === null) continue;
      const own = csvType(cell as string);
      if (type === undefined || type === own) type = own;
      else if ((type === "int64" && own === "float64") || (type === "float64" && own === "int64"))
        type = "float64";
      else return "string";
    }
    return type;
  },
};

function csvType(text: string): InferredType {
  if (csvBools.has(text)) return "bool";
  // 00501 is a postal code.
  if (/^[+-]?0\d/.test(text)) return "string";
  const value = csvFloat(text);
  if (value !== undefined) return signedDigits.test(text) && fitsInt64(BigInt(text)) ? "int64" : "float64";
  return looksLikeInstant(text)
    ? "timestamp"
    : text.startsWith("[") && csvCells.list(text) !== undefined
      ? "embedding"
      : "string";
}

const csvBools: ReadonlyMap<unknown, boolean> = new Map(
  ["true", "True", "TRUE"].flatMap((yes, index) => [
    [yes, true],
    [["false", "False", "FALSE"][index] as string, false],
  ]),
);
const digitsOnly = /^\s*-?\d+\s*$/;
const signedDigits = /^[+-]?\d+$/;
const csvNonFinite = /^(?:nan|[+-]?inf(?:inity)?)$/i;

/** A decimal number or a spelling of NaN and the infinities; no blanks, no hexadecimal. */
function csvFloat(text: string): number | undefined {
  const [first, last] = [text.charCodeAt(0), text.charCodeAt(text.length - 1)];
  const begins = (first >= 48 && first <= 57) || first === 45 || first === 46 || first === 43;
  const ends = (last >= 48 && last <= 57) || last === 46;
  if (begins && ends) {
    if (first === 48 && text.charCodeAt(1) > 57 && !/^0[eE]/.test(text)) return undefined; // 0x1, 0b1
    const value = Number(text);
    return Number.isNaN(value) ? undefined : value;
  }
  if (!csvNonFinite.test(text)) return undefined;
  if (/^nan$/i.test(text)) return Number.NaN;
  return first === 45 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function looksLikeInstant(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}/.test(text) && parseInstant(text) !== undefined;
}

function readInstant(text: string, into: Instant): boolean {
  const ms = utcMs(text) ?? parseInstant(text);
  if (ms === undefined) return false;
  into.ms = ms;
  const finer = text.length > 23 ? /[.,]\d{3}(\d{1,6})/.exec(text)?.[1] : undefined;
  into.nanos = finer === undefined ? 0 : Number(finer.padEnd(6, "0"));
  return true;
}

const [zero, dash, colon, dot, letterT, letterZ] = [48, 45, 58, 46, 84, 90];

/** `2026-03-03T04:14:00Z` and `…00.123Z`, the usual ones, at a fifth of `parseInstant`'s cost; `undefined`: ask that. */
function utcMs(text: string): number | undefined {
  const { length } = text;
  if ((length !== 20 && length !== 24) || text.charCodeAt(length - 1) !== letterZ) return undefined;
  const separated =
    text.charCodeAt(4) === dash &&
    text.charCodeAt(7) === dash &&
    text.charCodeAt(10) === letterT &&
    text.charCodeAt(13) === colon &&
    text.charCodeAt(16) === colon &&
    (length === 20 || text.charCodeAt(19) === dot);
  if (!separated) return undefined;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const milli = length === 24 ? digits(text, 20, 23) : 0;
  const usual =
    year >= 1_000 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 28 &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  // NaN compares as false, and milli is checked by the sum
  const ms = usual ? Date.UTC(year, month - 1, day, hour, minute, second, milli) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** The number that the digits `[from, to)` stand for; NaN when they are none. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = 10 * value + digit;
  }
  return value;
}

function fitsInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}
