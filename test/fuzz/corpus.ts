import { readFileSync } from "node:fs";
import { type RecordBatch, RecordBatchReader, Type } from "apache-arrow";
import avsc, { type Schema } from "avsc";
import { frameAt } from "../../src/decode/arrow-message.ts";
import { createDecoder } from "../../src/decode/decode.ts";
import { openFile } from "../../src/decode/file.ts";
import type { Envelope } from "../../src/decode/table.ts";
import { type Batch, type Column, cellOf } from "../../src/model/batch.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";
import { byteMutators, jsonMutators, type Mutator, parquetMutators } from "./mutate.ts";

/** A real message, what may happen to it, and who else can read it. */
export interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mutators: readonly (readonly [string, Mutator])[];
  /** A reader with memory of its own (schemas, dictionaries), for many messages. */
  readonly open: () => (bytes: Uint8Array) => readonly Batch[] | Promise<readonly Batch[]>;
  /** Says how an accepted message was read wrongly, by another reader's word; `undefined` when that one agrees or cannot tell. */
  readonly disagrees?: (bytes: Uint8Array, batches: readonly Batch[]) => string | undefined;
}

/** Small, so that a bound that is passed shows itself. */
export const limits: Limits = { ...defaultLimits, decodedBytes: 4 * 1024 * 1024, rowsPerBatch: 100_000 };

const bare: Envelope = { headers: new Map(), schema: undefined };
const onBytes = Object.entries(byteMutators);
const onJson = [...onBytes.slice(0, 3), ...onBytes.slice(7, 9), ...Object.entries(jsonMutators)];

