import type {
  Column,
  DictionaryColumn,
  Misfits,
  NumericArray,
  NumericType,
  Utf8Column,
} from "../model/batch.ts";
import type { FieldType } from "../model/feature-view.ts";
import { parseInstant } from "../model/time.ts";

/** A cell of a row format: what JSON or a CSV parser gives. `undefined` and null are both "no value". */
export type Cell = unknown;

const exampleMax = 80;
const nonFinite: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** Smallest and largest integer of a type; beyond 2^53 a JSON number has lost its digits before it gets here. */
const integerRange: Readonly<Partial<Record<FieldType, readonly [number, number]>>> = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [-(2 ** 63), 2 ** 63],
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
  uint64: [0, 2 ** 64],
};

/**
 * Cells of one column → a column of the kind that `type` asks for. A cell of another kind becomes a misfit: null, and
 * listed with its row; nothing is coerced, so "12" in a float field is found. Floats may be the texts NaN, Infinity and
 * -Infinity, which JSON has no numbers for. Timestamps are epoch milliseconds or ISO 8601.
 * @param type  `undefined`: the kind of the first cell that holds something
 */
export function columnOfCells(cells: readonly Cell[], type: FieldType | undefined, format: string): Column {
  const kind = type ?? inferType(cells);
  const taker = new Taker(cells.length, format === "parquet" ? `${kind ?? "null"}` : format);
  switch (kind) {
    case undefined:
      return { kind: "null", ...taker.base(), validity: undefined, nullCount: cells.length };
    case "bool":
      return boolColumn(cells, taker);
    case "string":
      return stringColumn(cells, taker);
    case "timestamp":
      return timestampColumn(cells, taker);
    case "embedding":
      return listColumn(cells, taker);
    case "float32":
    case "float64":
      return floatColumn(cells, kind, taker);
    case "int64":
    case "uint64":
      return int64Column(cells, kind, taker);
    default:
      return integerColumn(cells, kind, taker);
  }
}

/** bool, int64 (every number an integer), float64, string or embedding, by the cells; `undefined` when all are empty. */
export function inferType(cells: readonly Cell[]): FieldType | undefined {
  const first = cells.find((cell) => cell !== null && cell !== undefined);
  switch (typeof first) {
    case "boolean":
      return "bool";
    case "number":
    case "bigint":
      return cells.every((cell) => typeof cell !== "number" || Number.isInteger(cell)) ? "int64" : "float64";
    case "string":
      return "string";
    case "object":
      return Array.isArray(first) ? "embedding" : "string";
    default:
      return undefined;
  }
}

/** Collects validity and misfits of one column. */
class Taker {
  readonly rows: number;
  readonly #declared: string;
  readonly #validity: Uint8Array;
  #nulls = 0;
  #misfits: number[] = [];
  #example: { example: string; found: string } | undefined;

  constructor(rows: number, declared: string) {
    this.rows = rows;
    this.#declared = declared;
    this.#validity = new Uint8Array((rows + 7) >> 3).fill(0xff);
  }

  /** The cell has no value. */
  skip(row: number): void {
    this.#validity[row >> 3] = (this.#validity[row >> 3] as number) & ~(1 << (row & 7));
    this.#nulls += 1;
  }

  /** The cell has a value of another kind. */
  misfit(row: number, cell: Cell): void {
    this.skip(row);
    this.#misfits.push(row);
    this.#example ??= { example: preview(cell), found: Array.isArray(cell) ? "array" : typeof cell };
  }

