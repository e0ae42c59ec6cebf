import type {
  BoolColumn,
  Column,
  DictionaryColumn,
  Int64Column,
  ListColumn,
  Misfits,
  NumericArray,
  NumericColumn,
  TimestampColumn,
  Utf8Column,
} from "../model/batch.ts";
import type { CellReader, InferredType, Instant } from "./cells.ts";

/**
 * One column of a row format.
 * @param cells  one a row; `null` or `undefined` is null
 * @param type   what the cells should be; a cell that is not is a misfit: null, and listed with its row
 */
export function buildColumn(cells: readonly unknown[], type: InferredType, reader: CellReader): Column {
  switch (type) {
    case "bool":
      return buildBools(cells, reader);
    case "int64":
    case "uint64":
      return buildInt64(cells, type === "int64", reader);
    case "float32":
    case "float64":
      return buildFloats(cells, type, reader);
    case "string":
      return buildTexts(cells, reader);
    case "timestamp":
      return buildInstants(cells, reader);
    case "embedding":
      return buildLists(cells, reader);
    case "unsupported":
      return { kind: "unsupported", ...place(cells, reader, () => true) };
    default:
      return buildInts(cells, type, reader);
  }
}

/** A column of the type null: every cell is. */
export function nullColumn(rows: number, declared: string): Column {
  return { kind: "null", rows, validity: undefined, validityOffset: 0, nullCount: rows, declared };
}

type Slot = Pick<Column, "rows" | "validity" | "validityOffset" | "nullCount" | "declared" | "misfits">;

const exampleLength = 80;

/** Walks the cells: `accept` puts a present one in its place and says whether it fits. */
function place(
  cells: readonly unknown[],
  reader: CellReader,
  accept: (cell: unknown, row: number) => boolean,
): Slot {
  const rows = cells.length;
  let validity: Uint8Array | undefined;
  let nullCount = 0;
  const misfits: number[] = [];
  for (let row = 0; row < rows; row++) {
    const cell = cells[row];
    const present = cell !== null && cell !== undefined;
    if (present && accept(cell, row)) continue;
    if (present) misfits.push(row);
    nullCount += 1;
    validity ??= new Uint8Array((rows + 7) >> 3).fill(0xff);
    validity[row >> 3] = (validity[row >> 3] as number) & ~(1 << (row & 7));
  }
  const slot = { rows, validity, validityOffset: 0, nullCount, declared: reader.declared };
  return misfits.length === 0 ? slot : { ...slot, misfits: misfitsOf(cells, misfits, reader) };
}

function misfitsOf(cells: readonly unknown[], rows: readonly number[], reader: CellReader): Misfits {
  const first = cells[rows[0] as number];
  const shown = reader.show(first);
  return {
    rows: Int32Array.from(rows),
    example: shown.length <= exampleLength ? shown : `${shown.slice(0, exampleLength - 1)}…`,
    found: reader.found(first),
  };
}

function buildBools(cells: readonly unknown[], reader: CellReader): BoolColumn {
  const bits = new Uint8Array((cells.length + 7) >> 3);
  const slot = place(cells, reader, (cell, row) => {
    const value = reader.bool(cell);
    if (value === true) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
    return value !== undefined;
  });
  return { kind: "bool", ...slot, bits, bitOffset: 0 };
}

function buildFloats(
  cells: readonly unknown[],
  type: "float32" | "float64",
  reader: CellReader,
): NumericColumn {
  const values = type === "float64" ? new Float64Array(cells.length) : new Float32Array(cells.length);
  const slot = place(cells, reader, (cell, row) => {
    const value = reader.float(cell);
    if (value === undefined) return false;
    values[row] = value;
    // 1e300 is no float32: it would turn into an infinity that nobody sent.
    return !Number.isFinite(value) || Number.isFinite(values[row]);
  });
  return { kind: "numeric", ...slot, type, values };
}

const intArrays = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const;

function buildInts(
  cells: readonly unknown[],
  type: keyof typeof intArrays,
  reader: CellReader,
): NumericColumn {
  const values: NumericArray = new intArrays[type](cells.length);
  const slot = place(cells, reader, (cell, row) => {
    const value = reader.integer(cell);
    if (typeof value !== "number") return false;
    values[row] = value;
    return values[row] === value; // one out of range wraps to another; −0 is 0
  });
  return { kind: "numeric", ...slot, type, values };
}

function buildInt64(cells: readonly unknown[], signed: boolean, reader: CellReader): Int64Column {
  const words = new Int32Array(2 * cells.length);
  const slot = place(cells, reader, (cell, row) => {
    const value = reader.integer(cell);
    if (value === undefined) return false;
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      if (!signed && value < 0) return false;
      putInteger(words, row, value);
      return true;
    }
    const exact = BigInt(value);
    if ((signed ? BigInt.asIntN(64, exact) : BigInt.asUintN(64, exact)) !== exact) return false;
    putBigInt(words, row, exact);
    return true;
  });
  return { kind: "int64", ...slot, signed, words };
}

/** Rows looked at to tell categories from free text. */
const probeRows = 256;

