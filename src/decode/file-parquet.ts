import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
} from "hyparquet";
import { compressors as pureCompressors } from "hyparquet-compressors";
import type { Batch, Column } from "../model/batch.ts";
import { DecodeError, Fault } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type AsyncBytes, type OpenFileOptions, wrongFormat } from "./file-reader.ts";
import { buildParquetColumn, type Run, sliceColumn } from "./parquet-columns.ts";
import { fieldsOf, type ParquetField } from "./parquet-schema.ts";

const rowsPerBatch = 65_536;
/** Rows decoded at once: a larger row group is read in stretches of it. */
const rowsPerStretch = 4 * rowsPerBatch;
const magic = "PAR1";

/** Parquet, row group by row group. The file's own schema gives the types, not the spec. */
export async function* readParquetFile(options: OpenFileOptions): AsyncGenerator<Batch> {
  const { name, bytes, limits } = options;
  if (textOf(await bytes.slice(0, magic.length)) !== magic) throw wrongFormat(name, "Parquet");
  if (textOf(await bytes.slice(bytes.byteLength - magic.length, bytes.byteLength)) !== magic) {
    throw new DecodeError("truncated", `${name}: no closing PAR1: it was cut, or is still being written`);
  }
  const file = asBuffer(bytes);
  const metadata = await guarded(name, () => parquetMetadataAsync(file, { geoparquet: false }));
  const fields = await guarded(name, async () => wantedFields(metadata, options));
  if (fields.length > limits.fields)
    throw new DecodeError("limit", `${name}: ${fields.length} columns, at most ${limits.fields}`);
  stripTypes(metadata);
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    for (; start < end; start += rowsPerStretch) {
      const to = Math.min(end, start + rowsPerStretch);
      const columns = await guarded(name, () => readStretch(file, metadata, fields, start, to, limits));
      for (let from = 0; from < to - start; from += rowsPerBatch) {
        const rows = Math.min(rowsPerBatch, to - start - from);
        const slices = new Map<string, Column>();
        for (const [key, column] of columns) slices.set(key, sliceColumn(column, from, from + rows));
        yield { rows, columns: slices };
      }
    }
    start = end;
  }
}

function wantedFields(metadata: FileMetaData, { columns }: OpenFileOptions): ParquetField[] {
  const fields = parquetSchema(metadata).children.flatMap((child) => fieldsOf(child));
  const wanted = columns === undefined ? undefined : new Set(columns);
  const seen = new Set<string>();
  return fields.filter(({ name }) => {
    const first = !seen.has(name);
    seen.add(name);
    return first && (wanted?.has(name) ?? true);
  });
}

/** Leaves come as they are stored: the reader's own conversions round times to milliseconds and multiply decimals. */
function stripTypes({ schema }: FileMetaData): void {
  for (const element of schema) {
    if (element.type === undefined) continue;
    delete element.converted_type;
    delete element.logical_type;
  }
}

async function readStretch(
  file: AsyncBuffer,
  metadata: FileMetaData,
  fields: readonly ParquetField[],
  rowStart: number,
  rowEnd: number,
  limits: Limits,
): Promise<Map<string, Column>> {
  const runs = new Map<string, Run[]>();
  const tops = [...new Set(fields.map(({ path }) => path[0] as string))];
  for (const top of tops) runs.set(top, []);
  if (tops.length > 0) {
    await parquetRead({
      file,
      metadata,
      columns: tops,
      rowStart,
      rowEnd,
      compressors: boundedCompressors(limits),
      parsers: { timestampFromNanoseconds: (nanos: bigint) => nanos },
      utf8: false,
      onChunk: ({ columnName, columnData, rowStart: from }) => {
        runs.get(columnName)?.push({ cells: columnData, start: from - rowStart });
      },
    });
  }
  const columns = new Map<string, Column>();
  for (const { name, path, type, declared } of fields) {
    const whole = runs.get(path[0] as string) ?? [];
    const own = path.length === 1 ? whole : whole.map((run) => memberOf(run, path));
    columns.set(name, buildParquetColumn(own, rowEnd - rowStart, type, declared));
  }
  return columns;
}

/** The cells of a struct's member; null where a struct on the way is. */
function memberOf({ cells, start }: Run, path: readonly string[]): Run {
  const members = Array.from(cells, (cell) => {
    let value = cell;
    for (let depth = 1; depth < path.length; depth++) {
      if (value === null || value === undefined) return null;
      value = (value as Readonly<Record<string, unknown>>)[path[depth] as string];
    }
    return value;
  });
  return { cells: members, start };
}

function boundedCompressors(limits: Limits): Compressors {
  const bounded =
    (inflate: (input: Uint8Array, length: number) => Uint8Array) =>
    (input: Uint8Array, length: number): Uint8Array => {
      if (length > limits.decodedBytes)
        throw new DecodeError("limit", `a Parquet page of ${length} bytes, at most ${limits.decodedBytes}`);
      const bytes = inflate(input, length);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    };
  const pure = (name: "SNAPPY" | "LZ4" | "LZ4_RAW"): Compressors => {
    const inflate = pureCompressors[name];
    return inflate === undefined ? {} : { [name]: bounded(inflate) };
  };
  return {
    ...pure("SNAPPY"),
    ...pure("LZ4"),
    ...pure("LZ4_RAW"),
    ZSTD: bounded((input, length) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) })),
    GZIP: bounded((input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) })),
    BROTLI: bounded((input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) })),
  };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

function asBuffer(bytes: AsyncBytes): AsyncBuffer {
  return {
    byteLength: bytes.byteLength,
    slice: async (start, end = bytes.byteLength) => {
      const part = await bytes.slice(start, end).catch((error: unknown) => {
        throw new UnreadBytes(error);
      });
      const whole = part.byteOffset === 0 && part.length === part.buffer.byteLength;
      // `new Uint8Array` copies, which a Buffer's own `slice` does not.
      return (whole ? part.buffer : new Uint8Array(part).buffer) as ArrayBuffer;
    },
  };
}

/** Carries an error of whoever reads the bytes through the parser: it is no fault of the file's contents. */
class UnreadBytes extends Error {
  constructor(cause: unknown) {
    super("bytes that cannot be read", { cause });
  }
}

async function guarded<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof UnreadBytes) throw cause.cause;
    if (cause instanceof Fault) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DecodeError("malformed", `${name}: Parquet: ${message}`, { cause });
  }
}
