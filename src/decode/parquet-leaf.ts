import { crc32 } from "node:zlib";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import type { AsyncBytes } from "./file-reader.ts";
import { readHybrid } from "./parquet-bits.ts";
import type { Run } from "./parquet-columns.ts";
import type { Codec, ColumnChunk, SchemaElement } from "./parquet-metadata.ts";
import { intOf, readThrift, structOf, type ThriftStruct } from "./parquet-thrift.ts";
import { readDictionary, readValues, type Values } from "./parquet-values.ts";
import { readAhead } from "./read-ahead.ts";

/** A leaf of the schema and the levels that say what of it is there. */
export interface LeafPath {
  readonly path: readonly string[];
  readonly element: SchemaElement;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  /** From this level on the column's cell is not null (a list: at least empty). */
  readonly present: number;
  /** From this level on a list has an item. */
  readonly item: number;
}

type Inflate = (bytes: Uint8Array, length: number) => Uint8Array;

/** By codec: bytes and how many they become. */
export type Inflaters = Readonly<Partial<Record<Codec, Inflate | undefined>>>;

/** What its cells are: values, lists of values, or only whether there is anything. */
export type CellForm = "value" | "list" | "presence";

/** One column chunk, read page by page. */
export interface LeafReader {
  /** The next `rows` rows. @throws DecodeError when there are fewer */
  take(rows: number): Promise<Run[]>;
}

export interface LeafOptions {
  readonly file: AsyncBytes;
  readonly leaf: LeafPath;
  readonly form: CellForm;
  readonly chunk: ColumnChunk;
  readonly inflate: Inflaters;
  readonly limits: Limits;
}

const headerBytes = [16 * 1024, 4 * 1024 * 1024] as const;
const pageTypes = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;

export function openLeaf(options: LeafOptions): LeafReader {
  const { file, leaf, chunk } = options;
  const { start, end } = rangeOf(chunk, file.byteLength);
  const bytes = readAhead({ byteLength: end, slice: (from, to) => file.slice(from, to) });
  const waiting: { readonly cells: ArrayLike<unknown>; from: number }[] = [];
  let at = start;
  let dictionary: Values | undefined;
  let row: unknown[] | null | undefined; // a list that the next page may go on with

  /** Reads one page; its rows wait. False at the chunk's end. */
  const readPage = async (): Promise<boolean> => {
    if (at >= end) {
      if (row === undefined) return false;
      waiting.push({ cells: [row], from: 0 });
      row = undefined;
      return true;
    }
    const header = await readHeader(bytes, at, end);
    const size = intOf(header.value, 3) ?? -1;
    const body = at + header.length;
    if (!(size >= 0 && size <= end - body))
      throw new DecodeError("truncated", `a Parquet page of ${size} bytes at byte ${body} of ${end}`);
    at = body + size;
    const page = await bytes.slice(body, at);
    const crc = intOf(header.value, 4);
    if (crc !== undefined && crc32(page) !== crc >>> 0)
      throw new DecodeError("malformed", `a Parquet page at byte ${body} that its checksum denies`);
    switch (intOf(header.value, 1)) {
      case pageTypes.dictionary:
        dictionary = dictionaryOf(header.value, page, options);
        return true;
      case pageTypes.data:
      case pageTypes.dataV2: {
        const content = contentOf(header.value, page, dictionary, options);
        if (leaf.maxRepetition === 0) waiting.push({ cells: flatCells(content, options), from: 0 });
        else row = listCells(content, options, row, (cells) => waiting.push({ cells, from: 0 }));
        return true;
      }
      default:
        return true; // an index page
    }
  };

  return {
    async take(rows) {
      const runs: Run[] = [];
      for (let filled = 0; filled < rows; ) {
        const first = waiting[0];
        if (first === undefined) {
          if (!(await readPage()))
            throw new DecodeError(
              "malformed",
              `Parquet column "${leaf.path.join(".")}" lacks ${rows - filled} rows`,
            );
          continue;
        }
        runs.push({ cells: first.cells, start: filled - first.from });
        const there = first.cells.length - first.from;
        if (there > rows - filled) first.from += rows - filled;
        else waiting.shift();
        filled += there;
      }
      return runs;
    },
  };
}