function opener(
  hints: ReadonlyMap<string, FieldType> | undefined,
  envelope: Envelope = bare,
): Subject["open"] {
  return () => {
    const decoder = createDecoder({ hints, format: "auto", limits });
    return (bytes) => decoder.decode(bytes, envelope);
  };
}

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../decode/fixtures/${name}`, import.meta.url)));

const arrow: readonly Subject[] = [
  "types.arrows",
  "bulk-plain.arrows",
  "bulk-lz4.arrows",
  "bulk-zstd.arrows",
  "bulk.arrow",
  "bulk.feather",
  "delta.arrows",
  "replaced.arrows",
  "feast.arrows",
].map((name) => {
  const original = fixture(name);
  const subject: Subject = { name, bytes: original, mutators: onBytes, open: opener(undefined) };
  if (!/plain|bulk\.arrow|delta|replaced|feast/.test(name)) return subject;
  const framing = framingOf(original);
  return {
    ...subject,
    disagrees: (bytes, batches) =>
      bytes.length === original.length && framing.every((at) => bytes[at] === original[at])
        ? arrowDisagrees(bytes, batches)
        : undefined,
  };
});

const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const row = (index: number): object => ({
  n: index / 4,
  id: 2 ** 40 + index,
  country: ["US", "GB", null][index % 3],
  "a.b": index,
  user: { age: index, tags: [1, 2.5, index] },
  ok: index % 2 === 0,
  at: "2026-03-03T04:14:00.123Z",
});
const rows = Array.from({ length: 12 }, (_, index) => row(index));
const hints = new Map<string, FieldType>([
  ["n", "float64"],
  ["id", "int64"],
  ["country", "string"],
  ["user.age", "int32"],
  ["user.tags", "embedding"],
  ["ok", "bool"],
  ["at", "timestamp"],
]);
const event = {
  specversion: "1.0",
  id: "e",
  source: "/s",
  type: "t",
  time: "2026-03-03T04:14:00Z",
  data: rows,
};

const json: readonly Subject[] = [
  { name: "JSON array", bytes: encode(rows), hints },
  { name: "JSON lines", bytes: encode(rows.map((each) => JSON.stringify(each)).join("\n")), hints },
  { name: "JSON object, inferred", bytes: encode(row(1)), hints: undefined },
  { name: "JSON array, inferred", bytes: encode(rows), hints: undefined },
].map(({ name, bytes, hints: wanted }) => ({
  name,
  bytes,
  mutators: onJson,
  open: opener(wanted),
  disagrees: jsonDisagrees,
}));

const events: readonly Subject[] = [
  { name: "CloudEvent", bytes: encode(event), mutators: onJson, open: opener(undefined) },
  {
    name: "CloudEvent of Arrow",
    bytes: encode({
      ...event,
      data: undefined,
      datacontenttype: "application/vnd.apache.arrow.stream",
      data_base64: Buffer.from(fixture("delta.arrows")).toString("base64"),
    }),
    mutators: onJson,
    open: opener(undefined),
  },
  {
    name: "CloudEvent in binary mode",
    bytes: fixture("bulk-lz4.arrows"),
    mutators: onBytes,
    open: opener(undefined, {
      headers: new Map([
        ["ce_specversion", "1.0"],
        ["ce_id", "e"],
      ]),
      schema: undefined,
    }),
  },
];

const inner = {
  type: "record",
  name: "Inner",
  fields: [
    { name: "x", type: "double" },
    { name: "next", type: ["null", "Inner"] },
  ],
};
const avroSchema = {
  type: "array",
  items: {
    type: "record",
    name: "Row",
    fields: [
      { name: "n", type: "double" },
      { name: "i", type: "int" },
      { name: "country", type: ["null", "string"] },
      { name: "code", type: { type: "enum", name: "Code", symbols: ["A", "B", "C"] } },
      { name: "tags", type: { type: "array", items: "float" } },
      { name: "ok", type: "boolean" },
      { name: "inner", type: ["null", inner] },
      { name: "more", type: { type: "map", values: ["null", "string", { type: "array", items: "null" }] } },
      { name: "raw", type: { type: "fixed", name: "Raw", size: 3 } },
    ],
  },
};
const avroType = avsc.Type.forSchema(avroSchema as Schema, { wrapUnions: true });
const avroRows = Array.from({ length: 12 }, (_, index) => ({
  n: index / 4,
  i: index - 6,
  country: index % 3 === 0 ? null : { string: "US" },
  code: "ABC"[index % 3],
  tags: [1, 2.5, index],
  ok: index % 2 === 0,
  inner: index % 4 === 0 ? null : { Inner: { x: 1, next: { Inner: { x: 2, next: null } } } },
  more: { a: null, b: { string: "text" }, c: { array: [null, null] } },
  raw: Buffer.of(1, 2, index),
}));
const avro: readonly Subject[] = [
  {
    name: "Avro",
    bytes: Uint8Array.of(0, 0, 0, 0, 7, ...avroType.toBuffer(avroRows)),
    mutators: onBytes,
    open: opener(undefined, {
      headers: new Map(),
      schema: {
        kind: "found",
        name: "schema id 7",
        type: "AVRO",
        text: JSON.stringify(avroSchema),
        references: [],
        framing: "prefix",
      },
    }),
    disagrees: avroDisagrees,
  },
];

/** Files, which are read in slices. */
const files: readonly Subject[] = [
  "types.parquet",
  "v2.parquet",
  "bulk-snappy.parquet",
  "edges-1.parquet",
  "edges-2.parquet",
  "edges-3.parquet",
  "bulk.feather",
].map((name) => ({
  name: `file ${name}`,
  bytes: fixture(name),
  mutators: [...onBytes, ...Object.entries(parquetMutators)],
  open: () => async (bytes: Uint8Array) => {
    const source = {
      byteLength: bytes.length,
      slice: (start: number, end: number) => Promise.resolve(bytes.slice(start, Math.min(end, bytes.length))),
    };
    const batches: Batch[] = [];
    for await (const batch of openFile({ name, bytes: source, hints: undefined, limits })) {
      batches.push(batch);
      if (batches.length > 200) break; // a file may be as long as it is
    }
    return batches;
  },
}));

export const corpus: readonly Subject[] = [...arrow, ...json, ...events, ...avro, ...files];

/** Every cell, so that an offset or index out of range shows itself; a number for a cell must be there. */
export function readEveryCell({ rows: count, columns }: Batch): readonly unknown[] {
  const cells: unknown[] = [];
  for (const [name, column] of columns) {
    if (column.rows !== count) throw new Error(`column ${name} of ${column.rows} rows in ${count}`);
    let nulls = 0;
    for (let index = 0; index < count; index++) {
      const cell = cellOf(column, index);
      if (cell === undefined) throw new Error(`column ${name}, row ${index}: no value`);
      if (Array.isArray(cell) && cell.includes(undefined))
        throw new Error(`column ${name}, row ${index}: a hole`);
      if (column.kind === "list" && cell !== null && (cell as number[]).length !== lengthOf(column, index))
        throw new Error(`column ${name}, row ${index}: a list that is cut`);
      if (cell === null) nulls += 1;
      if (count < 1_000) cells.push(cell);
    }
    checkRanges(name, column);
    const hidesNulls = column.kind === "unsupported" || column.kind === "dictionary";
    if (!hidesNulls && nulls !== column.nullCount)
      throw new Error(`column ${name}: ${nulls} nulls, ${column.nullCount} told`);
  }
  return cells;
}

function lengthOf(
  column: { offsets: Int32Array | undefined; size: number | undefined },
  index: number,
): number {
  if (column.offsets === undefined) return column.size ?? 0;
  return (column.offsets[index + 1] as number) - (column.offsets[index] as number);
}

/** Offsets and values, those of null rows too: hot loops read them without a look at the bitmap. */
function checkRanges(name: string, column: Column): void {
  if (column.kind === "dictionary") checkRanges(`${name}'s dictionary`, column.dictionary);
  const wrong = (what: string): never => {
    throw new Error(`column ${name}: ${what}`);
  };
  if (column.kind === "numeric" && column.values.length < column.rows) wrong("fewer values than rows");
  if ((column.kind === "int64" || column.kind === "timestamp") && column.words.length < 2 * column.rows)
    wrong("fewer words than rows");
  if (column.validity !== undefined && 8 * column.validity.length < column.validityOffset + column.rows)
    wrong("fewer validity bits than rows");
  if (column.kind !== "utf8" && column.kind !== "list") return;
  const { offsets } = column;
  const end = column.kind === "utf8" ? column.bytes.length : column.child.values.length;
  if (offsets === undefined) {
    if (column.kind === "list" && column.rows * (column.size ?? 0) > end) wrong("fewer items than rows have");
    return;
  }
  for (let index = 0; index <= column.rows; index++) {
    const offset = offsets[index];
    if (offset === undefined || offset < 0 || offset > end) wrong(`offset ${offset} of ${end}`);
    if (index > 0 && (offset as number) < (offsets[index - 1] as number)) wrong("offsets that go back");
  }
}

