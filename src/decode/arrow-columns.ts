import type {
  Column,
  DictionaryColumn,
  NumericArray,
  NumericType,
  UnsupportedColumn,
  Utf8Column,
} from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Body } from "./arrow-body.ts";
import { checkOffsets, copyIfMisaligned, narrowOffsets, popcount, viewsToUtf8 } from "./arrow-buffers.ts";
import { gatherViews, listOver, viewItems } from "./arrow-lists.ts";
import { decimalsToFloat64, halvesToFloat64, widen32 } from "./arrow-numbers.ts";
import { expandRuns } from "./arrow-runs.ts";
import type { ArrowField, ArrowType } from "./arrow-schema.ts";

/** By id; of values that no check understands only their number is kept. */
export type Dictionaries = ReadonlyMap<number, DictionaryColumn["dictionary"] | UnsupportedColumn>;

interface Slot {
  readonly rows: number;
  readonly validity: Uint8Array | undefined;
  readonly validityOffset: 0;
  readonly nullCount: number;
  readonly declared: string;
}

/** Columns of a batch in schema order, structs flattened to `parent.child`. The first column of a name wins. */
export function readColumns(
  fields: readonly ArrowField[],
  body: Body,
  dictionaries: Dictionaries,
): Map<string, Column> {
  const columns = new Map<string, Column>();
  for (const field of fields) readInto(columns, field, field.name, body, dictionaries, body.rows, undefined);
  body.finish();
  return columns;
}

function readInto(
  columns: Map<string, Column>,
  field: ArrowField,
  name: string,
  body: Body,
  dictionaries: Dictionaries,
  rows: number,
  parent: Uint8Array | undefined,
): void {
  if (field.type.kind === "struct" && field.dictionary === undefined) {
    const { validity } = readSlot(field, body, rows, parent);
    for (const child of field.children)
      readInto(columns, child, `${name}.${child.name}`, body, dictionaries, rows, validity);
    return;
  }
  const column = readColumn(field, body, dictionaries, rows, parent);
  if (!columns.has(name)) columns.set(name, column);
}

/** One column of `rows` rows; its buffers are consumed whatever its type is. */
export function readColumn(
  field: ArrowField,
  body: Body,
  dictionaries: Dictionaries,
  rows: number,
  parent?: Uint8Array,
): Column {
  if (field.dictionary !== undefined)
    return readDictionaryColumn(field, field.dictionary, body, dictionaries, rows, parent);
  const { type } = field;
  if (type.kind === "null") {
    expectLength(field, body.nextNode().length, rows);
    return {
      kind: "null",
      rows,
      validity: undefined,
      validityOffset: 0,
      nullCount: rows,
      declared: field.declared,
    };
  }
  const slot = readSlot(field, body, rows, parent);
  switch (type.kind) {
    case "bool":
      return { kind: "bool", ...slot, bits: body.nextBuffer((rows + 7) >> 3), bitOffset: 0 };
    case "int":
      if (type.bits === 64)
        return { kind: "int64", ...slot, signed: type.signed, words: words(body.nextBuffer(8 * rows)) };
      return {
        kind: "numeric",
        ...slot,
        type: intName(type.bits, type.signed),
        values: ints(body, type, rows),
      };
    case "float": {
      const bytes = body.nextBuffer((rows * type.bits) / 8);
      if (type.bits === 16) body.claim(8 * rows);
      if (type.bits === 16)
        return { kind: "numeric", ...slot, type: "float16", values: halvesToFloat64(bytes, rows) };
      const values: NumericArray = type.bits === 64 ? doubles(bytes) : floats(bytes);
      return { kind: "numeric", ...slot, type: type.bits === 64 ? "float64" : "float32", values };
    }
    case "decimal": {
      body.claim(8 * rows);
      const values = decimalsToFloat64(body.nextBuffer((rows * type.bits) / 8), rows, type.bits, type.scale);
      return { kind: "numeric", ...slot, type: "decimal", values };
    }
    case "time": {
      const raw = body.nextBuffer((rows * type.bits) / 8);
      if (type.bits === 32) body.claim(8 * rows);
      return {
        kind: "timestamp",
        ...slot,
        words: type.bits === 64 ? words(raw) : widen32(raw, rows),
        unitMs: type.unitMs,
      };
    }
    case "bytes": {
      const text = readBytes(type, body, rows);
      return type.utf8 ? { kind: "utf8", ...slot, ...text } : { kind: "unsupported", ...slot };
    }
    case "fixed-bytes":
      body.nextBuffer(type.size * rows);
      return { kind: "unsupported", ...slot };
    case "list":
    case "fixed-list":
      return readList(field, slot, body, dictionaries, rows);
    case "list-view":
      return readListView(field, slot, type.large, body, dictionaries);
    case "union": {
      body.nextBuffer(rows);
      if (type.dense) body.nextBuffer(4 * rows);
      skipChildren(field, body, dictionaries);
      return { kind: "unsupported", ...slot };
    }
    case "run-end":
      return readRuns(field, slot, body, dictionaries);
    case "struct":
      skipChildren(field, body, dictionaries);
      return { kind: "unsupported", ...slot };
  }
}

