import type { Batch, Column } from "../model/batch.ts";
import { cellOf, isPresent } from "../model/batch.ts";
import { isoTime } from "../model/time.ts";
import type { Example } from "../model/verdict.ts";
import { kernel } from "../sketch/kernel.ts";
import type { FieldProfile, RuleName, WindowProfile } from "./profile.ts";

/**
 * A batch is folded tile by tile, so that scratch arrays stay in the processor's cache, and memory is bounded when one batch
 * spans many windows.
 */
export const tileRows = kernel.rows;

/** Rows `[from, from + size)` of a batch. Row numbers below are of the tile, from 0. */
export interface Tile {
  readonly batch: Batch;
  readonly from: number;
  readonly size: number;
  /** Event time of each row. */
  readonly times: Float64Array;
  readonly position: string;
  readonly requestIds: Column | undefined;
  readonly groups: readonly Group[];
}

/** The rows of a tile that one profile gets: rows[from, to), or just [from, to) when `rows` is undefined. */
export interface Group {
  readonly profile: WindowProfile;
  readonly rows: Int32Array | undefined;
  readonly from: number;
  readonly to: number;
  /** Earliest event time among the rows. */
  readonly firstEvent: number;
}

const exampleMax = 80;

/** Counts rows that break a rule and keeps the earliest as example; rows are looked through only when one may be earlier. */
export function countRule(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  rule: RuleName,
  count: number,
  breaks: (row: number) => boolean,
  show: (row: number) => string,
): void {
  if (count === 0) return;
  let entry = field.rules.get(rule);
  if (entry === undefined) {
    entry = { count: 0, example: undefined };
    field.rules.set(rule, entry);
  }
  entry.count += count;
  let earliest = entry.example?.eventTime ?? Number.POSITIVE_INFINITY;
  if (entry.example !== undefined && earliest <= group.firstEvent) return;
  let found = -1;
  for (let i = group.from; i < group.to; i++) {
    const row = group.rows === undefined ? i : (group.rows[i] as number);
    const time = tile.times[row] as number;
    if (time < earliest && breaks(row)) {
      earliest = time;
      found = row;
    }
  }
  if (found >= 0) entry.example = exampleAt(tile, found, show(found));
}

export function exampleAt(tile: Omit<Tile, "groups">, row: number, value: string): Example {
  const { position, requestIds, times, from } = tile;
  const requestId = requestIds === undefined ? null : cellOf(requestIds, from + row);
  const eventTime = times[row] as number;
  return {
    value: shorten(value),
    ...(requestId === null ? {} : { requestId: shorten(String(requestId)) }),
    position,
    ...(Number.isFinite(eventTime) ? { eventTime } : {}),
  };
}

const shorten = (text: string): string =>
  text.length <= exampleMax ? text : `${text.slice(0, exampleMax - 1).replace(/[\ud800-\udbff]$/, "")}…`;

/** A cell as an example shows it. */
export function showCell(column: Column, row: number): string {
  const value = cellOf(column, row);
  if (value === null) return "null";
  if (column.kind === "timestamp" && typeof value === "number") return isoTime(value);
  return typeof value === "object" ? showVector(value) : String(value);
}

/** As many elements as there is room for; before them the one that is no finite number, when it is not among those that show. */
function showVector(values: readonly unknown[]): string {
  const whole = `[${values.slice(0, 20).join(", ")}]`;
  if (whole.length <= exampleMax && values.length <= 20) return whole;
  const rounded = values.slice(0, 20).map((x) => (typeof x === "number" ? Number(x.toPrecision(5)) : x));
  const odd = values.findIndex((x) => typeof x === "number" && !Number.isFinite(x));
  return `${odd < 0 ? "" : `${values[odd]} at ${odd} of `}[${rounded.join(", ")}]`;
}

/**
 * One byte a row, 1 where the column holds a value (a dictionary's null entry is none).
 * @returns `kernel.mask`, or `undefined` when every row is present
 */
export function presence(column: Column, from: number, size: number): Uint8Array | undefined {
  const { mask } = kernel;
  if (column.kind === "null") {
    mask.fill(0, 0, size);
    return mask;
  }
  const { validity, nullCount } = column;
  const holes = column.kind === "dictionary" && column.dictionary.nullCount > 0;
  if (!holes && (validity === undefined || nullCount === 0)) return undefined;
  if (validity === undefined || nullCount === 0) mask.fill(1, 0, size);
  else unpackBits(validity, column.validityOffset + from, size);
  if (column.kind === "dictionary" && holes) {
    for (let row = 0; row < size; row++) {
      if (mask[row] === 1 && !isPresent(column.dictionary, column.codes[from + row] as number)) mask[row] = 0;
    }
  }
  return mask;
}

/** Bits `[offset, offset + size)` as bytes of 0 and 1 in `kernel.mask`. */
function unpackBits(bits: Uint8Array, offset: number, size: number): void {
  kernel.bits.set(bits.subarray(offset >> 3, (offset + size + 7) >> 3));
  kernel.unpack(offset & 7, size);
}

const misfitRows = new Uint8Array(tileRows);

/** One byte a row, 1 where a cell of a row format did not fit its column; `undefined` when there is none. */
export function misfits(column: Column, from: number, size: number): Uint8Array | undefined {
  if (column.misfits === undefined || column.misfits.rows.length === 0) return undefined;
  misfitRows.fill(0, 0, size);
  let any = false;
  for (const row of column.misfits.rows) {
    if (row < from || row >= from + size) continue;
    misfitRows[row - from] = 1;
    any = true;
  }
  return any ? misfitRows : undefined;
}

/** How many of a group's rows have a 1 in `mask`. */
export function countRows(mask: Uint8Array, { rows, from, to }: Group): number {
  let count = 0;
  if (rows === undefined) for (let row = from; row < to; row++) count += mask[row] as number;
  else for (let i = from; i < to; i++) count += mask[rows[i] as number] as number;
  return count;
}

/** Hands a group's rows to the kernel. @returns where they begin and end there, and whether they are picked or just a stretch */
export function rowsInKernel({
  rows,
  from,
  to,
}: Group): readonly [from: number, to: number, picked: boolean] {
  if (rows === undefined) return [from, to, false];
  kernel.picks.set(rows.subarray(from, to));
  return [0, to - from, true];
}

/** How many of a group's rows hold a value, by `kernel.mask`. */
export function countPresent(group: Group): number {
  return kernel.countMask(...rowsInKernel(group));
}
