import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Batch, Column, NumericArray } from "../model/batch.ts";
import { DecodeError, Fault } from "../model/fault.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { AsyncBytes, OpenFileOptions } from "./file-reader.ts";
import { wrongFormat } from "./file-reader.ts";
import { columnOfCells } from "./rows.ts";

const rowsPerBatch = 65_536;
const magic = "PAR1";

/** Timestamps as milliseconds with their fraction, instead of a `Date` a cell. */
const parsers = {
  timestampFromMilliseconds: (millis: bigint) => Number(millis),
  timestampFromMicroseconds: (micros: bigint) => Number(micros) / 1_000,
  timestampFromNanoseconds: (nanos: bigint) => Number(nanos / 1_000n) / 1_000,
  dateFromDays: (days: number) => days * 86_400_000,
};

/** Parquet, row group by row group. The file's own schema gives the types, not the spec. */
export async function* readParquetFile({
  name,
  bytes,
  limits,
  columns,
}: OpenFileOptions): AsyncGenerator<Batch> {
  const head = new TextDecoder().decode(await bytes.slice(0, magic.length));
  if (head !== magic) throw wrongFormat(name, "Parquet");
  const file = asBuffer(bytes);
  const metadata = await guarded(name, () => parquetMetadataAsync(file));
  const types = typesOf(parquetSchema(metadata), columns);
  if (types.size > limits.fields)
    throw new DecodeError("limit", `${name}: ${types.size} columns, at most ${limits.fields}`);
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const cells = await guarded(name, () =>
      readGroup(file, metadata, [...types.keys()], start, start + rows),
    );
    for (let from = 0; from < rows; from += rowsPerBatch) {
      const to = Math.min(rows, from + rowsPerBatch);
      const batch = new Map<string, Column>();
      for (const [column, type] of types)
        batch.set(column, columnOf(cells.get(column) ?? [], type, from, to));
      yield { rows: to - from, columns: batch };
    }
    start += rows;
  }
}

type Chunk = ArrayLike<unknown>;

async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: string[],
  rowStart: number,
  rowEnd: number,
): Promise<Map<string, Chunk>> {
  const chunks = new Map<string, Chunk[]>();
  await parquetRead({
    file,
    metadata,
    columns,
    rowStart,
    rowEnd,
    compressors,
    parsers,
    onChunk: ({ columnName, columnData }) => {
      const list = chunks.get(columnName);
      if (list === undefined) chunks.set(columnName, [columnData]);
      else list.push(columnData);
    },
  });
  return new Map([...chunks].map(([column, list]) => [column, join(list)]));
}

function join(chunks: readonly Chunk[]): Chunk {
  if (chunks.length === 1) return chunks[0] as Chunk;
  return chunks.flatMap((chunk) => Array.from(chunk));
}

function columnOf(cells: Chunk, type: FieldType | undefined, from: number, to: number): Column {
  if (
    type !== undefined &&
    (cells instanceof Float64Array || cells instanceof Float32Array || cells instanceof Int32Array)
  ) {
    const values: NumericArray = cells.subarray(from, to);
    const kind =
      cells instanceof Float64Array ? "float64" : cells instanceof Float32Array ? "float32" : "int32";
    if (type === kind) {
      const base = { rows: to - from, validity: undefined, validityOffset: 0, nullCount: 0, declared: type };
      return { kind: "numeric", type: kind, values, ...base };
    }
  }
  const slice = Array.isArray(cells) ? cells.slice(from, to) : Array.from(cells).slice(from, to);
  return columnOfCells(slice, type, "parquet");
}

/** Top-level columns and the spec type that holds each; `undefined`: told by its cells. */
function typesOf(
  schema: SchemaTree,
  wanted: readonly string[] | undefined,
): Map<string, FieldType | undefined> {
  const types = new Map<string, FieldType | undefined>();
  for (const child of schema.children) {
    const { name } = child.element;
    if (wanted === undefined || wanted.includes(name)) types.set(name, typeOf(child));
  }
  return types;
}

function typeOf({ element, children }: SchemaTree): FieldType | undefined {
  if (children.length > 0)
    return element.logical_type?.type === "LIST" || element.converted_type === "LIST"
      ? "embedding"
      : undefined;
  const { type, converted_type: converted, logical_type: logical } = element;
  if (
    logical?.type === "TIMESTAMP" ||
    converted?.startsWith("TIMESTAMP") ||
    converted === "DATE" ||
    logical?.type === "DATE"
  ) {
    return "timestamp";
  }
  if (logical?.type === "INTEGER") return `${logical.isSigned ? "" : "u"}int${logical.bitWidth}` as FieldType;
  const integer = /^(U?INT)_(8|16|32|64)$/.exec(converted ?? "");
  if (integer !== null) return `${integer[1]?.toLowerCase()}${integer[2]}` as FieldType;
  switch (type) {
    case "BOOLEAN":
      return "bool";
    case "INT32":
      return converted === "DECIMAL" ? "float64" : "int32";
    case "INT64":
      return converted === "DECIMAL" ? "float64" : "int64";
    case "FLOAT":
      return "float32";
    case "DOUBLE":
      return "float64";
    case "INT96":
      return "timestamp";
    default:
      return converted === "DECIMAL" || logical?.type === "DECIMAL" || logical?.type === "FLOAT16"
        ? "float64"
        : "string";
  }
}

function asBuffer(bytes: AsyncBytes): AsyncBuffer {
  return {
    byteLength: bytes.byteLength,
    slice: async (start, end = bytes.byteLength) => {
      const part = await bytes.slice(start, end);
      return part.slice().buffer;
    },
  };
}

async function guarded<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new DecodeError(
      "malformed",
      `${name}: Parquet: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
