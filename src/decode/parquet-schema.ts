import type { NumericType } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { halfToNumber } from "./parquet-columns.ts";
import type { CellForm, LeafPath } from "./parquet-leaf.ts";
import type { Logical, SchemaElement, SchemaNode } from "./parquet-metadata.ts";

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
  readonly type: ParquetType;
  /** For people, as Arrow would say it. */
  readonly declared: string;
  /** The leaf that is read for it. */
  readonly leaf: LeafPath;
  readonly form: CellForm;
}

const unsupported: ParquetType = { kind: "unsupported" };

/** Levels of the node around. */
interface Levels {
  readonly definition: number;
  readonly repetition: number;
}

/** The columns under one node of the schema, structs flattened. @see https://parquet.apache.org/docs/file-format/types/ */
export function fieldsOf(
  node: SchemaNode,
  parents: readonly string[] = [],
  around: Levels = { definition: 0, repetition: 0 },
): ParquetField[] {
  const { element, children } = node;
  const path = [...parents, element.name];
  const name = path.join(".");
  const annotated = element.logical?.name ?? element.converted;
  const own = levelsOf(element, around);
  if (element.repetition === "REPEATED" || annotated === "LIST")
    return [{ name, ...listOf(node, path, around) }];
  if (annotated === "MAP" || annotated === "MAP_KEY_VALUE" || annotated === "VARIANT")
    return [
      { name, type: unsupported, declared: annotated.toLowerCase(), ...presenceOf(node, path, around) },
    ];
  if (children.length > 0) return children.flatMap((child) => fieldsOf(child, path, own));
  const leaf: LeafPath = {
    path,
    element,
    maxDefinition: own.definition,
    maxRepetition: 0,
    present: own.definition,
    item: 0,
  };
  const { type, declared } = leafOf(element);
  return [{ name, type, declared, leaf, form: type.kind === "unsupported" ? "presence" : "value" }];
}

function levelsOf({ repetition: kind }: SchemaElement, around: Levels): Levels {
  return {
    definition: around.definition + (kind === "OPTIONAL" || kind === "REPEATED" ? 1 : 0),
    repetition: around.repetition + (kind === "REPEATED" ? 1 : 0),
  };
}

/** Whether a list or map is there is told by any leaf inside it. */
function presenceOf(
  node: SchemaNode,
  path: readonly string[],
  around: Levels,
): Pick<ParquetField, "leaf" | "form"> {
  const present = presentFrom(node.element, around);
  let [leaf, inside, at] = [node, [...path], levelsOf(node.element, around)];
  let item = at.repetition > around.repetition ? at.definition : 0;
  while (leaf.children.length > 0) {
    leaf = leaf.children[0] as SchemaNode;
    inside = [...inside, leaf.element.name];
    const next = levelsOf(leaf.element, at);
    if (next.repetition > at.repetition) item = next.definition;
    at = next;
  }
  const levels = { maxDefinition: at.definition, maxRepetition: at.repetition };
  return { leaf: { path: inside, element: leaf.element, ...levels, present, item }, form: "presence" };
}

/** A bare repeated field is never null, only empty. */
function presentFrom(element: SchemaElement, around: Levels): number {
  return element.repetition === "REPEATED" ? around.definition : levelsOf(element, around).definition;
}

/** A list of numbers, or of lists of them, whatever its levels are called; anything else in a list is only present or not. */
function listOf(node: SchemaNode, path: readonly string[], around: Levels): Omit<ParquetField, "name"> {
  const { leaf, form } = presenceOf(node, path, around);
  let [inner, single] = [node, true];
  while (inner.children.length > 0) {
    single &&= inner.children.length === 1;
    inner = inner.children[0] as SchemaNode;
  }
  const { type, declared } = leafOf(leaf.element);
  const name = `list<${declared}>`;
  if (!single || leaf.maxRepetition === 0) return { type: unsupported, declared: "list", leaf, form };
  if (type.kind === "numeric")
    return { type: { kind: "list", number: type.number ?? Number }, declared: name, leaf, form: "list" };
  return type.kind === "words" && type.unitMs === undefined
    ? { type: { kind: "list", number: Number }, declared: name, leaf, form: "list" }
    : { type: unsupported, declared: name, leaf, form };
}

const unitMsOf = { MILLIS: 1, MICROS: 0.001, NANOS: 0.000_001 } as const;
const unitName = { MILLIS: "ms", MICROS: "us", NANOS: "ns" } as const;

function leafOf(element: SchemaElement): { type: ParquetType; declared: string } {
  const { type: physical, logical, converted } = element;
  if (logical?.name === "TIMESTAMP" || logical?.name === "TIME") {
    const zone = logical.name === "TIMESTAMP" && logical.utc ? ", UTC" : "";
    return instant(unitMsOf[logical.unit], `${logical.name.toLowerCase()}[${unitName[logical.unit]}${zone}]`);
  }
  const timed = /^(TIMESTAMP|TIME)_(MILLIS|MICROS)$/.exec(converted ?? "");
  if (timed !== null) {
    const unit = timed[2] as "MILLIS" | "MICROS";
    return instant(unitMsOf[unit], `${timed[1]?.toLowerCase()}[${unitName[unit]}]`);
  }
  if (logical?.name === "DATE" || converted === "DATE") return instant(86_400_000, "date32");
  if (physical === "INT96") return instant(unitMsOf.NANOS, "timestamp[ns]");
  if (logical?.name === "DECIMAL" || converted === "DECIMAL") return decimalOf(element);
  if (logical?.name === "INTEGER") return integerOf(logical);
  const integer = /^(U?)INT_(8|16|32|64)$/.exec(converted ?? "");
  if (integer !== null) return integerOf({ bits: Number(integer[2]), signed: integer[1] === "" });
  if (logical?.name === "FLOAT16")
    return {
      type: { kind: "numeric", name: "float16", array: Float64Array, number: halfToNumber },
      declared: "float16",
    };
  switch (physical) {
    case "BOOLEAN":
      return { type: { kind: "bool" }, declared: "bool" };
    case "INT32":
      return integerOf({ bits: 32, signed: true });
    case "INT64":
      return integerOf({ bits: 64, signed: true });
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
      const text = logical?.name ?? converted;
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

function integerOf({ bits, signed }: Pick<Logical, "bits" | "signed">): {
  type: ParquetType;
  declared: string;
} {
  if (![8, 16, 32, 64].includes(bits))
    throw new DecodeError("malformed", `a Parquet integer of ${bits} bits`);
  const declared = `${signed ? "" : "u"}int${bits}`;
  if (bits === 64) return { type: { kind: "words", signed, unitMs: undefined }, declared };
  const name = declared as keyof typeof intArrays;
  return { type: { kind: "numeric", name, array: intArrays[name], number: undefined }, declared };
}

/** Stored as an integer or as big-endian two's complement; divided by a power of ten, so that 12.34 is 12.34. */
function decimalOf({ scale, precision, logical }: SchemaElement): {
  type: ParquetType;
  declared: string;
} {
  const digits = logical?.name === "DECIMAL" ? logical.scale : scale;
  const power = 10 ** digits;
  const number = (cell: unknown): number =>
    (cell instanceof Uint8Array ? Number(bigEndian(cell)) : Number(cell)) / power;
  const declared = `decimal(${precision}, ${digits})`;
  return { type: { kind: "numeric", name: "decimal", array: Float64Array, number }, declared };
}

/** Decimals of more bytes are no numbers of any use. */
const decimalBytesMax = 64;

function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length > decimalBytesMax)
    throw new DecodeError("malformed", `a Parquet decimal of ${bytes.length} bytes`);
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}
