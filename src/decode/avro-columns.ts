import type { Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { AvroCursor } from "./avro-cursor.ts";
import { fill, type Slot } from "./avro-fill.ts";
import type { AvroRecord, AvroType } from "./avro-schema.ts";
import { readOver } from "./avro-values.ts";

/** Reads values of one type: into the columns below it, or over them. */
export interface Part {
  read(cursor: AvroCursor): void;
  /** The row has no value here: every column below gets a null. */
  absent(): void;
}

export interface Leaf {
  readonly name: string;
  /** The column of all rows read since the last call. */
  take(rows: number): Column;
  /** Forgets what was read since then. */
  drop(): void;
}

export interface AvroPlan {
  readonly part: Part;
  readonly leaves: readonly Leaf[];
}

/** Leaves of one record, wanted or not. */
const leavesMax = 20_000;

interface Planner {
  readonly leaves: Map<string, Leaf>;
  readonly wanted: (name: string) => boolean;
  /** Leaves that may still come, built or read over: named types can hold one another in ever larger numbers. */
  room: number;
  readonly nesting: number;
  /** Records around the one in hand, so that one that holds itself ends somewhere. */
  readonly around: AvroRecord[];
}

/**
 * How the rows of a record become columns: its fields, records in it flattened to `a.b`, `null` unions as nulls.
 * @param wanted  which columns are built; the others are read over
 */
export function planRecord(record: AvroRecord, wanted: (name: string) => boolean, nesting: number): AvroPlan {
  const planner: Planner = { leaves: new Map(), wanted, room: leavesMax, nesting, around: [] };
  const part = planFields(record, "", planner);
  return { part, leaves: [...planner.leaves.values()] };
}

function planFields(record: AvroRecord, prefix: string, planner: Planner): Part {
  planner.around.push(record);
  const parts = record.fields.map(({ name, type }) => planType(type, prefix + name, planner));
  planner.around.pop();
  return {
    read: (cursor) => {
      for (const part of parts) part.read(cursor);
    },
    absent: () => {
      for (const part of parts) part.absent();
    },
  };
}

function planType(type: AvroType, name: string, planner: Planner): Part {
  if (type.kind === "record") {
    const ends = planner.around.includes(type) || planner.around.length > planner.nesting;
    return ends ? leafOf(type, name, planner) : planFields(type, `${name}.`, planner);
  }
  if (type.kind !== "union") return leafOf(type, name, planner);
  const present = type.branches.filter(({ kind }) => kind !== "null");
  const [only] = present;
  if (only === undefined || present.length > 1) return leafOf(type, name, planner);
  const part = planType(only, name, planner);
  const { branches } = type;
  return {
    read: (cursor) => {
      if (branches[cursor.index(branches.length, "union branch")] === only) part.read(cursor);
      else part.absent();
    },
    absent: () => part.absent(),
  };
}

function leafOf(type: AvroType, name: string, planner: Planner): Part {
  const { leaves, wanted } = planner;
  planner.room -= 1;
  if (planner.room < 0) throw new DecodeError("limit", `an Avro schema of more than ${leavesMax} fields`);
  if (!wanted(name) || leaves.has(name))
    return { read: (cursor) => readOver(type, cursor, 0), absent: () => undefined };
  let filling = fill(type);
  let row = 0;
  let nulls: number[] = [];
  const absent = (): void => {
    nulls.push(row);
    filling.skip();
    row += 1;
  };
  const drop = (): void => {
    filling = fill(type);
    row = 0;
    nulls = [];
  };
  leaves.set(name, {
    name,
    drop,
    take(rows) {
      const slot = {
        rows,
        validityOffset: 0,
        nullCount: nulls.length,
        declared: filling.declared,
        validity: bitmap(nulls, rows),
      };
      const column = nulls.length === rows && rows > 0 ? allNull(slot) : filling.build(slot);
      drop();
      return column;
    },
  });
  return {
    read(cursor) {
      cursor.claim(16);
      if (filling.put(cursor)) row += 1;
      else absent();
    },
    absent,
  };
}

function allNull({ rows, declared }: Slot): Column {
  return { kind: "null", rows, validity: undefined, validityOffset: 0, nullCount: rows, declared };
}

function bitmap(nulls: readonly number[], rows: number): Uint8Array | undefined {
  if (nulls.length === 0) return undefined;
  const bits = new Uint8Array((rows + 7) >> 3).fill(0xff);
  for (const row of nulls) bits[row >> 3] = (bits[row >> 3] as number) & ~(1 << (row & 7));
  return bits;
}