/** Field node and validity bitmap, ANDed with the struct's that holds it. */
function readSlot(field: ArrowField, body: Body, rows: number, parent: Uint8Array | undefined): Slot {
  const { length, nullCount } = body.nextNode();
  expectLength(field, length, rows);
  const base = { rows, validityOffset: 0 as const, declared: field.declared };
  let own: Uint8Array | undefined;
  if (field.type.kind !== "union" && field.type.kind !== "run-end") {
    const bitmap = body.nextBuffer((rows + 7) >> 3, true);
    if (nullCount > 0 && bitmap.length === 0)
      throw new DecodeError("malformed", `${field.name}: nulls without a bitmap`);
    if (nullCount > 0) own = bitmap;
  }
  const validity = own !== undefined && parent !== undefined ? and(own, parent, rows) : (own ?? parent);
  if (validity === undefined) return { ...base, validity, nullCount: 0 };
  const nulls = rows - popcount(validity, rows);
  return nulls === 0
    ? { ...base, validity: undefined, nullCount: 0 }
    : { ...base, validity, nullCount: nulls };
}

function expectLength(field: ArrowField, length: number, rows: number): void {
  if (length !== rows)
    throw new DecodeError("malformed", `column "${field.name}" of ${length} rows in a batch of ${rows}`);
}

function and(a: Uint8Array, b: Uint8Array, rows: number): Uint8Array {
  const both = new Uint8Array((rows + 7) >> 3);
  for (let index = 0; index < both.length; index++) both[index] = (a[index] as number) & (b[index] as number);
  return both;
}

function readDictionaryColumn(
  field: ArrowField,
  { id, index }: NonNullable<ArrowField["dictionary"]>,
  body: Body,
  dictionaries: Dictionaries,
  rows: number,
  parent: Uint8Array | undefined,
): Column {
  const slot = readSlot(field, body, rows, parent);
  if (index.kind !== "int")
    throw new DecodeError("malformed", `column "${field.name}": dictionary indices are no integers`);
  const codes = index.bits === 64 ? narrowCodes(body, rows) : ints(body, index, rows);
  const dictionary = dictionaries.get(id);
  if (dictionary === undefined) {
    if (rows === slot.nullCount) return { kind: "null", ...slot, validity: undefined, nullCount: rows };
    throw new DecodeError("malformed", `column "${field.name}": dictionary ${id} has not been sent`);
  }
  checkCodes(codes, dictionary.rows, slot, field.name);
  if (dictionary.kind === "unsupported") return { kind: "unsupported", ...slot };
  return { kind: "dictionary", ...slot, codes, dictionary } as DictionaryColumn;
}

