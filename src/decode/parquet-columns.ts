import type { Column, DictionaryColumn, NumericArray, NumericColumn, Utf8Column } from "../model/batch.ts";
import { halvesToFloat64 } from "./arrow-numbers.ts";
import type { ParquetType } from "./parquet-schema.ts";

/** Cells of a column as the pages hold them: numbers, bigints, bytes, booleans, lists of those; null where there is none. */
export interface Run {
  readonly cells: ArrayLike<unknown>;
  /** Of the first cell, in the stretch that is read. */
  readonly start: number;
}

/** A column of `rows` rows from its runs, which may begin before the stretch and pass its end. */
export function buildParquetColumn(
  runs: readonly Run[],
  rows: number,
  type: ParquetType,
  declared: string,
): Column {
  const slot = new Slot(rows, declared);
  switch (type.kind) {
    case "bool": {
      const bits = new Uint8Array((rows + 7) >> 3);
      slot.fill(runs, (cell, row) => {
        if (cell === true) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
      });
      return { kind: "bool", ...slot.base(), bits, bitOffset: 0 };
    }
    case "numeric":
      return buildNumbers(runs, rows, type, slot);
    case "words": {
      const words = buildWords(runs, rows, slot);
      if (type.unitMs !== undefined) return { kind: "timestamp", ...slot.base(), words, unitMs: type.unitMs };
      return { kind: "int64", ...slot.base(), signed: type.signed, words };
    }
    case "text":
      return buildTexts(runs, rows, slot);
    case "list":
      return buildLists(runs, rows, type.number, slot);
    case "unsupported":
      slot.fill(runs, () => undefined);
      return { kind: "unsupported", ...slot.base() };
  }
}

/** Rows `[from, to)` as a view; `from` is a multiple of 8. */
export function sliceColumn(column: Column, from: number, to: number): Column {
  if (from === 0 && to === column.rows) return column;
  const rows = to - from;
  const validity = column.validity?.subarray(from >> 3, (to + 7) >> 3);
  const nullCount = validity === undefined ? (column.nullCount === 0 ? 0 : rows) : countNulls(validity, rows);
  const base = { rows, nullCount, validity: nullCount === 0 ? undefined : validity, validityOffset: 0 };
  switch (column.kind) {
    case "numeric":
      return { ...column, ...base, values: column.values.subarray(from, to) };
    case "int64":
    case "timestamp":
      return { ...column, ...base, words: column.words.subarray(2 * from, 2 * to) };
    case "bool":
      return { ...column, ...base, bits: column.bits.subarray(from >> 3, (to + 7) >> 3) };
    case "utf8":
      return { ...column, ...base, offsets: column.offsets.subarray(from, to + 1) };
    case "dictionary":
      return { ...column, ...base, codes: column.codes.subarray(from, to) };
    case "list":
      return { ...column, ...base, offsets: column.offsets?.subarray(from, to + 1) };
    case "null":
    case "unsupported":
      return { ...column, ...base };
  }
}

function countNulls(validity: Uint8Array, rows: number): number {
  let nulls = 0;
  for (let row = 0; row < rows; row++)
    if (((validity[row >> 3] as number) & (1 << (row & 7))) === 0) nulls += 1;
  return nulls;
}

/** Validity of one column while it is filled. */
class Slot {
  readonly rows: number;
  readonly declared: string;
  #validity: Uint8Array | undefined;
  #nullCount = 0;

  constructor(rows: number, declared: string) {
    this.rows = rows;
    this.declared = declared;
  }

  /** Hands over every present cell; the others are marked null, also rows that no run holds. */
  fill(runs: readonly Run[], put: (cell: unknown, row: number) => void): void {
    let next = 0;
    for (const { cells, start } of runs) {
      const [from, to] = [Math.max(0, start, next), Math.min(this.rows, start + cells.length)];
      for (; next < from; next++) this.clear(next);
      for (let row = from; row < to; row++) {
        const cell = cells[row - start];
        if (cell === null || cell === undefined) this.clear(row);
        else put(cell, row);
      }
      next = Math.max(next, to);
    }
    for (; next < this.rows; next++) this.clear(next);
  }

  clear(row: number): void {
    this.#validity ??= new Uint8Array((this.rows + 7) >> 3).fill(0xff);
    this.#validity[row >> 3] = (this.#validity[row >> 3] as number) & ~(1 << (row & 7));
    this.#nullCount += 1;
  }

  base(): Pick<Column, "rows" | "validity" | "validityOffset" | "nullCount" | "declared"> {
    return {
      rows: this.rows,
      validity: this.#validity,
      validityOffset: 0,
      nullCount: this.#nullCount,
      declared: this.declared,
    };
  }
}

