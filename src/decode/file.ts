import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { readArrowFile } from "./file-arrow.ts";
import { readCsvFile } from "./file-csv.ts";
import { readJsonLines } from "./file-jsonl.ts";
import { readParquetFile } from "./file-parquet.ts";
import type { FileReader, OpenFileOptions } from "./file-reader.ts";

/** By extension: one file a format, one line here. */
const readers: Readonly<Record<string, FileReader>> = {
  arrow: readArrowFile,
  arrows: readArrowFile,
  feather: readArrowFile,
  ipc: readArrowFile,
  parquet: readParquetFile,
  csv: readCsvFile,
  jsonl: readJsonLines,
  ndjson: readJsonLines,
};

/**
 * Reads a file batch by batch; memory holds a row group, or a stretch of lines, never the file.
 * @throws Fault `input.format` (unknown extension, or bytes of another format), `input.empty`, or a DecodeError
 */
export async function* openFile(options: OpenFileOptions): AsyncGenerator<Batch> {
  const { name, bytes } = options;
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  const reader = readers[extension];
  if (reader === undefined) {
    throw new Fault("input.format", `${name}: no known extension`, {
      hint: `files are read as .${Object.keys(readers).join(", .")}`,
    });
  }
  if (bytes.byteLength === 0) throw new Fault("input.empty", `${name}: the file is empty`);
  yield* reader(options);
}
