/**
 * Makes `clean.arrow` and `incident.arrow`: `node replay-data/tensor-collapse/generate.ts`. The same bytes every time;
 * `test/golden/replay-data.test.ts` makes them again and compares.
 */
import { writeFileSync } from "node:fs";
import {
  Bool,
  type Data,
  type DataType,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  Vector,
} from "apache-arrow";
import {
  appVersions,
  devices,
  embeddingSize,
  type Faults,
  languages,
  modelVersions,
  nodes,
  type Row,
  traffic,
} from "./traffic.ts";

const at = (text: string): number => Date.parse(text);

/** The clock of the incident: Tuesday, 3 March 2026, UTC. */
export const timeline = {
  cleanFrom: at("2026-03-01T00:00:00Z"),
  dayFrom: at("2026-03-03T00:00:00Z"),
  switchAt: at("2026-03-03T04:14:00Z"),
  emptyFrom: at("2026-03-03T04:29:00Z"),
  embeddingsFrom: at("2026-03-03T06:14:00Z"),
  leakTo: at("2026-03-03T07:44:00Z"),
  recoveredAt: at("2026-03-03T08:14:00Z"),
  dayTo: at("2026-03-03T12:00:00Z"),
};

const faults: Faults = {
  fullNames: [timeline.switchAt, timeline.recoveredAt],
  emptyAnswers: [timeline.emptyFrom, timeline.recoveredAt],
  embeddings: [timeline.embeddingsFrom, timeline.recoveredAt],
  leak: [timeline.embeddingsFrom, timeline.leakTo],
};

/** Rows of a record batch: the clean days are read in bulk; the incident comes as a stream does, about once a minute. */
const [cleanBatchRows, incidentBatchRows] = [100, 10];

/** File name → bytes. */
export function generate(): ReadonlyMap<string, Uint8Array> {
  const { cleanFrom, dayFrom, dayTo } = timeline;
  return new Map([
    ["clean.arrow", toArrow(traffic(4092, cleanFrom, dayFrom, undefined), cleanBatchRows)],
    ["incident.arrow", toArrow(traffic(4093, dayFrom, dayTo, faults), incidentBatchRows)],
  ]);
}

interface ColumnMaker {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly make: (rows: readonly Row[]) => Data;
}

const columns: readonly ColumnMaker[] = [
  timestamps("event_time", new TimestampMillisecond("UTC"), (row) => row.eventTime, 1),
  timestamps("received_at", new TimestampMicrosecond("UTC"), (row) => row.received, 1_000),
  timestamps("tensor_ready_at", new TimestampMicrosecond("UTC"), (row) => row.ready, 1_000),
  strings("request_id", (row) => row.requestId),
  codes("model_version", modelVersions, 1, (row) => row.modelVersion),
  codes("node", nodes, 2, (row) => row.node),
  strings("user_location", (row) => row.userLocation),
  codes("device", devices, 3, (row) => row.device),
  codes("app_version", appVersions, 4, (row) => row.appVersion),
  codes("language", languages, 5, (row) => row.language, true),
  numbers("session_seconds", new Float64(), Float64Array, (row) => row.sessionSeconds),
  numbers("cart_value", new Float32(), Float32Array, (row) => row.cartValue, true),
  numbers("price_sensitivity", new Float32(), Float32Array, (row) => row.priceSensitivity),
  numbers("discount_percent", new Int8(), Int8Array, (row) => row.discountPercent),
  numbers("local_temperature", new Int16(), Int16Array, (row) => row.localTemperature),
  numbers("items_seen", new Int32(), Int32Array, (row) => row.itemsSeen),
  {
    name: "account_age_seconds",
    type: new Int64(),
    nullable: false,
    make: (rows) =>
      makeData({
        type: new Int64(),
        data: BigInt64Array.from(rows, (row) => BigInt(row.accountAgeSeconds)),
      }),
  },
  numbers("experiment_bucket", new Uint8(), Uint8Array, (row) => row.experimentBucket),
  numbers("clicks_24h", new Uint16(), Uint16Array, (row) => row.clicks24h),
  numbers("session_number", new Uint32(), Uint32Array, (row) => row.sessionNumber),
  {
    name: "user_key",
    type: new Uint64(),
    nullable: false,
    make: (rows) =>
      makeData({
        type: new Uint64(),
        data: BigUint64Array.from(rows, ({ userKey: [high, low] }) => (BigInt(high) << 32n) | BigInt(low)),
      }),
  },
  bools("is_member", (row) => row.member),
  bools("push_enabled", (row) => row.pushEnabled, true),
  timestamps("last_purchase_at", new TimestampMillisecond("UTC"), (row) => row.lastPurchase, 1, true),
  embeddings("user_embedding"),
  numbers("result_count", new Int32(), Int32Array, (row) => row.resultCount),
  numbers("gpu_memory_gib", new Float32(), Float32Array, (row) => row.gpuMemoryGib),
];

const schema = new Schema(columns.map(({ name, type, nullable }) => new Field(name, type, nullable)));

