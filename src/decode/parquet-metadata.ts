import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { AsyncBytes } from "./file-reader.ts";
import { intOf, readThrift, structOf, type ThriftStruct, type ThriftValue } from "./parquet-thrift.ts";

/** What a file's footer says, as far as reading needs it. @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
export interface ParquetMetadata {
  readonly root: SchemaNode;
  readonly groups: readonly RowGroup[];
}

export interface RowGroup {
  readonly rows: number;
  /** By path, its names joined by `pathSeparator`. */
  readonly chunks: ReadonlyMap<string, ColumnChunk>;
}

export interface ColumnChunk {
  readonly codec: Codec;
  readonly dataOffset: number;
  /** 0: none. */
  readonly dictionaryOffset: number;
  readonly bytes: number;
}

export interface SchemaNode {
  readonly element: SchemaElement;
  readonly children: readonly SchemaNode[];
}

export interface SchemaElement {
  readonly name: string;
  readonly type: PhysicalType | undefined;
  readonly width: number;
  readonly repetition: "REQUIRED" | "OPTIONAL" | "REPEATED";
  readonly converted: string | undefined;
  readonly logical: Logical | undefined;
  readonly scale: number;
  readonly precision: number;
}

export interface Logical {
  readonly name: string;
  readonly unit: "MILLIS" | "MICROS" | "NANOS";
  readonly utc: boolean;
  readonly bits: number;
  readonly signed: boolean;
  readonly scale: number;
}

export type PhysicalType = (typeof physicalTypes)[number];
export type Codec = (typeof codecs)[number];

const physicalTypes = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
] as const;
const codecs = ["UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"] as const;
const repetitions = ["REQUIRED", "OPTIONAL", "REPEATED"] as const;
const units = ["MILLIS", "MICROS", "NANOS"] as const;
const convertedTypes = [
  ...["UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS"],
  ...["TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32", "UINT_64"],
  ...["INT_8", "INT_16", "INT_32", "INT_64", "JSON", "BSON", "INTERVAL"],
];
const logicalNames: Readonly<Record<number, string>> = {
  1: "STRING",
  2: "MAP",
  3: "LIST",
  4: "ENUM",
  5: "DECIMAL",
  6: "DATE",
  7: "TIME",
  8: "TIMESTAMP",
  10: "INTEGER",
  12: "JSON",
  13: "BSON",
  14: "UUID",
  15: "FLOAT16",
  16: "VARIANT",
};

export const pathSeparator = "\n";
const magicBytes = 4;
/** The footer's length, then `PAR1`. */
const trailerBytes = 8;
/** A power of ten beyond it is no double. */
const scaleMax = 300;

/** @throws DecodeError */
export async function readParquetMetadata(bytes: AsyncBytes, limits: Limits): Promise<ParquetMetadata> {
  const end = bytes.byteLength - trailerBytes;
  const trailer = await bytes.slice(Math.max(0, end), bytes.byteLength);
  const length =
    trailer.length < trailerBytes ? 0 : new DataView(trailer.buffer, trailer.byteOffset).getUint32(0, true);
  if (length === 0 || length > end - magicBytes)
    throw new DecodeError(
      "truncated",
      `a Parquet footer of ${length} bytes in a file of ${bytes.byteLength}`,
    );
  if (length > limits.decodedBytes) throw new DecodeError("limit", `a Parquet footer of ${length} bytes`);
  const { value } = readThrift(await bytes.slice(end - length, end), 0);
  return { root: rootOf(structsOf(value, 2), limits), groups: structsOf(value, 4).map(groupOf) };
}

function wrong(what: string): DecodeError {
  return new DecodeError("malformed", `Parquet metadata: ${what}`);
}

function structsOf(struct: ThriftStruct, field: number): readonly ThriftStruct[] {
  const list = struct.get(field);
  if (!Array.isArray(list)) throw wrong(`no list in field ${field}`);
  return list.map((item: ThriftValue) => {
    if (!(item instanceof Map)) throw wrong(`no struct in the list of field ${field}`);
    return item as ThriftStruct;
  });
}

