import type { SchemaElement, SchemaTree } from "hyparquet";
import type { NumericType } from "../model/batch.ts";
import { halfToNumber } from "./parquet-columns.ts";

/** What a leaf becomes. `number` turns a stored cell into a number; without it the cell is one already. */
export type ParquetType =
  | { readonly kind: "bool" | "text" | "unsupported" }
  | {
      readonly kind: "numeric";
      readonly name: NumericType;
      readonly array: NumericConstructor;
      readonly number: ((cell: unknown) => number) | undefined;
    }
  /** int64 as two words; with `unitMs` an instant, a date or a time of day. */
  | { readonly kind: "words"; readonly signed: boolean; readonly unitMs: number | undefined }
  | { readonly kind: "list"; readonly number: (cell: unknown) => number };

type NumericConstructor =
  | Float64ArrayConstructor
  | Float32ArrayConstructor
  | Int8ArrayConstructor
  | Int16ArrayConstructor
  | Int32ArrayConstructor
  | Uint8ArrayConstructor
  | Uint16ArrayConstructor
  | Uint32ArrayConstructor;

/** One column of the batch: a leaf, or a list or map as a whole. */
export interface ParquetField {
  /** `parent.child` for a member of a struct. */
  readonly name: string;
  /** From the top-level column inwards. */
  readonly path: readonly string[];
  readonly type: ParquetType;
  /** For people, as Arrow would say it. */
  readonly declared: string;
}

const unsupported: ParquetType = { kind: "unsupported" };

/** The columns under one node of the schema, structs flattened. @see https://parquet.apache.org/docs/file-format/types/ */
export function fieldsOf(node: SchemaTree, parents: readonly string[] = []): ParquetField[] {
  const { element, children } = node;
  const path = [...parents, element.name];
  const name = path.join(".");
  const annotated = element.logical_type?.type ?? element.converted_type;
  if (element.repetition_type === "REPEATED" || annotated === "LIST")
    return [{ name, path, ...listOf(node) }];
  if (annotated === "MAP" || annotated === "MAP_KEY_VALUE" || annotated === "VARIANT")
    return [{ name, path, type: unsupported, declared: annotated.toLowerCase() }];
  if (children.length > 0) return children.flatMap((child) => fieldsOf(child, path));
  return [{ name, path, ...leafOf(element) }];
}

/** A list of numbers, whatever its levels are called; anything else in a list is only present or not. */
function listOf(node: SchemaTree): { type: ParquetType; declared: string } {
  let [leaf, repeated] = [node, node.element.repetition_type === "REPEATED" ? 1 : 0];
  while (leaf.children.length === 1) {
    leaf = leaf.children[0] as SchemaTree;
    if (leaf.element.repetition_type === "REPEATED") repeated += 1;
  }
  const { type, declared } = leafOf(leaf.element);
  const name = `list<${declared}>`;
  if (leaf.children.length > 0 || repeated !== 1) return { type: unsupported, declared: "list" };
  if (type.kind === "numeric")
    return { type: { kind: "list", number: type.number ?? Number }, declared: name };
  return type.kind === "words" && type.unitMs === undefined
    ? { type: { kind: "list", number: Number }, declared: name }
    : { type: unsupported, declared: name };
}

const unitMsOf = { MILLIS: 1, MICROS: 0.001, NANOS: 0.000_001 } as const;
const unitName = { MILLIS: "ms", MICROS: "us", NANOS: "ns" } as const;

function leafOf(element: SchemaElement): { type: ParquetType; declared: string } {
  const { type: physical, logical_type: logical, converted_type: converted } = element;
  if (logical?.type === "TIMESTAMP" || logical?.type === "TIME") {
    const zone = logical.type === "TIMESTAMP" && logical.isAdjustedToUTC ? ", UTC" : "";
    return instant(unitMsOf[logical.unit], `${logical.type.toLowerCase()}[${unitName[logical.unit]}${zone}]`);
  }
  const timed = /^(TIMESTAMP|TIME)_(MILLIS|MICROS)$/.exec(converted ?? "");
  if (timed !== null) {
    const unit = timed[2] as "MILLIS" | "MICROS";
    return instant(unitMsOf[unit], `${timed[1]?.toLowerCase()}[${unitName[unit]}]`);
  }
  if (logical?.type === "DATE" || converted === "DATE") return instant(86_400_000, "date32");
  if (physical === "INT96") return instant(unitMsOf.NANOS, "timestamp[ns]");
  if (logical?.type === "DECIMAL" || converted === "DECIMAL") return decimalOf(element);
  if (logical?.type === "INTEGER") return integerOf(logical.bitWidth, logical.isSigned);
  const integer = /^(U?)INT_(8|16|32|64)$/.exec(converted ?? "");
  if (integer !== null) return integerOf(Number(integer[2]), integer[1] === "");
  if (logical?.type === "FLOAT16")
    return {
      type: { kind: "numeric", name: "float16", array: Float64Array, number: halfToNumber },
      declared: "float16",
    };
  switch (physical) {
    case "BOOLEAN":
      return { type: { kind: "bool" }, declared: "bool" };
    case "INT32":
      return integerOf(32, true);
    case "INT64":
      return integerOf(64, true);
    case "FLOAT":
      return {
        type: { kind: "numeric", name: "float32", array: Float32Array, number: undefined },
        declared: "float32",
      };
    case "DOUBLE":
      return {
        type: { kind: "numeric", name: "float64", array: Float64Array, number: undefined },
        declared: "float64",
      };
    default: {
      const text = logical?.type ?? converted;
      return text === "STRING" || text === "UTF8" || text === "ENUM" || text === "JSON"
        ? { type: { kind: "text" }, declared: "utf8" }
        : { type: unsupported, declared: text?.toLowerCase() ?? "binary" };
    }
  }
}

const instant = (unitMs: number, declared: string): { type: ParquetType; declared: string } => ({
  type: { kind: "words", signed: true, unitMs },
  declared,
});

const intArrays = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const;

function integerOf(bits: number, signed: boolean): { type: ParquetType; declared: string } {
  const declared = `${signed ? "" : "u"}int${bits}`;
  if (bits === 64) return { type: { kind: "words", signed, unitMs: undefined }, declared };
  const name = declared as keyof typeof intArrays;
  return { type: { kind: "numeric", name, array: intArrays[name], number: undefined }, declared };
}

/** Stored as an integer or as big-endian two's complement; divided by a power of ten, so that 12.34 is 12.34. */
function decimalOf({ scale = 0, precision = 0, logical_type }: SchemaElement): {
  type: ParquetType;
  declared: string;
} {
  const digits = logical_type?.type === "DECIMAL" ? logical_type.scale : scale;
  const power = 10 ** digits;
  const number = (cell: unknown): number =>
    (cell instanceof Uint8Array ? Number(bigEndian(cell)) : Number(cell)) / power;
  const declared = `decimal(${precision}, ${digits})`;
  return { type: { kind: "numeric", name: "decimal", array: Float64Array, number }, declared };
}

function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}