/** Where the bytes are that no buffer holds: lengths, metadata, a file's footer. */
function framingOf(bytes: Uint8Array): readonly number[] {
  const bodies: Uint8Array[] = [];
  let at = bytes[0] === 0xff ? 0 : 8; // a file's magic, padded
  for (let framed = frameAt(bytes, at); framed !== undefined; framed = frameAt(bytes, at)) {
    bodies.push(framed.body);
    at = framed.end;
    if (at + 8 > bytes.length) break;
  }
  const inBody = new Uint8Array(bytes.length);
  for (const body of bodies)
    inBody.fill(1, body.byteOffset - bytes.byteOffset, body.byteOffset - bytes.byteOffset + body.length);
  return [...inBody.keys()].filter((index) => inBody[index] === 0);
}

/**
 * Cells that apache-arrow reads otherwise. It checks no offset and no index and hangs on a strange framing, so it is asked only
 * what we accept, and only where the framing is as it was.
 */
function arrowDisagrees(bytes: Uint8Array, batches: readonly Batch[]): string | undefined {
  let theirs: readonly RecordBatch[];
  try {
    theirs = [...RecordBatchReader.from(bytes)];
  } catch {
    return undefined; // it refuses what is no error: trailing zeros, several streams, unknown dictionaries
  }
  if (theirs.length !== batches.length) return undefined; // several streams behind one another
  for (const [index, batch] of batches.entries()) {
    const other = theirs[index];
    if (other === undefined || other.numRows !== batch.rows)
      return `batch ${index}: ${other?.numRows} rows by apache-arrow`;
    for (const [place, field] of other.schema.fields.entries()) {
      const column = batch.columns.get(field.name);
      const plain = [Type.Int, Type.Float, Type.Utf8].includes(field.typeId) && field.type.bitWidth !== 64;
      if (
        !plain ||
        column === undefined ||
        other.schema.fields.findIndex(({ name }) => name === field.name) !== place
      )
        continue;
      const vector = other.getChildAt(place);
      for (let at = 0; at < batch.rows; at++) {
        const [ours, wanted] = [cellOf(column, at), vector?.get(at) as unknown];
        if (field.typeId === Type.Float && field.type.precision === 0) continue; // halves come as bits
        if (!Object.is(ours, wanted) && ours !== wanted)
          return `batch ${index}, ${field.name}, row ${at}: ${String(ours)} (${column.declared}), ${String(wanted)} (${field.type}) by apache-arrow`;
      }
    }
  }
  return undefined;
}