function rangeOf(chunk: ColumnChunk, size: number): { start: number; end: number } {
  const { dataOffset: data, dictionaryOffset: dictionary } = chunk;
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const end = start + chunk.bytes;
  if (!(start >= 0 && end >= start && end <= size))
    throw new DecodeError("truncated", `a Parquet column at bytes ${start} to ${end} of ${size}`);
  return { start, end };
}

async function readHeader(
  bytes: AsyncBytes,
  at: number,
  end: number,
): Promise<{ readonly value: ThriftStruct; readonly length: number }> {
  for (const most of headerBytes) {
    const part = await bytes.slice(at, Math.min(end, at + most));
    try {
      const { value, end: length } = readThrift(part, 0);
      return { value, length };
    } catch (error) {
      const cut = error instanceof DecodeError && error.reason !== "limit" && part.length === most;
      if (!cut) throw error; // else statistics make it longer than headers are
    }
  }
  throw new DecodeError("limit", `a Parquet page header of more than ${headerBytes[1]} bytes`);
}

interface Content {
  readonly definitions: Int32Array | undefined;
  readonly repetitions: Int32Array | undefined;
  /** Levels, or values where there are no levels. */
  readonly count: number;
  readonly values: Values;
}

/** A count that the page's header tells, bounded by what its values will take. */
function countOf(struct: ThriftStruct | undefined, field: number, limits: Limits): number {
  const count = intOf(struct, field) ?? -1;
  if (!(count >= 0)) throw new DecodeError("malformed", `a Parquet page of ${count} values`);
  if (8 * count > limits.decodedBytes) throw new DecodeError("limit", `a Parquet page of ${count} values`);
  return count;
}

function inflated(page: Uint8Array, length: number, { chunk, inflate, limits }: LeafOptions): Uint8Array {
  if (!(length >= 0)) throw new DecodeError("malformed", `a Parquet page of ${length} bytes`);
  if (length > limits.decodedBytes) throw new DecodeError("limit", `a Parquet page of ${length} bytes`);
  const { codec } = chunk;
  const own = inflate[codec];
  if (codec !== "UNCOMPRESSED" && own === undefined)
    throw new DecodeError("compression", `Parquet codec ${codec}`);
  const bytes = own === undefined ? page : inflateWith(own, codec, page, length);
  if (bytes.length !== length)
    throw new DecodeError("compression", `a Parquet page of ${bytes.length} bytes, ${length} declared`);
  // A plain array: a Buffer's own methods are others.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function inflateWith(own: Inflate, codec: Codec, page: Uint8Array, length: number): Uint8Array {
  try {
    return own(page, length);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DecodeError("compression", `Parquet page of ${codec}: ${message}`, { cause });
  }
}

function dictionaryOf(header: ThriftStruct, page: Uint8Array, options: LeafOptions): Values {
  const count = countOf(structOf(header, 7), 1, options.limits);
  return readDictionary(inflated(page, intOf(header, 2) ?? -1, options), options.leaf.element, count);
}

