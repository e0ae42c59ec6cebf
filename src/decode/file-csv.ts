import { CsvError, type Parser, parse } from "csv-parse";
import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { csvCells, type InferredType } from "./cells.ts";
import { chunksOf } from "./file-jsonl.ts";
import { type OpenFileOptions, wrongFormat } from "./file-reader.ts";
import { buildColumn, nullColumn } from "./rows.ts";

const rowsPerBatch = 4_096;
/** Rows looked at to infer the types of columns without a hint. */
const inferenceRows = 1_000;
/** Longest record, in characters. */
const recordMax = 1024 * 1024;

type Record = readonly string[];

/**
 * CSV with a header (RFC 4180). An empty cell is null. CSV has no types: a cell is read as
 * its column's type, and one that is no such value is a misfit; without hints the first 1,000 rows that hold something decide.
 * With hints only the hinted columns are read.
 */
export async function* readCsvFile(options: OpenFileOptions): AsyncGenerator<Batch> {
  const { name, bytes } = options;
  const head = await bytes.slice(0, 512);
  if (head.includes(0)) throw wrongFormat(name, "CSV");
  let header: Header | undefined;
  let rows: Record[] = [];
  for await (const record of recordsOf(options)) {
    if (header === undefined) {
      header = headerOf(record, options);
      continue;
    }
    rows.push(record);
    if (rows.length < rowsPerBatch) continue;
    yield batchOf(header, rows);
    rows = [];
  }
  if (header !== undefined && rows.length > 0) yield batchOf(header, rows);
}

/** Records of the file; the parser holds no more than a few chunks of it. */
async function* recordsOf({ name, bytes }: OpenFileOptions): AsyncGenerator<Record> {
  const parser = parse({ bom: true, skip_empty_lines: true, max_record_size: recordMax });
  void feed(parser, bytes).catch((error: Error) => parser.destroy(error));
  try {
    for await (const record of parser) yield record as Record;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error; // reading the bytes
    throw new DecodeError("malformed", `${name}: CSV: ${error.message}`, { cause: error });
  }
}

async function feed(parser: Parser, bytes: OpenFileOptions["bytes"]): Promise<void> {
  for await (const chunk of chunksOf(bytes)) {
    if (parser.destroyed) return;
    if (!parser.write(chunk)) await drained(parser);
  }
  parser.end();
}

/** Resolves when the parser takes more, or never will. */
function drained(parser: Parser): Promise<void> {
  return new Promise((done) => {
    const settle = (): void => {
      parser.off("drain", settle);
      parser.off("close", settle);
      done();
    };
    parser.once("drain", settle);
    parser.once("close", settle);
  });
}

interface Header {
  readonly names: readonly string[];
  /** Places of the columns that are read; of two with one name the first. */
  readonly places: readonly number[];
  /** By place; `undefined` until a cell tells. */
  readonly types: (InferredType | undefined)[];
}

function headerOf(record: Record, { name, hints, limits, columns }: OpenFileOptions): Header {
  const names = record.map((cell) => cell.trim());
  if (names.length > limits.fields)
    throw new DecodeError("limit", `${name}: ${names.length} columns, at most ${limits.fields}`);
  const wanted = columns === undefined ? undefined : new Set(columns);
  const places = names.flatMap((field, place) => {
    const read =
      names.indexOf(field) === place && (hints?.has(field) ?? true) && (wanted?.has(field) ?? true);
    return read ? [place] : [];
  });
  return { names, places, types: names.map((field) => hints?.get(field)) };
}

function batchOf({ names, places, types }: Header, rows: readonly Record[]): Batch {
  const columns = new Map<string, Column>();
  for (const place of places) {
    const cells = rows.map((row) => row[place] || null); // an empty text is null
    const type = types[place] ?? csvCells.infer(firstValues(cells));
    types[place] = type;
    const column = type === undefined ? nullColumn(rows.length, "csv") : buildColumn(cells, type, csvCells);
    columns.set(names[place] as string, column);
  }
  return { rows: rows.length, columns };
}

function firstValues(cells: readonly unknown[]): readonly unknown[] {
  const values: unknown[] = [];
  for (const cell of cells) {
    if (values.length === inferenceRows) break;
    if (cell !== null && cell !== undefined) values.push(cell);
  }
  return values;
}
