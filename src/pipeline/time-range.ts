import { type Batch, type Column, instantOf, isPresent } from "../model/batch.ts";
import type { EventTime } from "../model/time.ts";

/** Half-open: `[from, to)`. */
export interface TimeRange {
  readonly from: EventTime;
  readonly to: EventTime;
}

/**
 * The rows whose event time lies in the range, as slices over the same buffers, in order. Rows without a usable event
 * time stay in: the profiler counts them as rejected. A batch that lies inside as a whole comes back as it is.
 */
export function rowsInRange(
  batch: Batch,
  eventTime: string | undefined,
  recordTime: EventTime | undefined,
  range: TimeRange,
): readonly Batch[] {
  const column = eventTime === undefined ? undefined : batch.columns.get(eventTime);
  if (eventTime === undefined || column?.kind !== "timestamp") {
    const outside = recordTime !== undefined && eventTime === undefined && !holds(range, recordTime);
    return outside ? [] : [batch];
  }
  const slices: Batch[] = [];
  let start = -1;
  for (let row = 0; row <= batch.rows; row++) {
    const inside = row < batch.rows && (!isPresent(column, row) || holds(range, instantOf(column, row)));
    if (inside && start < 0) start = row;
    if (!inside && start >= 0) {
      slices.push(sliceBatch(batch, start, row));
      start = -1;
    }
  }
  return slices;
}

function holds({ from, to }: TimeRange, time: EventTime): boolean {
  return time >= from && time < to;
}

/** Rows `[from, to)` without a copy. */
export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to === batch.rows) return batch;
  const columns = new Map([...batch.columns].map(([name, column]) => [name, sliceColumn(column, from, to)]));
  return { rows: to - from, columns };
}

function sliceColumn(column: Column, from: number, to: number): Column {
  const base = {
    rows: to - from,
    validityOffset: column.validityOffset + from,
    ...misfitsIn(column, from, to),
  };
  const nullCount = countNulls(column, from, to);
  switch (column.kind) {
    case "numeric":
      return { ...column, ...base, nullCount, values: column.values.subarray(from, to) };
    case "int64":
    case "timestamp":
      return { ...column, ...base, nullCount, words: column.words.subarray(2 * from, 2 * to) };
    case "bool":
      return { ...column, ...base, nullCount, bitOffset: column.bitOffset + from };
    case "utf8":
      return { ...column, ...base, nullCount, offsets: column.offsets.subarray(from, to + 1) };
    case "dictionary":
      return { ...column, ...base, nullCount, codes: column.codes.subarray(from, to) };
    case "list": {
      const { size, offsets, child } = column;
      if (offsets !== undefined)
        return { ...column, ...base, nullCount, offsets: offsets.subarray(from, to + 1) };
      const values = sliceColumn(child, from * (size ?? 0), to * (size ?? 0));
      return { ...column, ...base, nullCount, child: values as typeof child };
    }
    case "null":
    case "unsupported":
      return { ...column, ...base, nullCount };
  }
}

function countNulls(column: Column, from: number, to: number): number {
  if (column.nullCount === 0) return 0;
  if (column.kind === "null") return to - from;
  let nulls = 0;
  for (let row = from; row < to; row++) if (!isPresent(column, row)) nulls += 1;
  return nulls;
}

function misfitsIn(column: Column, from: number, to: number): Pick<Column, "misfits"> {
  if (column.misfits === undefined) return {};
  const rows = column.misfits.rows.filter((row) => row >= from && row < to).map((row) => row - from);
  return { misfits: { ...column.misfits, rows } };
}
