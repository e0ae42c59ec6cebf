import type { Batch } from "../model/batch.ts";
import type { AsyncBytes, OpenFileOptions } from "./file-reader.ts";
import { wrongFormat } from "./file-reader.ts";
import { batchOfRows, parseLine } from "./json.ts";

const rowsPerBatch = 4_096;
const chunkBytes = 1024 * 1024;
/** Longest line, in UTF-16 units. */
const lineMax = 16 * 1024 * 1024;
const openBrace = 0x7b;

/** One JSON object a line; blank lines are passed over. A bad line is an error that names its number. */
export async function* readJsonLines({ name, bytes, hints, limits }: OpenFileOptions): AsyncGenerator<Batch> {
  const head = await bytes.slice(0, 64);
  if (head.find((byte) => byte > 0x20) !== openBrace) throw wrongFormat(name, "JSON lines");
  let rows: unknown[] = [];
  let number = 0;
  for await (const line of linesOf(bytes)) {
    number += 1;
    if (line.trim() === "") continue;
    rows.push(parseLine(line, number));
    if (rows.length < rowsPerBatch) continue;
    yield batchOfRows(rows, hints, limits);
    rows = [];
  }
  if (rows.length > 0) yield batchOfRows(rows, hints, limits);
}

/** Lines of UTF-8 text without their ends. @throws RangeError beyond 16 Mi characters a line */
export async function* linesOf(bytes: AsyncBytes): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunksOf(bytes)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineMax) throw new RangeError(`a line of more than ${lineMax} characters`);
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

export async function* chunksOf(bytes: AsyncBytes): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    yield await bytes.slice(at, Math.min(at + chunkBytes, bytes.byteLength));
  }
}
