import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import {
  CompressionType,
  compressionRegistry,
  type RecordBatch,
  RecordBatchStreamWriter,
  tableFromIPC,
} from "apache-arrow";
import { compressFrameSync, decompressFrameSync } from "lz4-napi";
import { broker, createTopic } from "../services/services.ts";
import {
  assertConserved,
  incidentFile,
  produce,
  scratch,
  specsWithTopic,
  startTidemark,
  streamOf,
} from "./support.ts";

const view = "reco_user";
const batches = tableFromIPC(readFileSync(incidentFile)).batches.slice(0, 6);
const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);

const view8 = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
compressionRegistry.set(CompressionType.LZ4_FRAME, {
  encode: (bytes) => view8(compressFrameSync(Buffer.from(bytes))),
  decode: (bytes) => view8(decompressFrameSync(Buffer.from(bytes))),
});
compressionRegistry.set(CompressionType.ZSTD, {
  encode: (bytes) => view8(zstdCompressSync(bytes)),
  decode: (bytes) => view8(zstdDecompressSync(bytes)),
});

function compressed(some: readonly RecordBatch[], compressionType: CompressionType): Uint8Array {
  const writer = new RecordBatchStreamWriter({ compressionType });
  for (const batch of some) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/** A row as a JSON producer writes it: times in ISO 8601, what Arrow calls a vector as an array. */
function rowsAsJson(batch: RecordBatch): object[] {
  return batch
    .toArray()
    .map((row: { toJSON(): Record<string, unknown> }) =>
      Object.fromEntries(
        Object.entries(row.toJSON()).map(([name, value]) => [name, cellAsJson(name, value)]),
      ),
    );
}

function cellAsJson(name: string, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (/_at$|event_time/.test(name)) return new Date(Number(value)).toISOString();
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "object") return Array.from(value as Iterable<number>, Number);
  return value;
}

/** The same rows in every form that a producer may choose. */
const forms: Readonly<Record<string, readonly Uint8Array[]>> = {
  "Arrow, a batch a message": batches.map((batch) => streamOf([batch])),
  "Arrow, several batches a message": [streamOf(batches)],
  "Arrow, LZ4 bodies": [compressed(batches, CompressionType.LZ4_FRAME)],
  "Arrow, ZSTD bodies": [compressed(batches, CompressionType.ZSTD)],
  "JSON, an array a message": batches.map((batch) => Buffer.from(JSON.stringify(rowsAsJson(batch)))),
  "JSON, lines": batches.map((batch) =>
    Buffer.from(
      rowsAsJson(batch)
        .map((row) => JSON.stringify(row))
        .join("\n"),
    ),
  ),
  "JSON, a row a message": batches
    .slice(0, 2)
    .flatMap((batch) => rowsAsJson(batch).map((row) => Buffer.from(JSON.stringify(row)))),
};
const rowsOfForm = (name: string): number =>
  name === "JSON, a row a message"
    ? batches.slice(0, 2).reduce((sum, { numRows }) => sum + numRows, 0)
    : rows;

describe("what producers send", () => {
  it("is read in every form, under every compression of Kafka, without being told which", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "formats", { partitions: 5 });
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
    });
    let sent = 0;
    // a partition each: what comes later on one partition would be late after the end of the day
    for (const [partition, codec] of ["none", "gzip", "snappy", "lz4", "zstd"].entries()) {
      for (const [name, messages] of Object.entries(forms)) {
        await produce(brokers, topic, messages, { partition, codec });
        sent += rowsOfForm(name);
      }
    }
    const records = await assertConserved(running.url, view, sent);
    assert.equal(records.deadLettered, 0, running.log());
    assert.equal(records.rejected, 0);
    const response = await fetch(new URL(`/v1/feature-views`, running.url));
    const text = await response.text();
    assert.doesNotMatch(text, /"state":"open"/, "the rows are clean in every form");
    assert.equal(await running.stop(), 0);
  });
});
