import { readFileSync } from "node:fs";
import { createDecoder, type Decoder, type DecoderOptions } from "../../src/decode/decode.ts";
import type { AsyncBytes } from "../../src/decode/file-reader.ts";
import { type Batch, type Column, cellOf } from "../../src/model/batch.ts";
import { DecodeError } from "../../src/model/fault.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";

export type Cell = ReturnType<typeof cellOf>;

interface Options {
  readonly hints?: ReadonlyMap<string, FieldType>;
  readonly format?: DecoderOptions["format"];
  readonly limits?: Partial<Limits>;
}

export function decoderOf({ hints, format = "auto", limits }: Options = {}): Decoder {
  return createDecoder({ hints, format, limits: { ...defaultLimits, ...limits } });
}

/** All cells of a column over all batches. */
export function cellsOf(batches: readonly Batch[], name: string): Cell[] {
  return batches.flatMap((batch) => {
    const column = columnOf([batch], name);
    return Array.from({ length: batch.rows }, (_, row) => cellOf(column, row));
  });
}

export function columnOf(batches: readonly Batch[], name: string): Column {
  const column = batches[0]?.columns.get(name);
  if (column === undefined)
    throw new Error(`no column ${name} among ${[...(batches[0]?.columns.keys() ?? [])].join(", ")}`);
  return column;
}

/** The reason of the DecodeError that `run` throws; anything else that it throws goes on. */
export function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DecodeError) return error.reason;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Bytes as a file, which notes its largest single read. */
export function inMemory(bytes: Uint8Array): AsyncBytes & { largest: number } {
  const source = {
    byteLength: bytes.length,
    largest: 0,
    slice(start: number, end: number): Promise<Uint8Array> {
      source.largest = Math.max(source.largest, end - start);
      return Promise.resolve(bytes.slice(start, end));
    },
  };
  return source;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
}
