import type { Batch } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { InferredType } from "./cells.ts";
import { type AsyncBytes, type OpenFileOptions, wrongFormat } from "./file-reader.ts";
import { inferTypes, needsExactIntegers, parseLine, rowsToBatch } from "./json.ts";
import { boundJson } from "./json-bounds.ts";

const rowsPerBatch = 4_096;
const chunkBytes = 1024 * 1024;
const openBrace = 0x7b;
const newline = 0x0a;

/**
 * One JSON object a line; blank lines are passed over. A bad line is an error that names its number. Without hints a
 * field's type is told by the first batch that has it.
 */
export async function* readJsonLines(options: OpenFileOptions): AsyncGenerator<Batch> {
  const { name, bytes, hints, limits, columns } = options;
  const head = await bytes.slice(0, 64);
  if (textOf(head).trimStart().charCodeAt(0) !== openBrace) throw wrongFormat(name, "JSON lines");
  const wanted = columns === undefined ? undefined : new Set(columns);
  let known: ReadonlyMap<string, InferredType> = new Map();
  const batchOf = (rows: readonly NonNullable<ReturnType<typeof parseLine>>[]): Batch => {
    if (hints === undefined) known = inferTypes(rows, limits, known);
    const types = [...(hints ?? known)].filter(([field]) => wanted?.has(field) ?? true);
    return rowsToBatch(rows, new Map(types), limits);
  };
  let rows: NonNullable<ReturnType<typeof parseLine>>[] = [];
  let number = 0;
  for await (const line of linesOf(bytes, limits.messageBytes)) {
    number += 1;
    if (line.length > 1_000) boundJson(line, limits);
    const text = textOf(line);
    const row = parseLine(text, number, needsExactIntegers(text, hints));
    if (row === undefined) continue;
    rows.push(row);
    if (rows.length < rowsPerBatch) continue;
    yield batchOf(rows);
    rows = [];
  }
  if (rows.length > 0) yield batchOf(rows);
}

const utf8 = new TextDecoder("utf-8");
const textOf = (bytes: Uint8Array): string => utf8.decode(bytes);

/** Lines without their ends. @throws DecodeError limit: a line longer than `lineMax` bytes */
async function* linesOf(bytes: AsyncBytes, lineMax: number): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunksOf(bytes)) {
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      const line = chunk.subarray(from, end);
      yield rest.length === 0 ? line : joined(rest, line);
      rest = new Uint8Array();
      from = end + 1;
    }
    rest = joined(rest, chunk.subarray(from));
    if (rest.length > lineMax) throw new DecodeError("limit", `a line of more than ${lineMax} bytes`);
  }
  if (rest.length > 0) yield rest;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

export async function* chunksOf(bytes: AsyncBytes): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes)
    yield await bytes.slice(at, Math.min(at + chunkBytes, bytes.byteLength));
}