function jsonDisagrees(bytes: Uint8Array, batches: readonly Batch[]): string | undefined {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    values = text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [JSON.parse(line)]));
  }
  const wanted = Array.isArray(values) ? values : [values];
  const [batch] = batches;
  if (batches.length !== 1 || batch === undefined || batch.rows !== wanted.length)
    return `${batch?.rows} rows of ${wanted.length}`;
  const column = batch.columns.get("n");
  if (column === undefined || column.kind === "unsupported") return undefined;
  for (const [at, value] of wanted.entries()) {
    const cell = cellOf(column, at);
    const own = (value as Record<string, unknown>)["n"];
    // An integer beyond 2^53 keeps its digits, as a text.
    const told = typeof own === "number" && typeof cell === "string" ? Number(cell) : cell;
    const same = typeof own !== "number" || told === own || cell === null;
    if (
      !same ||
      (typeof own === "string" &&
        typeof cell === "number" &&
        Number.isFinite(cell) &&
        column.kind === "numeric")
    )
      return `row ${at}: ${JSON.stringify(cell)} for ${JSON.stringify(own)}`;
  }
  return undefined;
}

function avroDisagrees(bytes: Uint8Array, batches: readonly Batch[]): string | undefined {
  let wanted: readonly (typeof avroRows)[number][];
  try {
    wanted = avroType.fromBuffer(Buffer.from(bytes.subarray(5)));
  } catch (error) {
    // It takes no count or size beyond 2^53 and no map with a key twice.
    return /2\^53|lossy|precision/.test(String(error))
      ? undefined
      : `accepted, and avsc says ${String(error)}`;
  }
  const [batch] = batches;
  if (batch?.rows !== wanted.length) return `${batch?.rows} rows, ${wanted.length} by avsc`;
  for (const name of ["n", "i", "code", "ok", "tags"] as const) {
    const column = batch.columns.get(name);
    for (const [at, each] of wanted.entries()) {
      const [ours, theirs] = [column === undefined ? undefined : cellOf(column, at), each[name]];
      if (JSON.stringify(ours) !== JSON.stringify(theirs))
        return `${name}, row ${at}: ${ours}, ${theirs} by avsc`;
    }
  }
  return undefined;
}