function buildNumbers(
  runs: readonly Run[],
  rows: number,
  type: Extract<ParquetType, { kind: "numeric" }>,
  slot: Slot,
): NumericColumn {
  const [only] = runs;
  const { array, number } = type;
  // Pages without nulls or dictionary come as typed arrays already.
  if (
    only !== undefined &&
    runs.length === 1 &&
    only.start <= 0 &&
    only.cells instanceof array &&
    number === undefined
  ) {
    const values = only.cells.subarray(-only.start, rows - only.start);
    if (values.length === rows) return { kind: "numeric", ...slot.base(), type: type.name, values };
  }
  const values: NumericArray = new array(rows);
  if (number === undefined) {
    slot.fill(runs, (cell, row) => {
      values[row] = cell as number;
    });
  } else {
    slot.fill(runs, (cell, row) => {
      values[row] = number(cell);
    });
  }
  return { kind: "numeric", ...slot.base(), type: type.name, values };
}

function buildWords(runs: readonly Run[], rows: number, slot: Slot): Int32Array {
  const [only] = runs;
  if (only !== undefined && runs.length === 1 && only.start <= 0 && only.cells instanceof BigInt64Array) {
    const { buffer, byteOffset } = only.cells;
    if (only.cells.length + only.start >= rows)
      return new Int32Array(buffer, byteOffset - 8 * only.start, 2 * rows);
  }
  const words = new Int32Array(2 * rows);
  const wide = new BigInt64Array(words.buffer);
  slot.fill(runs, (cell, row) => {
    if (typeof cell === "bigint") wide[row] = cell;
    else {
      words[2 * row] = cell as number;
      words[2 * row + 1] = (cell as number) < 0 ? -1 : 0; // INT32: dates and times of day
    }
  });
  return words;
}

/** Values of a dictionary page are the same objects in every row: they become a dictionary when that pays. */
function buildTexts(runs: readonly Run[], rows: number, slot: Slot): Utf8Column | DictionaryColumn {
  const codes = new Int32Array(rows);
  const known = new Map<Uint8Array, number>();
  const distinct: Uint8Array[] = [];
  slot.fill(runs, (cell, row) => {
    const bytes = cell as Uint8Array;
    let code = known.get(bytes);
    if (code === undefined) {
      code = distinct.length;
      known.set(bytes, code);
      distinct.push(bytes);
    }
    codes[row] = code;
  });
  const base = slot.base();
  if (distinct.length > rows / 2) {
    const { offsets, bytes } = joinBytes(distinct);
    // In row order, so the distinct values are the present rows' values unless some came twice.
    return distinct.length === rows
      ? { kind: "utf8", ...base, offsets, bytes }
      : { kind: "utf8", ...base, ...joinBytes(rowsOf(distinct, codes, slot)) };
  }
  const dictionary: Utf8Column = {
    kind: "utf8",
    rows: distinct.length,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: base.declared,
    ...joinBytes(distinct),
  };
  return { kind: "dictionary", ...base, codes, dictionary };
}

const nothing = new Uint8Array();

function rowsOf(distinct: readonly Uint8Array[], codes: Int32Array, slot: Slot): Uint8Array[] {
  const { validity } = slot.base();
  return Array.from(codes, (code, row) =>
    validity === undefined || ((validity[row >> 3] as number) & (1 << (row & 7))) !== 0
      ? (distinct[code] ?? nothing)
      : nothing,
  );
}

function joinBytes(parts: readonly Uint8Array[]): Pick<Utf8Column, "offsets" | "bytes"> {
  const offsets = new Int32Array(parts.length + 1);
  let end = 0;
  for (let row = 0; row < parts.length; row++) {
    end += (parts[row] as Uint8Array).length;
    offsets[row + 1] = end;
  }
  const bytes = new Uint8Array(end);
  for (let row = 0; row < parts.length; row++) bytes.set(parts[row] as Uint8Array, offsets[row] as number);
  return { offsets, bytes };
}

function buildLists(
  runs: readonly Run[],
  rows: number,
  number: (cell: unknown) => number,
  slot: Slot,
): Column {
  const items: number[] = [];
  const offsets = new Int32Array(rows + 1);
  slot.fill(runs, (cell, row) => {
    for (const item of cell as unknown[])
      items.push(item === null || item === undefined ? Number.NaN : number(item));
    offsets[row + 1] = items.length;
  });
  for (let row = 1; row <= rows; row++) {
    if ((offsets[row] as number) < (offsets[row - 1] as number)) offsets[row] = offsets[row - 1] as number;
  }
  const values = Float64Array.from(items);
  const whole = {
    rows: values.length,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: "float64",
  };
  const child: NumericColumn = { kind: "numeric", type: "float64", ...whole, values };
  return { kind: "list", ...slot.base(), size: undefined, offsets, child };
}

/** FLOAT16 cells are two bytes. */
export function halfToNumber(cell: unknown): number {
  return halvesToFloat64(cell as Uint8Array, 1)[0] as number;
}
