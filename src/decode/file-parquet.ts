import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { compressors as pureCompressors } from "hyparquet-compressors";
import type { Batch, Column } from "../model/batch.ts";
import { DecodeError, Fault } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type AsyncBytes, type OpenFileOptions, wrongFormat } from "./file-reader.ts";
import { buildParquetColumn, sliceColumn } from "./parquet-columns.ts";
import { type Inflaters, type LeafReader, openLeaf } from "./parquet-leaf.ts";
import { pathSeparator, type RowGroup, readParquetMetadata, type SchemaNode } from "./parquet-metadata.ts";
import { fieldsOf, type ParquetField } from "./parquet-schema.ts";

const rowsPerBatch = 65_536;
/** Rows decoded at once: a larger row group is read in stretches of it. */
const rowsPerStretch = 4 * rowsPerBatch;
const magic = "PAR1";

/** Parquet, row group by row group. The file's own schema gives the types, not the spec. */
export async function* readParquetFile(options: OpenFileOptions): AsyncGenerator<Batch> {
  const { name, limits } = options;
  const bytes = marked(options.bytes);
  if (textOf(await options.bytes.slice(0, magic.length)) !== magic) throw wrongFormat(name, "Parquet");
  if (textOf(await options.bytes.slice(bytes.byteLength - magic.length, bytes.byteLength)) !== magic) {
    throw new DecodeError("truncated", `${name}: no closing PAR1: it was cut, or is still being written`);
  }
  const { root, groups } = await guarded(name, () => readParquetMetadata(bytes, limits));
  const every = await guarded(name, async () => everyField(root));
  const wanted = options.columns === undefined ? undefined : new Set(options.columns);
  const fields = every.filter((field) => wanted?.has(field.name) ?? true);
  // Rows of no wanted column are rows, and as many as some column has.
  const proof = every.slice(0, 1);
  if (fields.length > limits.fields)
    throw new DecodeError("limit", `${name}: ${fields.length} columns, at most ${limits.fields}`);
  for (const group of groups) {
    const { rows: groupRows } = group;
    const readers = await guarded(name, async () =>
      (fields.length > 0 ? fields : proof).map((field) => ({
        field,
        reader: openField(bytes, field, group, limits),
      })),
    );
    for (let start = 0; start < groupRows; start += rowsPerStretch) {
      const count = Math.min(groupRows - start, rowsPerStretch);
      const columns = await guarded(name, () => readStretch(readers, count));
      for (let from = 0; from < count; from += rowsPerBatch) {
        const rows = Math.min(rowsPerBatch, count - from);
        const slices = new Map<string, Column>();
        for (const [key, column] of fields.length > 0 ? columns : [])
          slices.set(key, sliceColumn(column, from, from + rows));
        yield { rows, columns: slices };
      }
    }
  }
}

function openField(
  file: AsyncBytes,
  { leaf, form }: ParquetField,
  { chunks }: RowGroup,
  limits: Limits,
): LeafReader {
  const chunk = chunks.get(leaf.path.join(pathSeparator));
  if (chunk === undefined)
    throw new DecodeError("malformed", `a Parquet row group without column "${leaf.path.join(".")}"`);
  return openLeaf({ file, leaf, form, chunk, inflate: inflaters, limits });
}

/** Columns of the file; of two with one name the first. */
function everyField(root: SchemaNode): ParquetField[] {
  const seen = new Set<string>();
  return root.children
    .flatMap((child) => fieldsOf(child))
    .filter(({ name }) => !seen.has(name) && seen.add(name));
}

async function readStretch(
  readers: readonly { readonly field: ParquetField; readonly reader: LeafReader }[],
  rows: number,
): Promise<Map<string, Column>> {
  const columns = new Map<string, Column>();
  for (const { field, reader } of readers)
    columns.set(field.name, buildParquetColumn(await reader.take(rows), rows, field.type, field.declared));
  return columns;
}

const zlibOptions = (length: number): { maxOutputLength: number } => ({
  maxOutputLength: Math.max(1, length),
});

/** Lengths are bounded by whoever calls. */
const inflaters: Inflaters = {
  SNAPPY: pureCompressors.SNAPPY,
  LZ4: pureCompressors.LZ4,
  LZ4_RAW: pureCompressors.LZ4_RAW,
  ZSTD: (bytes, length) => zstdDecompressSync(bytes, zlibOptions(length)),
  GZIP: (bytes, length) => gunzipSync(bytes, zlibOptions(length)),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, zlibOptions(length)),
};

const textOf = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** Whatever the bytes do to the reader is told as a DecodeError; what their owner says is passed on. */
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

/** Carries an error of whoever reads the bytes: it is no fault of the file's contents. */
class UnreadBytes extends Error {
  constructor(cause: unknown) {
    super("bytes that cannot be read", { cause });
  }
}

function marked(bytes: AsyncBytes): AsyncBytes {
  return {
    byteLength: bytes.byteLength,
    slice: (start, end) =>
      bytes.slice(start, end).catch((error: unknown) => {
        throw new UnreadBytes(error);
      }),
  };
}
