import type { Column, NumericArray, NumericType, Utf8Column } from "../model/batch.ts";
import type { AvroCursor } from "./avro-cursor.ts";
import type { AvroType } from "./avro-schema.ts";
import { collector, numberOf, readOver, unitMs } from "./avro-values.ts";

export type Slot = Pick<Column, "rows" | "validity" | "validityOffset" | "nullCount" | "declared">;

/** What a leaf keeps of its values until they are taken. `put` reads one and says whether it was there. */
export interface Filling {
  readonly declared: string;
  put(cursor: AvroCursor): boolean;
  /** Holds the place of a null. */
  skip(): void;
  build(slot: Slot): Column;
}

/** An empty column of a type. */
export function fill(type: AvroType): Filling {
  switch (type.kind) {
    case "boolean":
      return fillBools();
    case "int":
    case "long": {
      const unit = type.logical === undefined ? undefined : unitMs[type.logical.name];
      if (unit !== undefined) return fillWords(type.logical?.name ?? "", unit);
      return type.kind === "long"
        ? fillWords("long", undefined)
        : fillNumbers("int", "int32", Int32Array, (cursor) => cursor.int());
    }
    case "float":
      return fillNumbers("float", "float32", Float32Array, (cursor) => cursor.float());
    case "double":
      return fillNumbers("double", "float64", Float64Array, (cursor) => cursor.double());
    case "bytes":
    case "fixed": {
      const read = type.logical?.name === "decimal" ? numberOf(type) : undefined;
      return read === undefined ? fillNothing(type) : fillNumbers("decimal", "decimal", Float64Array, read);
    }
    case "string":
      return fillTexts();
    case "enum":
      return fillCodes(type.symbols);
    case "array": {
      const collect = collector(type);
      return collect === undefined ? fillNothing(type) : fillLists(collect);
    }
    case "union":
      return fillUnion(type);
    case "null":
    case "map":
    case "record":
      return fillNothing(type);
  }
}

/** Several types of number become one that holds them; any other mixture is only present or not. */
function fillUnion(type: Extract<AvroType, { kind: "union" }>): Filling {
  const readers = type.branches.map((branch) => (branch.kind === "null" ? undefined : numberOf(branch)));
  const numbers = type.branches.every(
    (branch, index) => branch.kind === "null" || readers[index] !== undefined,
  );
  if (!numbers) return fillNothing(type);
  const values: number[] = [];
  return {
    declared: "union",
    put(cursor) {
      const read = readers[cursor.index(type.branches.length, "union branch")];
      if (read === undefined) return false;
      values.push(read(cursor));
      return true;
    },
    skip: () => void values.push(0),
    build: (slot) => ({ kind: "numeric", ...slot, type: "float64", values: Float64Array.from(values) }),
  };
}

function fillNumbers(
  declared: string,
  type: NumericType,
  array: { from(values: number[]): NumericArray },
  read: (cursor: AvroCursor) => number,
): Filling {
  const values: number[] = [];
  return {
    declared,
    put: (cursor) => values.push(read(cursor)) > 0,
    skip: () => void values.push(0),
    build: (slot) => ({ kind: "numeric", ...slot, type, values: array.from(values) }),
  };
}

function fillWords(declared: string, unit: number | undefined): Filling {
  const words: number[] = [];
  return {
    declared,
    put(cursor) {
      cursor.long();
      return words.push(cursor.low, cursor.high) > 0;
    },
    skip: () => void words.push(0, 0),
    build(slot) {
      const values = Int32Array.from(words);
      return unit === undefined
        ? { kind: "int64", ...slot, signed: true, words: values }
        : { kind: "timestamp", ...slot, words: values, unitMs: unit };
    },
  };
}

function fillBools(): Filling {
  const values: boolean[] = [];
  return {
    declared: "boolean",
    put: (cursor) => values.push(cursor.boolean()) > 0,
    skip: () => void values.push(false),
    build(slot) {
      const bits = new Uint8Array((slot.rows + 7) >> 3);
      for (const [row, value] of values.entries())
        if (value) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
      return { kind: "bool", ...slot, bits, bitOffset: 0 };
    },
  };
}

function fillTexts(): Filling {
  const parts: Uint8Array[] = [];
  let total = 0;
  return {
    declared: "string",
    put(cursor) {
      const length = cursor.length();
      const from = cursor.take(length);
      total += length;
      return parts.push(cursor.bytes.subarray(from, from + length)) > 0;
    },
    skip: () => void parts.push(new Uint8Array()),
    build: (slot) => ({ kind: "utf8", ...slot, ...joined(parts, total) }),
  };
}

function joined(parts: readonly Uint8Array[], total: number): Pick<Utf8Column, "offsets" | "bytes"> {
  const [bytes, offsets] = [new Uint8Array(total), new Int32Array(parts.length + 1)];
  let at = 0;
  for (const [row, part] of parts.entries()) {
    bytes.set(part, at);
    at += part.length;
    offsets[row + 1] = at;
  }
  return { offsets, bytes };
}

/** The same dictionary for as long as the schema stays: what is known of its values can be kept. */
const dictionaries = new WeakMap<readonly string[], Utf8Column>();

function dictionaryOf(symbols: readonly string[]): Utf8Column {
  const known = dictionaries.get(symbols);
  if (known !== undefined) return known;
  const parts = symbols.map((symbol) => new TextEncoder().encode(symbol));
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const slot = {
    rows: symbols.length,
    validity: undefined,
    validityOffset: 0,
    nullCount: 0,
    declared: "enum",
  };
  const dictionary: Utf8Column = { kind: "utf8", ...slot, ...joined(parts, total) };
  dictionaries.set(symbols, dictionary);
  return dictionary;
}

function fillCodes(symbols: readonly string[]): Filling {
  const codes: number[] = [];
  return {
    declared: "enum",
    put: (cursor) => codes.push(cursor.index(symbols.length, "symbol")) > 0,
    skip: () => void codes.push(0),
    build: (slot) => ({
      kind: "dictionary",
      ...slot,
      codes: Int32Array.from(codes),
      dictionary: dictionaryOf(symbols),
    }),
  };
}

function fillLists(collect: (cursor: AvroCursor, into: number[]) => void): Filling {
  const items: number[] = [];
  const ends: number[] = [0];
  return {
    declared: "array",
    put(cursor) {
      collect(cursor, items);
      return ends.push(items.length) > 0;
    },
    skip: () => void ends.push(items.length),
    build(slot) {
      const values = Float64Array.from(items);
      const base = {
        rows: items.length,
        validity: undefined,
        validityOffset: 0,
        nullCount: 0,
        declared: "double",
      };
      const child = { kind: "numeric" as const, ...base, type: "float64" as const, values };
      return { kind: "list", ...slot, size: undefined, offsets: Int32Array.from(ends), child };
    },
  };
}

function fillNothing(type: AvroType): Filling {
  const nullable = type.kind === "union" ? type.branches : undefined;
  return {
    declared: type.kind === "union" ? "union" : type.kind,
    put(cursor) {
      if (type.kind === "null") return false;
      if (nullable === undefined) {
        readOver(type, cursor, 0);
        return true;
      }
      const branch = nullable[cursor.index(nullable.length, "union branch")] as AvroType;
      readOver(branch, cursor, 0);
      return branch.kind !== "null";
    },
    skip: () => undefined,
    build: (slot) => ({ kind: "unsupported", ...slot }),
  };
}