  base(): {
    rows: number;
    validity: Uint8Array | undefined;
    validityOffset: number;
    nullCount: number;
    declared: string;
    misfits?: Misfits;
  } {
    const base = {
      rows: this.rows,
      validity: this.#nulls === 0 ? undefined : this.#validity,
      validityOffset: 0,
      nullCount: this.#nulls,
      declared: this.#declared,
    };
    if (this.#example === undefined) return base;
    return { ...base, misfits: { rows: Int32Array.from(this.#misfits), ...this.#example } };
  }
}

function preview(cell: Cell): string {
  const text =
    JSON.stringify(cell, (_, value) => (typeof value === "bigint" ? value.toString() : value)) ??
    String(cell);
  return text.length <= exampleMax ? text : `${text.slice(0, exampleMax - 1)}…`;
}

const isEmpty = (cell: Cell): boolean => cell === null || cell === undefined;

function floatColumn(cells: readonly Cell[], type: "float32" | "float64", taker: Taker): Column {
  const values = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (typeof cell === "number") values[row] = cell;
    else if (isEmpty(cell)) taker.skip(row);
    else if (typeof cell === "string" && Object.hasOwn(nonFinite, cell))
      values[row] = nonFinite[cell] as number;
    else taker.misfit(row, cell);
  }
  // float64 holds every float32: the text of the number decides its digits, not the declared width
  return { kind: "numeric", type: type === "float32" ? "float32" : "float64", values, ...taker.base() };
}

type SmallInteger = Exclude<NumericType, "float64" | "float32" | "float16" | "decimal">;

const arrayOf: Readonly<Record<SmallInteger, new (length: number) => NumericArray>> = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
};

function integerColumn(cells: readonly Cell[], type: SmallInteger, taker: Taker): Column {
  const [low, high] = integerRange[type] as readonly [number, number];
  const values = new arrayOf[type](cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (typeof cell === "number" && Number.isInteger(cell) && cell >= low && cell <= high) values[row] = cell;
    else if (isEmpty(cell)) taker.skip(row);
    else taker.misfit(row, cell);
  }
  return { kind: "numeric", type, values, ...taker.base() };
}

function int64Column(cells: readonly Cell[], type: "int64" | "uint64", taker: Taker): Column {
  const [low, high] = integerRange[type] as readonly [number, number];
  const words = new Int32Array(2 * cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (typeof cell === "bigint") {
      words[2 * row] = Number(BigInt.asIntN(32, cell));
      words[2 * row + 1] = Number(BigInt.asIntN(32, cell >> 32n));
    } else if (typeof cell === "number" && Number.isInteger(cell) && cell >= low && cell < high) {
      putInt64(words, row, cell);
    } else if (isEmpty(cell)) taker.skip(row);
    else taker.misfit(row, cell);
  }
  return { kind: "int64", signed: type === "int64", words, ...taker.base() };
}

function putInt64(words: Int32Array, row: number, value: number): void {
  words[2 * row] = (value % 4_294_967_296) | 0;
  words[2 * row + 1] = Math.floor(value / 4_294_967_296) | 0;
}

function boolColumn(cells: readonly Cell[], taker: Taker): Column {
  const bits = new Uint8Array((cells.length + 7) >> 3);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (cell === true) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
    else if (isEmpty(cell)) taker.skip(row);
    else if (cell !== false) taker.misfit(row, cell);
  }
  return { kind: "bool", bits, bitOffset: 0, ...taker.base() };
}

/** Instants in microseconds, so that a fraction of a millisecond survives. */
function timestampColumn(cells: readonly Cell[], taker: Taker): Column {
  const words = new Int32Array(2 * cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    const ms = typeof cell === "string" ? parseInstant(cell) : cell;
    if (typeof ms === "number" && Math.abs(ms) <= 8.64e15) putInt64(words, row, Math.round(ms * 1_000));
    else if (isEmpty(cell)) taker.skip(row);
    else taker.misfit(row, cell);
  }
  return { kind: "timestamp", words, unitMs: 0.001, ...taker.base() };
}

function listColumn(cells: readonly Cell[], taker: Taker): Column {
  const offsets = new Int32Array(cells.length + 1);
  const items: number[] = [];
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (isEmpty(cell)) taker.skip(row);
    else if (Array.isArray(cell) || cell instanceof Float32Array || cell instanceof Float64Array) {
      const numbers = numbersOf(cell);
      if (numbers === undefined) taker.misfit(row, cell);
      else for (const number of numbers) items.push(number);
    } else taker.misfit(row, cell);
    offsets[row + 1] = items.length;
  }
  const child = {
    kind: "numeric",
    type: "float64",
    values: Float64Array.from(items),
    rows: items.length,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: "number",
  } as const;
  return { kind: "list", size: undefined, offsets, child, ...taker.base() };
}

/** A null item is NaN; an item that is no number makes the whole list a misfit. */
function numbersOf(list: ArrayLike<unknown>): number[] | undefined {
  const numbers: number[] = [];
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    if (typeof item === "number") numbers.push(item);
    else if (isEmpty(item)) numbers.push(Number.NaN);
    else if (typeof item === "string" && Object.hasOwn(nonFinite, item))
      numbers.push(nonFinite[item] as number);
    else return undefined;
  }
  return numbers;
}

/** Rows looked at to tell categories from free text. */
const probeRows = 256;

/** Text that repeats is kept as a dictionary, so that each distinct value is looked at once. */
function stringColumn(cells: readonly Cell[], taker: Taker): Column {
  const texts: (string | null)[] = new Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    texts[row] = typeof cell === "string" ? cell : null;
    if (isEmpty(cell)) taker.skip(row);
    else if (typeof cell !== "string") taker.misfit(row, cell);
  }
  const base = taker.base();
  const probe = texts.slice(0, probeRows);
  if (new Set(probe).size > probe.length / 2) return { kind: "utf8", ...encodeTexts(texts), ...base };
  const codes = new Int32Array(texts.length);
  const known = new Map<string, number>();
  for (let row = 0; row < texts.length; row++) {
    const text = texts[row];
    if (text === null || text === undefined) continue;
    let code = known.get(text);
    if (code === undefined) {
      code = known.size;
      known.set(text, code);
    }
    codes[row] = code;
  }
  const column: DictionaryColumn = {
    kind: "dictionary",
    codes,
    dictionary: utf8ColumnOf([...known.keys()], base.declared),
    ...base,
  };
  return column;
}

const encoder = new TextEncoder();

function encodeTexts(texts: readonly (string | null)[]): { offsets: Int32Array; bytes: Uint8Array } {
  const offsets = new Int32Array(texts.length + 1);
  // UTF-8 takes at most three bytes a UTF-16 unit
  let bytes = new Uint8Array(texts.reduce((sum, text) => sum + 3 * (text?.length ?? 0), 0));
  let at = 0;
  texts.forEach((text, row) => {
    if (text !== null) at += encoder.encodeInto(text, bytes.subarray(at)).written;
    offsets[row + 1] = at;
  });
  bytes = bytes.slice(0, at);
  return { offsets, bytes };
}

export function utf8ColumnOf(texts: readonly (string | null)[], declared: string): Utf8Column {
  const taker = new Taker(texts.length, declared);
  texts.forEach((text, row) => {
    if (text === null) taker.skip(row);
  });
  return { kind: "utf8", ...encodeTexts(texts), ...taker.base() };
}