/** int64 indices as int32; −1, which no dictionary holds, for one that does not fit. */
function narrowCodes(body: Body, rows: number): Int32Array {
  const wide = words(body.nextBuffer(8 * rows));
  body.claim(4 * rows);
  const codes = new Int32Array(rows);
  for (let row = 0; row < rows; row++)
    codes[row] = wide[2 * row + 1] === 0 ? Math.max(-1, wide[2 * row] as number) : -1;
  return codes;
}

/** The codes of present rows lie in the dictionary; the fast path looks at no bitmap. */
function checkCodes(codes: NumericArray, size: number, slot: Slot, name: string): void {
  // The sign bit of any code or of its distance from the last one; no branch a row.
  let signs = 0;
  const last = size - 1;
  for (let row = 0; row < slot.rows; row++) {
    const code = codes[row] as number;
    signs |= code | (last - code);
  }
  if (signs >= 0) return;
  for (let row = 0; row < slot.rows; row++) {
    const code = codes[row] as number;
    const present =
      slot.validity === undefined || ((slot.validity[row >> 3] as number) & (1 << (row & 7))) !== 0;
    if (present && (code < 0 || code >= size)) {
      throw new DecodeError("malformed", `column "${name}": index ${code} in a dictionary of ${size}`);
    }
  }
}

function readBytes(
  type: Extract<ArrowType, { kind: "bytes" }>,
  body: Body,
  rows: number,
): Pick<Utf8Column, "offsets" | "bytes"> {
  if (type.layout === "view") {
    const views = body.nextBuffer(16 * rows);
    const data: Uint8Array[] = [];
    for (let count = body.nextVariadicCount(); count > 0; count--) data.push(body.nextBuffer(0));
    return viewsToUtf8(views, data, rows, body.claim);
  }
  const width = type.layout === "large" ? 8 : 4;
  const raw = body.nextBuffer(rows === 0 ? 0 : width * (rows + 1));
  const bytes = body.nextBuffer(0);
  const offsets = type.layout === "large" ? narrowOffsets(raw, rows) : offsetsOf(raw, rows);
  checkOffsets(offsets, rows, bytes.length);
  return { offsets, bytes };
}

function offsetsOf(raw: Uint8Array, rows: number): Int32Array {
  if (rows === 0) return new Int32Array(1);
  const aligned = copyIfMisaligned(raw, 4);
  return new Int32Array(aligned.buffer, aligned.byteOffset, rows + 1);
}

function readList(
  field: ArrowField,
  slot: Slot,
  body: Body,
  dictionaries: Dictionaries,
  rows: number,
): Column {
  const { type } = field;
  if (type.kind === "fixed-list") {
    if (type.size * rows > itemsMax) throw new DecodeError("limit", `a list of ${type.size * rows} items`);
    const items = readColumn(itemOf(field), body, dictionaries, type.size * rows);
    const list = listOver({ size: type.size, offsets: undefined }, rows, items, body.claim);
    return list === undefined ? { kind: "unsupported", ...slot } : { ...slot, ...list };
  }
  const large = type.kind === "list" && type.large;
  const raw = body.nextBuffer(rows === 0 ? 0 : (large ? 8 : 4) * (rows + 1));
  const offsets = large ? narrowOffsets(raw, rows) : offsetsOf(raw, rows);
  checkOffsets(offsets, rows, itemsMax);
  const items = readItems(field, body, dictionaries);
  if ((offsets[rows] ?? 0) > items.rows)
    throw new DecodeError(
      "malformed",
      `list "${field.name}" ends at ${offsets[rows]} of ${items.rows} items`,
    );
  const list =
    type.kind === "list" && type.map
      ? undefined
      : listOver({ size: undefined, offsets }, rows, items, body.claim);
  return list === undefined ? { kind: "unsupported", ...slot } : { ...slot, ...list };
}

function readListView(
  field: ArrowField,
  slot: Slot,
  large: boolean,
  body: Body,
  dictionaries: Dictionaries,
): Column {
  const { rows, validity } = slot;
  const [starts, sizes] = [positions(body, rows, large), positions(body, rows, large)];
  const items = viewItems(readItems(field, body, dictionaries), body.claim);
  if (items === undefined) return { kind: "unsupported", ...slot };
  const list = gatherViews({ starts, sizes, validity }, rows, items, body.claim);
  return { kind: "list", ...slot, size: undefined, ...list };
}