/** Text that repeats is kept as a dictionary, so that each distinct value is looked at once. */
function buildTexts(cells: readonly unknown[], reader: CellReader): Utf8Column | DictionaryColumn {
  const texts: (string | null)[] = new Array(cells.length).fill(null);
  const slot = place(cells, reader, (cell, row) => {
    const text = reader.text(cell);
    texts[row] = text ?? null;
    return text !== undefined;
  });
  if (!repeats(texts)) return { kind: "utf8", ...slot, ...encodeTexts(texts) };
  const codes = new Int32Array(texts.length);
  const known = new Map<string, number>();
  for (let row = 0; row < texts.length; row++) {
    const text = texts[row];
    if (text === null || text === undefined) continue;
    const code = known.get(text) ?? known.size;
    if (code === known.size) known.set(text, code);
    codes[row] = code;
  }
  const dictionary: Utf8Column = {
    kind: "utf8",
    rows: known.size,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: slot.declared,
    ...encodeTexts([...known.keys()]),
  };
  return { kind: "dictionary", ...slot, codes, dictionary };
}

function repeats(texts: readonly (string | null)[]): boolean {
  if (texts.length < 2) return texts.length === 0;
  const probe = texts.slice(0, probeRows);
  return new Set(probe).size <= probe.length / 2;
}

const textEncoder = new TextEncoder();
/** So short a text is written faster by its characters. */
const shortText = 48;

/** Texts end to end as UTF-8; a null takes no bytes. */
function encodeTexts(texts: readonly (string | null)[]): Pick<Utf8Column, "offsets" | "bytes"> {
  const offsets = new Int32Array(texts.length + 1);
  const whole = texts.length === 1 ? (texts[0] ?? "") : texts.join(""); // null joins as nothing
  if (texts.length === 1 && whole.length <= shortText) {
    const ascii = new Uint8Array(whole.length);
    let codes = 0;
    for (let at = 0; at < whole.length; at++) {
      const code = whole.charCodeAt(at);
      codes |= code;
      ascii[at] = code;
    }
    offsets[1] = whole.length;
    if (codes < 0x80) return { offsets, bytes: ascii };
  }
  const bytes = textEncoder.encode(whole);
  let at = 0;
  if (bytes.length === whole.length) {
    for (let row = 0; row < texts.length; row++) {
      at += texts[row]?.length ?? 0;
      offsets[row + 1] = at;
    }
    return { offsets, bytes };
  }
  // Not ASCII: one by one, so that a lone surrogate at a text's end never pairs with the next text's first.
  const each = new Uint8Array(3 * whole.length);
  for (let row = 0; row < texts.length; row++) {
    const text = texts[row];
    if (text !== null && text !== undefined) at += textEncoder.encodeInto(text, each.subarray(at)).written;
    offsets[row + 1] = at;
  }
  return { offsets, bytes: each.slice(0, at) };
}

/** Furthest instant that int64 nanoseconds hold, in ms. */
const nanosRangeMs = 9.2e12;

/** In the coarsest unit that keeps every instant exact: milliseconds, microseconds or nanoseconds. */
function buildInstants(cells: readonly unknown[], reader: CellReader): TimestampColumn {
  const ms = new Float64Array(cells.length);
  const nanos = new Int32Array(cells.length);
  const instant: Instant = { ms: 0, nanos: 0 };
  let [perMs, far] = [1, false];
  const slot = place(cells, reader, (cell, row) => {
    if (!reader.instant(cell, instant)) return false;
    ms[row] = instant.ms;
    nanos[row] = instant.nanos;
    if (instant.nanos !== 0) perMs = Math.max(perMs, instant.nanos % 1_000 === 0 ? 1_000 : 1_000_000);
    far ||= Math.abs(instant.ms) > nanosRangeMs;
    return true;
  });
  if (far) perMs = Math.min(perMs, 1_000);
  const words = new Int32Array(2 * cells.length);
  for (let row = 0; row < cells.length; row++) {
    const [whole, rest] = [ms[row] as number, nanos[row] as number];
    if (perMs === 1) putInteger(words, row, whole);
    else
      putBigInt(words, row, BigInt(whole) * BigInt(perMs) + BigInt(Math.floor((rest * perMs) / 1_000_000)));
  }
  return { kind: "timestamp", ...slot, words, unitMs: 1 / perMs };
}

function buildLists(cells: readonly unknown[], reader: CellReader): ListColumn {
  const offsets = new Int32Array(cells.length + 1);
  const items: number[] = [];
  const slot = place(cells, reader, (cell, row) => {
    const list = reader.list(cell);
    if (list !== undefined) for (const item of list) items.push(item);
    offsets[row + 1] = items.length;
    return list !== undefined;
  });
  // a row without a list ends where the row before it does
  for (let row = 1; row <= cells.length; row++)
    offsets[row] = Math.max(offsets[row] as number, offsets[row - 1] as number);
  const child: NumericColumn = {
    kind: "numeric",
    type: "float64",
    rows: items.length,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: reader.declared,
    values: Float64Array.from(items),
  };
  return { kind: "list", ...slot, size: undefined, offsets, child };
}

/** A safe integer as two words. */
function putInteger(words: Int32Array, row: number, value: number): void {
  words[2 * row] = value; // modulo 2^32, as typed arrays store
  words[2 * row + 1] = Math.floor(value / 4_294_967_296);
}

function putBigInt(words: Int32Array, row: number, value: bigint): void {
  words[2 * row] = Number(BigInt.asIntN(32, value));
  words[2 * row + 1] = Number(BigInt.asIntN(32, value >> 32n));
}
