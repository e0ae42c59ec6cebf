import { type CastingContext, parse } from "csv-parse";
import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { FieldType } from "../model/feature-view.ts";
import { parseInstant } from "../model/time.ts";
import { chunksOf } from "./file-jsonl.ts";
import type { OpenFileOptions } from "./file-reader.ts";
import { wrongFormat } from "./file-reader.ts";
import { columnOfCells } from "./rows.ts";

const rowsPerBatch = 4_096;
/** Rows looked at to infer the types of columns without a hint. */
const inferenceRows = 1_000;
const lineMax = 1024 * 1024;

/**
 * CSV with a header (RFC 4180). An empty cell is null. CSV has no types: a cell is read as its column's type, and one that is
 * no such value is a misfit; without hints the first 1,000 rows decide.
 */
export async function* readCsvFile({ name, bytes, hints }: OpenFileOptions): AsyncGenerator<Batch> {
  const head = await bytes.slice(0, 512);
  if (head.includes(0)) throw wrongFormat(name, "CSV");
  const parser = parse({
    bom: true,
    columns: false,
    relax_column_count: false,
    skip_empty_lines: true,
    max_record_size: lineMax,
    cast: (value: string, context: CastingContext) => (value === "" && !context.quoting ? null : value),
  });
  const fed = feed(parser, bytes);
  let header: readonly string[] | undefined;
  let types: readonly (FieldType | undefined)[] = [];
  let rows: (string | null)[][] = [];
  try {
    for await (const record of parser as AsyncIterable<(string | null)[]>) {
      if (header === undefined) {
        header = record.map((cell) => (cell ?? "").trim());
        continue;
      }
      rows.push(record);
      if (rows.length < rowsPerBatch) continue;
      types = typesOf(header, rows, hints, types);
      yield batchOf(header, rows, types);
      rows = [];
    }
    await fed;
  } catch (cause) {
    if (cause instanceof DecodeError) throw cause;
    throw new DecodeError("malformed", `CSV: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (header === undefined || rows.length === 0) return;
  yield batchOf(header, rows, typesOf(header, rows, hints, types));
}

async function feed(parser: ReturnType<typeof parse>, bytes: OpenFileOptions["bytes"]): Promise<void> {
  for await (const chunk of chunksOf(bytes)) {
    if (!parser.write(chunk)) await new Promise<void>((done) => parser.once("drain", () => done()));
  }
  parser.end();
}

function typesOf(
  header: readonly string[],
  rows: readonly (string | null)[][],
  hints: OpenFileOptions["hints"],
  known: readonly (FieldType | undefined)[],
): readonly (FieldType | undefined)[] {
  if (hints !== undefined) return header.map((name) => hints.get(name) ?? "string");
  return header.map(
    (_, index) => known[index] ?? inferText(rows.slice(0, inferenceRows).map((row) => row[index] ?? null)),
  );
}

const integerText = /^[+-]?\d{1,18}$/;
const numberText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const nonFiniteText = /^[+-]?(nan|inf|infinity)$/i;
const boolText = /^(true|false)$/i;

function inferText(cells: readonly (string | null)[]): FieldType | undefined {
  const filled = cells.filter((cell) => cell !== null);
  if (filled.length === 0) return undefined;
  const all = (test: (text: string) => boolean): boolean => filled.every(test);
  if (all((text) => integerText.test(text))) return "int64";
  if (all((text) => numberText.test(text) || nonFiniteText.test(text))) return "float64";
  if (all((text) => boolText.test(text))) return "bool";
  if (all((text) => text.includes("-") && parseInstant(text) !== undefined)) return "timestamp";
  return all((text) => listOf(text) !== undefined) ? "embedding" : "string";
}

function batchOf(
  header: readonly string[],
  rows: readonly (string | null)[][],
  types: readonly (FieldType | undefined)[],
): Batch {
  const columns = new Map<string, Column>();
  header.forEach((name, index) => {
    const type = types[index];
    const cells = rows.map((row) => {
      const text = row[index] ?? null;
      return text === null ? null : cellOfText(text, type);
    });
    columns.set(name, columnOfCells(cells, type, "csv"));
  });
  return { rows: rows.length, columns };
}

/** Text that is no value of the type stays text, and so becomes a misfit. */
function cellOfText(text: string, type: FieldType | undefined): unknown {
  switch (type) {
    case undefined:
    case "string":
      return text;
    case "timestamp":
      return text;
    case "bool":
      return boolText.test(text) ? text.toLowerCase() === "true" : text;
    case "embedding":
      return listOf(text) ?? text;
    case "float32":
    case "float64":
      if (nonFiniteText.test(text)) return numberOfWord(text);
      return numberText.test(text) ? Number(text) : text;
    case "int64":
    case "uint64":
      return integerText.test(text) || /^\d{19,20}$/.test(text) ? BigInt(text.replace("+", "")) : text;
    default:
      return integerText.test(text) ? Number(text) : text;
  }
}

function numberOfWord(text: string): number {
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** `[0.1, 0.2]` */
function listOf(text: string): readonly unknown[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // no list, so a misfit: the caller counts it
  }
}
