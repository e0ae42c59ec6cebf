import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type AvroPlan, planRecord } from "./avro-columns.ts";
import { AvroCursor } from "./avro-cursor.ts";
import type { AvroRecord, AvroType } from "./avro-schema.ts";

/** Reads messages of one Avro schema, rows of which are records, straight into columns. */
export interface AvroReader {
  /** @throws DecodeError for anything that is not exactly one value of the schema */
  read(bytes: Uint8Array): Batch;
}

/**
 * A message is one record, an array of records (rows), or a union of either; `null` is no row at all.
 * @param wanted  names of the columns that are built; `undefined`: all
 * @throws DecodeError schema: a schema whose values are no rows
 */
export function openAvro(
  schema: AvroType,
  wanted: ReadonlyMap<string, unknown> | undefined,
  limits: Limits,
): AvroReader {
  const plans = new Map<AvroRecord, AvroPlan>();
  const planOf = (record: AvroRecord): AvroPlan => {
    const known = plans.get(record);
    if (known !== undefined) return known;
    const plan = planRecord(record, (name) => wanted?.has(name) ?? true, limits.nesting);
    if (plan.leaves.length > limits.fields)
      throw new DecodeError(
        "limit",
        `an Avro record of ${plan.leaves.length} fields, at most ${limits.fields}`,
      );
    plans.set(record, plan);
    return plan;
  };
  return {
    read(bytes) {
      const cursor = new AvroCursor(bytes, limits.decodedBytes);
      const batch = readRows(schema, cursor, planOf, limits);
      if (cursor.at !== bytes.length)
        throw new DecodeError("malformed", `${bytes.length - cursor.at} bytes behind an Avro value`);
      return batch;
    },
  };
}

function readRows(
  type: AvroType,
  cursor: AvroCursor,
  planOf: (record: AvroRecord) => AvroPlan,
  limits: Limits,
): Batch {
  switch (type.kind) {
    case "record":
      return finished(planOf(type), 1, (plan) => plan.part.read(cursor));
    case "array": {
      const { items } = type;
      if (items.kind !== "record") throw noRows(`an array of ${items.kind}`);
      let rows = 0;
      const plan = planOf(items);
      return finished(
        plan,
        () => rows,
        () =>
          cursor.blocks(() => {
            rows += 1;
            if (rows > limits.rowsPerBatch)
              throw new DecodeError("limit", `more than ${limits.rowsPerBatch} rows in an Avro message`);
            plan.part.read(cursor);
          }),
      );
    }
    case "union": {
      const branch = type.branches[cursor.index(type.branches.length, "union branch")] as AvroType;
      if (branch.kind === "union") throw noRows("a union in a union");
      return readRows(branch, cursor, planOf, limits);
    }
    case "null":
      return { rows: 0, columns: new Map() };
    default:
      throw noRows(`a ${type.kind}`);
  }
}

/** Rows read into columns; a failure leaves nothing behind for the next message. */
function finished(plan: AvroPlan, rows: number | (() => number), read: (plan: AvroPlan) => void): Batch {
  try {
    read(plan);
  } catch (error) {
    for (const leaf of plan.leaves) leaf.drop();
    throw error;
  }
  const count = typeof rows === "number" ? rows : rows();
  const columns = new Map<string, Column>();
  for (const leaf of plan.leaves) columns.set(leaf.name, leaf.take(count));
  return { rows: count, columns };
}

function noRows(what: string): DecodeError {
  return new DecodeError("schema", `an Avro message is ${what}, where a record is expected`);
}
