import {
  type DataType,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  Vector,
} from "apache-arrow";
import type { FeatureView, FieldSpec } from "../src/model/feature-view.ts";

/** A seeded generator (mulberry32): the same workload every time. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Distinct values of the four string columns. */
const stringDistinct = [200, 5, 500_000, 10_000] as const;
export const dataColumns = 20;

/**
 * The workload of every figure: 12 float64 with 1% nulls, 4 int32, 4 strings of 200, 5, 500,000 and 10,000 distinct values,
 * and the event time, one millisecond a row.
 */
export function makeBatch(rows: number, seed: number, startMs: number): RecordBatch {
  const random = createRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const columns: { name: string; type: DataType; vector: Vector }[] = [];
  const times = BigInt64Array.from({ length: rows }, (_, row) => BigInt(startMs + row));
  columns.push(
    column(
      "event_time",
      new TimestampMillisecond("UTC"),
      makeData({ type: new TimestampMillisecond("UTC"), length: rows, data: times }),
    ),
  );
  for (let c = 0; c < 12; c++) {
    const values = Float64Array.from({ length: rows }, () => 100 * c + normal() * (c + 1));
    const bitmap = new Uint8Array(Math.ceil(rows / 8)).fill(0xff);
    let nullCount = 0;
    for (let row = 0; row < rows; row++) {
      if (random() >= 0.01) continue;
      bitmap[row >> 3] = (bitmap[row >> 3] as number) & ~(1 << (row & 7));
      nullCount += 1;
    }
    columns.push(
      column(
        `f${c}`,
        new Float64(),
        makeData({ type: new Float64(), length: rows, data: values, nullBitmap: bitmap, nullCount }),
      ),
    );
  }
  for (let c = 0; c < 4; c++) {
    const values = Int32Array.from({ length: rows }, () => Math.floor(random() * 10 ** (c + 2)));
    columns.push(column(`i${c}`, new Int32(), makeData({ type: new Int32(), length: rows, data: values })));
  }
  stringDistinct.forEach((distinct, c) => {
    const texts = Array.from({ length: rows }, () => `value-${Math.floor(random() * distinct)}`);
    columns.push(column(`s${c}`, new Utf8(), utf8Data(texts)));
  });
  const schema = new Schema(columns.map(({ name, type }) => new Field(name, type, true)));
  const children = columns.map(({ vector }) => vector.data[0]);
  const data = makeData({ type: new Struct(schema.fields), length: rows, children: children as never });
  return new RecordBatch(schema, data as never);
}

function column(
  name: string,
  type: DataType,
  data: unknown,
): { name: string; type: DataType; vector: Vector } {
  return { name, type, vector: new Vector([data as never]) };
}

function utf8Data(texts: readonly string[]): unknown {
  const bytes = new TextEncoder().encode(texts.join(""));
  const valueOffsets = new Int32Array(texts.length + 1);
  texts.forEach((text, row) => {
    valueOffsets[row + 1] = (valueOffsets[row] as number) + text.length; // ASCII: a character is a byte
  });
  return makeData({ type: new Utf8(), length: texts.length, valueOffsets, data: bytes });
}

export function toStream(batches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/** The 20 columns as a feature view without rules: profiling alone. */
export function workloadView(topic: string | undefined): FeatureView {
  const drift = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" } as const;
  const field = (name: string, type: FieldSpec["type"]): FieldSpec => ({
    name,
    type,
    nullable: true,
    mapping: undefined,
    pattern: undefined,
    range: undefined,
    finite: false,
    max: undefined,
    taints: undefined,
    limit: undefined,
    trendWarnBeforeMs: undefined,
    maxEmptyRate: undefined,
    dimensions: undefined,
    derive: undefined,
    drift,
  });
  const named = (prefix: string, count: number, type: FieldSpec["type"]): FieldSpec[] =>
    Array.from({ length: count }, (_, index) => field(`${prefix}${index}`, type));
  return {
    name: "workload",
    version: 1,
    owner: undefined,
    models: [],
    source: { topic, format: "arrow", eventTime: "event_time", requestId: undefined },
    window: { sizeMs: 60_000, latenessMs: 30_000, minRows: 50 },
    segments: [],
    fields: [...named("f", 12, "float64"), ...named("i", 4, "int32"), ...named("s", 4, "string")],
    drift,
    breaker: { openAfter: 1, closeAfter: 3, minRows: 50 },
    fingerprint: "sha256:workload",
  };
}