/** Positions in items: int32, or int64 where −1 stands for one that no batch can have. */
function positions(body: Body, rows: number, large: boolean): Int32Array {
  return large ? narrowCodes(body, rows) : words(body.nextBuffer(4 * rows));
}

/** Typed arrays of more elements are never made. */
const itemsMax = 2 ** 30;

function itemOf(field: ArrowField): ArrowField {
  const [item] = field.children;
  if (item === undefined) throw new DecodeError("malformed", `list "${field.name}" without an item type`);
  return item;
}

/** The items of a list, which declare their own number. */
function readItems(field: ArrowField, body: Body, dictionaries: Dictionaries): Column {
  const counting = peekRows(body);
  return readColumn(itemOf(field), counting.body, dictionaries, counting.rows);
}

function readRuns(field: ArrowField, slot: Slot, body: Body, dictionaries: Dictionaries): Column {
  const [endsField, valuesField] = field.children;
  if (endsField === undefined || valuesField === undefined)
    throw new DecodeError("malformed", `run-end-encoded "${field.name}" without ends and values`);
  const [ends, values] = [endsField, valuesField].map((child) => {
    const counting = peekRows(body);
    return readColumn(child, counting.body, dictionaries, counting.rows);
  }) as [Column, Column];
  const column = expandRuns(ends, values, slot.rows, body.claim);
  // The runs know of nulls of their own; those of a struct around them come on top.
  return slot.validity === undefined || column.kind === "null"
    ? column
    : { ...column, ...masked(column, slot.validity) };
}

function masked(column: Column, by: Uint8Array): Pick<Column, "validity" | "nullCount"> {
  const validity = column.validity === undefined ? by : and(column.validity, by, column.rows);
  return { validity, nullCount: column.rows - popcount(validity, column.rows) };
}

/** A list's items declare their own number: the next node is read once and given back. */
function peekRows(body: Body): { body: Body; rows: number } {
  const node = body.nextNode();
  let used = false;
  return {
    rows: node.length,
    body: {
      ...body,
      nextNode: () => {
        if (used) return body.nextNode();
        used = true;
        return node;
      },
    },
  };
}

function skipChildren(field: ArrowField, body: Body, dictionaries: Dictionaries): void {
  for (const child of field.children) {
    const counting = peekRows(body);
    readColumn(child, counting.body, dictionaries, counting.rows);
  }
}

function intName(bits: 8 | 16 | 32, signed: boolean): NumericType {
  return `${signed ? "" : "u"}int${bits}` as NumericType;
}

function ints(
  body: Body,
  { bits, signed }: Extract<ArrowType, { kind: "int" }>,
  rows: number,
): Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array {
  const width = bits / 8;
  const bytes = copyIfMisaligned(body.nextBuffer(width * rows), width);
  const { buffer, byteOffset } = bytes;
  if (bits === 8)
    return signed ? new Int8Array(buffer, byteOffset, rows) : new Uint8Array(buffer, byteOffset, rows);
  if (bits === 16)
    return signed ? new Int16Array(buffer, byteOffset, rows) : new Uint16Array(buffer, byteOffset, rows);
  return signed ? new Int32Array(buffer, byteOffset, rows) : new Uint32Array(buffer, byteOffset, rows);
}

function doubles(bytes: Uint8Array): Float64Array {
  const { buffer, byteOffset, length } = copyIfMisaligned(bytes, 8);
  return new Float64Array(buffer, byteOffset, length >> 3);
}

function floats(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = copyIfMisaligned(bytes, 4);
  return new Float32Array(buffer, byteOffset, length >> 2);
}

function words(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = copyIfMisaligned(bytes, 4);
  return new Int32Array(buffer, byteOffset, length >> 2);
}
