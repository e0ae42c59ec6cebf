import type { Column, ListColumn, NumericColumn } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { int64ToFloat64 } from "./arrow-numbers.ts";

/** Where each row's items are: a fixed number of them, or between offsets that were checked to be in range. */
export type Extent =
  | { readonly size: number; readonly offsets: undefined }
  | { readonly size: undefined; readonly offsets: Int32Array };

/** Charges memory about to be taken. */
type Claim = (bytes: number) => void;

/**
 * Lists over their items: of numbers, or of lists of numbers, which are flattened (a matrix is an embedding of all its
 * elements, row after row). `undefined` for items that no check understands.
 */
export function listOver(
  extent: Extent,
  rows: number,
  items: Column,
  claim: Claim,
): Pick<ListColumn, "kind" | "size" | "offsets" | "child"> | undefined {
  const child = numbersOf(items, claim);
  if (child !== undefined) return { kind: "list", ...extent, child };
  if (items.kind !== "list") return undefined;
  const inner = withoutNullLists(items, claim);
  if (inner.offsets === undefined) {
    const size = inner.size ?? 0;
    if (extent.offsets === undefined)
      return { kind: "list", size: extent.size * size, offsets: undefined, child: inner.child };
    claim(4 * rows);
    return {
      kind: "list",
      size: undefined,
      offsets: extent.offsets.map((offset) => offset * size),
      child: inner.child,
    };
  }
  claim(4 * rows);
  const offsets = new Int32Array(rows + 1);
  for (let row = 0; row <= rows; row++) {
    const item = extent.offsets === undefined ? row * extent.size : (extent.offsets[row] as number);
    offsets[row] = inner.offsets[item] as number;
  }
  return { kind: "list", size: undefined, offsets, child: inner.child };
}

/** Items as one numeric column without nulls: a null item is NaN. `undefined` when they are no numbers. */
function numbersOf(items: Column, claim: Claim): NumericColumn | undefined {
  if (items.kind === "numeric") return withNaN(items, claim);
  if (items.kind !== "int64") return undefined;
  claim(8 * items.rows);
  const bytes = new Uint8Array(items.words.buffer, items.words.byteOffset, 8 * items.rows);
  const values = int64ToFloat64(bytes, items.rows, items.signed);
  return withNaN({ ...items, kind: "numeric", type: "float64", values }, claim);
}

function withNaN(column: NumericColumn, claim: Claim): NumericColumn {
  if (column.validity === undefined) return column;
  claim(8 * column.rows);
  const values = Float64Array.from(column.values.subarray(0, column.rows));
  for (let row = 0; row < column.rows; row++) {
    if (isNull(column.validity, row)) values[row] = Number.NaN;
  }
  return { ...column, type: "float64", values, validity: undefined, nullCount: 0 };
}

/** The elements of a null list inside a list are as null as it is: NaN. */
function withoutNullLists(lists: ListColumn, claim: Claim): ListColumn {
  const { validity, child, rows } = lists;
  if (validity === undefined) return lists;
  claim(8 * child.rows);
  const values = Float64Array.from(child.values.subarray(0, child.rows));
  for (let row = 0; row < rows; row++) {
    if (!isNull(validity, row)) continue;
    const [from, to] =
      lists.offsets === undefined
        ? [row * (lists.size ?? 0), (row + 1) * (lists.size ?? 0)]
        : [lists.offsets[row] as number, lists.offsets[row + 1] as number];
    values.fill(Number.NaN, from, to);
  }
  return { ...lists, child: { ...child, type: "float64", values } };
}

function isNull(validity: Uint8Array, row: number): boolean {
  return ((validity[row >> 3] as number) & (1 << (row & 7))) === 0;
}

/**
 * A list view's offsets and sizes, which may overlap and stand in any order → items end to end.
 * @throws DecodeError when a present row's items are not all there
 */
export function gatherViews(
  views: {
    readonly starts: Int32Array;
    readonly sizes: Int32Array;
    readonly validity: Uint8Array | undefined;
  },
  rows: number,
  items: NumericColumn,
  claim: Claim,
): { readonly offsets: Int32Array; readonly child: NumericColumn } {
  const { starts, sizes, validity } = views;
  claim(4 * rows);
  const offsets = new Int32Array(rows + 1);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const [start, size] = [starts[row] as number, sizes[row] as number];
    const present = validity === undefined || !isNull(validity, row);
    if (present) {
      if (start < 0 || size < 0 || start + size > items.rows)
        throw new DecodeError("malformed", `a list view of ${size} items at ${start} of ${items.rows}`);
      total += size;
      claim(8 * size); // before the memory is asked for: views may show the same items again and again
    }
    offsets[row + 1] = total;
  }
  const values = new Float64Array(total);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [offsets[row] as number, offsets[row + 1] as number];
    const start = starts[row] as number;
    if (to > from) values.set(items.values.subarray(start, start + to - from), from);
  }
  return { offsets, child: { ...items, type: "float64", rows: total, values } };
}

/** Items of a list view as numbers; see `numbersOf`. */
export function viewItems(items: Column, claim: Claim): NumericColumn | undefined {
  return numbersOf(items, claim);
}
