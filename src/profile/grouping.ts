import { type Column, cellOf, isPresent } from "../model/batch.ts";
import type { WindowProfile } from "./profile.ts";
import type { Group } from "./tile.ts";
import { tileRows } from "./tile.ts";

/** Name of the segment that takes every value beyond the limit. */
export const otherSegment = "__other__";

const cursor = new Int32Array(tileRows + 1);

/**
 * Sorts a tile's rows by a small number (counting sort, stable).
 * @param slots  number of each row, −1 for a row that belongs nowhere
 * @param count  numbers are below it
 * @returns rows in order of their number, and where each number's rows begin; length count + 1
 */
export function sortRows(
  slots: Int32Array,
  size: number,
  count: number,
): { rows: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(count + 1);
  let total = 0;
  for (let row = 0; row < size; row++) {
    const slot = slots[row] as number;
    if (slot < 0) continue;
    starts[slot + 1] = (starts[slot + 1] as number) + 1;
    total += 1;
  }
  for (let slot = 0; slot < count; slot++) {
    starts[slot + 1] = (starts[slot + 1] as number) + (starts[slot] as number);
    cursor[slot] = starts[slot] as number;
  }
  const rows = new Int32Array(total);
  for (let row = 0; row < size; row++) {
    const slot = slots[row] as number;
    if (slot < 0) continue;
    const at = cursor[slot] as number;
    rows[at] = row;
    cursor[slot] = at + 1;
  }
  return { rows, starts };
}

/** A group of rows with the event times that it spans; the profile's own span is widened. */
export function groupOf(
  profile: WindowProfile,
  rows: Int32Array | undefined,
  from: number,
  to: number,
  times: Float64Array,
): Group {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = from; i < to; i++) {
    const time = times[rows === undefined ? i : (rows[i] as number)] as number;
    if (time < first) first = time;
    if (time > last) last = time;
  }
  profile.rows += to - from;
  if (first < profile.firstEvent) profile.firstEvent = first;
  if (last > profile.lastEvent) profile.lastEvent = last;
  return { profile, rows, from, to, firstEvent: first };
}

const segmentSlots = new Int32Array(tileRows);

/** The rows of one window split by the value of a segment field; rows without a value are in no segment. */
export function splitBySegment(
  column: Column,
  offset: number,
  rows: Int32Array | undefined,
  from: number,
  to: number,
): { values: readonly string[]; rows: Int32Array; starts: Int32Array } {
  const slotOf = new Map<string, number>();
  const codeSlots = new Map<number, number>();
  const slotOfValue = (row: number): number => {
    const value = cellOf(column, row);
    if (value === null) return -1; // a dictionary's null entry
    const name = String(value);
    let slot = slotOf.get(name);
    if (slot === undefined) {
      slot = slotOf.size;
      slotOf.set(name, slot);
    }
    return slot;
  };
  const size = to - from;
  for (let i = 0; i < size; i++) {
    const row = offset + (rows === undefined ? from + i : (rows[from + i] as number));
    if (!isPresent(column, row)) {
      segmentSlots[i] = -1;
      continue;
    }
    if (column.kind !== "dictionary") {
      segmentSlots[i] = slotOfValue(row);
      continue;
    }
    const code = column.codes[row] as number;
    let slot = codeSlots.get(code);
    if (slot === undefined) {
      slot = slotOfValue(row);
      codeSlots.set(code, slot);
    }
    segmentSlots[i] = slot;
  }
  const sorted = sortRows(segmentSlots, size, slotOf.size);
  for (let i = 0; i < sorted.rows.length; i++) {
    const index = from + (sorted.rows[i] as number);
    sorted.rows[i] = rows === undefined ? index : (rows[index] as number);
  }
  return { values: [...slotOf.keys()], ...sorted };
}