const utf8 = new TextDecoder();

function textOf(value: ThriftValue | undefined): string {
  if (!(value instanceof Uint8Array)) throw wrong("a name that is none");
  return utf8.decode(value);
}

/** The flat list of elements, each before its children, as a tree. */
function rootOf(elements: readonly ThriftStruct[], limits: Limits): SchemaNode {
  let next = 0;
  const read = (depth: number): SchemaNode => {
    const own = elements[next];
    if (own === undefined) throw wrong("a schema that ends early");
    // A list takes two levels.
    if (depth > 3 * limits.nesting)
      throw new DecodeError("limit", `Parquet types nested deeper than ${limits.nesting}`);
    next += 1;
    const count = intOf(own, 5) ?? 0;
    if (!(count >= 0 && count <= elements.length)) throw wrong(`an element of ${count} children`);
    return { element: elementOf(own, depth), children: Array.from({ length: count }, () => read(depth + 1)) };
  };
  const root = read(0);
  if (next !== elements.length) throw wrong(`${elements.length - next} elements that no other holds`);
  return root;
}

function elementOf(own: ThriftStruct, depth: number): SchemaElement {
  const [type, converted] = [intOf(own, 1), intOf(own, 6)];
  const physical = type === undefined ? undefined : physicalTypes[type];
  if (type !== undefined && physical === undefined) throw wrong(`type ${type}`);
  if (physical === undefined && (intOf(own, 5) ?? 0) === 0 && depth > 0)
    throw wrong("a column without a type");
  const repetition = repetitions[intOf(own, 3) ?? 0];
  if (repetition === undefined) throw wrong(`repetition ${intOf(own, 3)}`);
  const logical = logicalOf(structOf(own, 10));
  const scale = intOf(own, 7) ?? 0;
  if (Math.abs(scale) > scaleMax || Math.abs(logical?.scale ?? 0) > scaleMax)
    throw wrong(`a scale of ${scale}`);
  return {
    name: textOf(own.get(4)),
    type: physical,
    width: intOf(own, 2) ?? 0,
    repetition,
    converted: converted === undefined ? undefined : convertedTypes[converted],
    logical,
    scale,
    precision: intOf(own, 8) ?? 0,
  };
}

function logicalOf(union: ThriftStruct | undefined): Logical | undefined {
  const [field] = union?.keys() ?? [];
  const name = field === undefined ? undefined : logicalNames[field];
  if (union === undefined || field === undefined || name === undefined) return undefined;
  const own = structOf(union, field);
  const [unit = 1] = structOf(own, 2)?.keys() ?? [];
  return {
    name,
    unit: units[unit - 1] ?? "NANOS",
    utc: own?.get(1) === true,
    bits: name === "INTEGER" ? (intOf(own, 1) ?? 32) : 0,
    signed: own?.get(2) === true,
    scale: name === "DECIMAL" ? (intOf(own, 1) ?? 0) : 0,
  };
}

function groupOf(group: ThriftStruct): RowGroup {
  const rows = intOf(group, 3) ?? -1;
  if (!(rows >= 0)) throw wrong(`a row group of ${rows} rows`);
  const chunks = new Map<string, ColumnChunk>();
  for (const column of structsOf(group, 1)) {
    const own = structOf(column, 3);
    const path = own?.get(3);
    if (own === undefined || !Array.isArray(path)) throw wrong("a column without metadata");
    const codec = codecs[intOf(own, 4) ?? -1];
    if (codec === undefined) throw new DecodeError("compression", `Parquet codec ${intOf(own, 4)}`);
    chunks.set(path.map(textOf).join(pathSeparator), {
      codec,
      dataOffset: intOf(own, 9) ?? -1,
      dictionaryOffset: intOf(own, 11) ?? 0,
      bytes: intOf(own, 7) ?? -1,
    });
  }
  return { rows, chunks };
}