function toArrow(rows: Iterable<Row>, batchRows: number): Uint8Array {
  const writer = new RecordBatchFileWriter();
  let batch: Row[] = [];
  const flush = (): void => {
    if (batch.length === 0) return;
    const children = columns.map(({ make }) => make(batch));
    const data = makeData({ type: new Struct(schema.fields), length: batch.length, nullCount: 0, children });
    writer.write(new RecordBatch(schema, data));
    batch = [];
  };
  for (const row of rows) {
    batch.push(row);
    if (batch.length === batchRows) flush();
  }
  flush();
  writer.finish();
  return writer.toUint8Array(true);
}

type NumberArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

function numbers(
  name: string,
  type: DataType,
  Values: new (length: number) => NumberArray,
  of: (row: Row) => number | null,
  nullable = false,
): ColumnMaker {
  const make = (rows: readonly Row[]): Data => {
    const data = new Values(rows.length);
    for (const [index, row] of rows.entries()) data[index] = of(row) ?? 0;
    return makeData({ type, data, length: rows.length, ...validity(rows, of, nullable) } as never);
  };
  return { name, type, nullable, make };
}

function timestamps(
  name: string,
  type: TimestampMillisecond | TimestampMicrosecond,
  of: (row: Row) => number | null,
  perMs: number,
  nullable = false,
): ColumnMaker {
  const make = (rows: readonly Row[]): Data => {
    const data = BigInt64Array.from(rows, (row) => BigInt(Math.round((of(row) ?? 0) * perMs)));
    return makeData({ type, data, length: rows.length, ...validity(rows, of, nullable) } as never);
  };
  return { name, type, nullable, make };
}

function strings(name: string, of: (row: Row) => string): ColumnMaker {
  const type = new Utf8();
  const make = (rows: readonly Row[]): Data => {
    const encoded = rows.map((row) => new TextEncoder().encode(of(row)));
    const valueOffsets = new Int32Array(rows.length + 1);
    for (const [index, bytes] of encoded.entries())
      valueOffsets[index + 1] = (valueOffsets[index] as number) + bytes.length;
    const data = new Uint8Array(valueOffsets.at(-1) as number);
    for (const [index, bytes] of encoded.entries()) data.set(bytes, valueOffsets[index]);
    return makeData({ type, valueOffsets, data, length: rows.length, nullCount: 0 });
  };
  return { name, type, nullable: false, make };
}

/** Dictionary-encoded strings; the id is given, because a counter would differ from one call of `generate` to the next. */
function codes(
  name: string,
  values: readonly string[],
  id: number,
  of: (row: Row) => number | null,
  nullable = false,
): ColumnMaker {
  const type = new Dictionary(new Utf8(), new Int8(), id);
  const bytes = new TextEncoder().encode(values.join(""));
  const valueOffsets = Int32Array.from([
    0,
    ...values.map((_, index) => values.slice(0, index + 1).join("").length),
  ]);
  const dictionary = new Vector([
    makeData({ type: new Utf8(), valueOffsets, data: bytes, length: values.length, nullCount: 0 }),
  ]);
  const make = (rows: readonly Row[]): Data => {
    const data = Int8Array.from(rows, (row) => of(row) ?? 0);
    return makeData({ type, data, dictionary, length: rows.length, ...validity(rows, of, nullable) });
  };
  return { name, type, nullable, make };
}

function bools(name: string, of: (row: Row) => boolean | null, nullable = false): ColumnMaker {
  const type = new Bool();
  const make = (rows: readonly Row[]): Data => {
    const data = bits(rows, (row) => of(row) === true);
    return makeData({ type, data, length: rows.length, ...validity(rows, of, nullable) });
  };
  return { name, type, nullable, make };
}

function embeddings(name: string): ColumnMaker {
  const item = new Field("item", new Float32(), false);
  const type = new FixedSizeList(embeddingSize, item);
  const make = (rows: readonly Row[]): Data => {
    const data = new Float32Array(rows.length * embeddingSize);
    for (const [index, row] of rows.entries()) data.set(row.embedding, index * embeddingSize);
    const child = makeData({ type: new Float32(), data, length: data.length, nullCount: 0 });
    return makeData({ type, child, length: rows.length, nullCount: 0 });
  };
  return { name, type, nullable: false, make };
}

function validity(
  rows: readonly Row[],
  of: (row: Row) => unknown,
  nullable: boolean,
): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = nullable ? rows.filter((row) => of(row) === null).length : 0;
  return nullCount === 0 ? { nullCount } : { nullCount, nullBitmap: bits(rows, (row) => of(row) !== null) };
}

function bits(rows: readonly Row[], of: (row: Row) => boolean): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(rows.length / 8));
  for (const [index, row] of rows.entries())
    if (of(row)) bytes[index >> 3] = (bytes[index >> 3] as number) | (1 << (index & 7));
  return bytes;
}

if (import.meta.main) {
  for (const [name, bytes] of generate()) {
    writeFileSync(new URL(name, import.meta.url), bytes);
    console.log(`${name}: ${bytes.length} bytes`);
  }
}
