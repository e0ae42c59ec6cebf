import { DecodeError } from "../model/fault.ts";
import { bigEndianToNumber } from "./arrow-numbers.ts";
import type { AvroCursor } from "./avro-cursor.ts";
import type { AvroType } from "./avro-schema.ts";

const dayMs = 86_400_000;
/** Logical types of int and long that are instants, dates or times of day: milliseconds a count. */
export const unitMs: Readonly<Record<string, number>> = {
  date: dayMs,
  "time-millis": 1,
  "time-micros": 0.001,
  "timestamp-millis": 1,
  "timestamp-micros": 0.001,
  "timestamp-nanos": 0.000_001,
  "local-timestamp-millis": 1,
  "local-timestamp-micros": 0.001,
  "local-timestamp-nanos": 0.000_001,
};

/** Decimals of more bytes are no numbers of any use. */
const decimalBytesMax = 64;

/** Reads a value as a number; `undefined` for a type that is none. */
export function numberOf(type: AvroType): ((cursor: AvroCursor) => number) | undefined {
  switch (type.kind) {
    case "int":
      return type.logical !== undefined && type.logical.name in unitMs ? undefined : (cursor) => cursor.int();
    case "long":
      return type.logical !== undefined && type.logical.name in unitMs
        ? undefined
        : (cursor) => cursor.longAsNumber();
    case "float":
      return (cursor) => cursor.float();
    case "double":
      return (cursor) => cursor.double();
    case "bytes":
    case "fixed": {
      if (type.logical?.name !== "decimal") return undefined;
      const { scale } = type.logical;
      return (cursor) => {
        const length = type.kind === "fixed" ? type.size : cursor.length();
        const from = cursor.take(length);
        if (length > decimalBytesMax)
          throw new DecodeError("malformed", `an Avro decimal of ${length} bytes`);
        return bigEndianToNumber(cursor.bytes, from, length, scale);
      };
    }
    default:
      return undefined;
  }
}

/** Reads an array of numbers, or of arrays of them, end to end; a null item is NaN. */
export function collector(type: AvroType): ((cursor: AvroCursor, into: number[]) => void) | undefined {
  if (type.kind === "array") {
    const item = collector(type.items);
    return item === undefined ? undefined : (cursor, into) => cursor.blocks(() => item(cursor, into));
  }
  if (type.kind === "union") {
    const items = type.branches.map((branch) => (branch.kind === "null" ? pushNaN : collector(branch)));
    if (items.includes(undefined)) return undefined;
    return (cursor, into) => items[cursor.index(items.length, "union branch")]?.(cursor, into);
  }
  const read = numberOf(type);
  return read === undefined ? undefined : (cursor, into) => void into.push(read(cursor));
}

const pushNaN = (_cursor: AvroCursor, into: number[]): void => void into.push(Number.NaN);

/** A message's values may be nested deeper than its schema, where a record holds itself. */
const depthMax = 200;

/** Moves over a value that no column holds. */
export function readOver(type: AvroType, cursor: AvroCursor, depth: number): void {
  if (depth > depthMax) throw new DecodeError("limit", `Avro values nested deeper than ${depthMax}`);
  switch (type.kind) {
    case "null":
      return;
    case "boolean":
      cursor.boolean();
      return;
    case "int":
      cursor.int();
      return;
    case "long":
      cursor.long();
      return;
    case "float":
      cursor.take(4);
      return;
    case "double":
      cursor.take(8);
      return;
    case "bytes":
    case "string":
      cursor.take(cursor.length());
      return;
    case "fixed":
      cursor.take(type.size);
      return;
    case "enum":
      cursor.index(type.symbols.length, "symbol");
      return;
    case "array":
      cursor.blocks(() => readOver(type.items, cursor, depth + 1));
      return;
    case "map":
      cursor.blocks(() => {
        cursor.take(cursor.length());
        readOver(type.values, cursor, depth + 1);
      });
      return;
    case "union":
      readOver(
        type.branches[cursor.index(type.branches.length, "union branch")] as AvroType,
        cursor,
        depth + 1,
      );
      return;
    case "record":
      cursor.claim(8);
      for (const field of type.fields) readOver(field.type, cursor, depth + 1);
      return;
  }
}