function contentOf(
  header: ThriftStruct,
  page: Uint8Array,
  dictionary: Values | undefined,
  options: LeafOptions,
): Content {
  const { leaf, limits } = options;
  const { maxDefinition, maxRepetition, element } = leaf;
  const second = structOf(header, 8);
  const own = second ?? structOf(header, 5);
  const count = countOf(own, 1, limits);
  const encoding = intOf(own, second === undefined ? 2 : 4) ?? -1;
  const length = intOf(header, 2) ?? -1;
  const levels = (part: Uint8Array, most: number): Int32Array => {
    const read = readHybrid(part, 32 - Math.clz32(most), count);
    for (const level of read)
      if (level < 0 || level > most)
        throw new DecodeError("malformed", `level ${level} of ${most} in a Parquet page`);
    return read;
  };
  let rest: Uint8Array;
  let [repetitions, definitions]: (Int32Array | undefined)[] = [];
  if (second === undefined) {
    rest = inflated(page, length, options);
    const next = (most: number, coding: number | undefined): Int32Array | undefined => {
      if (most === 0) return undefined;
      if (coding !== 3) throw new DecodeError("format", `Parquet levels of encoding ${coding}`);
      if (rest.length < 4) throw new DecodeError("truncated", "a Parquet page without its levels");
      const size = new DataView(rest.buffer, rest.byteOffset, 4).getUint32(0, true);
      if (size > rest.length - 4)
        throw new DecodeError("truncated", `Parquet levels of ${size} bytes in ${rest.length - 4}`);
      const read = levels(rest.subarray(4, 4 + size), most);
      rest = rest.subarray(4 + size);
      return read;
    };
    repetitions = next(maxRepetition, intOf(own, 4));
    definitions = next(maxDefinition, intOf(own, 3));
  } else {
    const [definitionBytes, repetitionBytes] = [intOf(own, 5) ?? 0, intOf(own, 6) ?? 0];
    const before = definitionBytes + repetitionBytes;
    if (!(definitionBytes >= 0 && repetitionBytes >= 0 && before <= page.length && before <= length))
      throw new DecodeError("truncated", `Parquet levels of ${before} bytes in a page of ${page.length}`);
    if (maxRepetition > 0) repetitions = levels(page.subarray(0, repetitionBytes), maxRepetition);
    if (maxDefinition > 0) definitions = levels(page.subarray(repetitionBytes, before), maxDefinition);
    const packed = page.subarray(before);
    rest = second.get(7) === false ? packed : inflated(packed, length - before, options);
  }
  let there = count;
  if (definitions !== undefined) for (const level of definitions) if (level < maxDefinition) there -= 1;
  let budget = limits.decodedBytes;
  const claim = (bytes: number): void => {
    budget -= bytes;
    if (budget < 0) throw new DecodeError("limit", "a Parquet page that decodes to more than allowed");
  };
  const values = readValues(rest, { element, encoding, count: there, dictionary, claim });
  return { definitions, repetitions, count, values };
}

function flatCells({ definitions, count, values }: Content, { leaf, form }: LeafOptions): ArrayLike<unknown> {
  if (form === "presence") {
    return Array.from(
      { length: count },
      (_, row) => (definitions?.[row] ?? leaf.present) >= leaf.present || null,
    );
  }
  if (definitions === undefined || values.length === count) return values;
  const cells = new Array<unknown>(count);
  let next = 0;
  for (let row = 0; row < count; row++)
    cells[row] = definitions[row] === leaf.maxDefinition ? values[next++] : null;
  return cells;
}

/** Whole rows go to `push`; the last one may go on in the next page and comes back. */
function listCells(
  { definitions, repetitions, count, values }: Content,
  { leaf, form }: LeafOptions,
  open: unknown[] | null | undefined,
  push: (cells: unknown[]) => void,
): unknown[] | null | undefined {
  const { present, item, maxDefinition } = leaf;
  const rows: unknown[] = [];
  let row = open;
  let next = 0;
  for (let index = 0; index < count; index++) {
    const definition = definitions?.[index] ?? maxDefinition;
    if ((repetitions?.[index] ?? 0) === 0) {
      if (row !== undefined) rows.push(row);
      row = definition >= present ? [] : null;
    }
    if (row === undefined) throw new DecodeError("malformed", "a Parquet list that goes on before it begins");
    const value = definition === maxDefinition ? values[next++] : null;
    if (definition >= item && form === "list") {
      if (row === null) throw new DecodeError("malformed", "an item in a Parquet list that is null");
      row.push(value);
    }
  }
  push(rows);
  return row;
}
