import { randomBytes } from "node:crypto";
import type { Kafka } from "kafkajs";
import { decodeProfile } from "../../src/profile/codec.ts";
import { type Row, view } from "./traffic.ts";

export interface Raw {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Every record of a topic as it is now, by a client that knows nothing of tidemark. */
export async function readAll(kafka: Kafka, topic: string): Promise<Raw[]> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const left = new Set(
    ends.filter(({ high, low }) => Number(high) > Number(low)).map(({ partition }) => partition),
  );
  const records: Raw[] = [];
  if (left.size === 0) return records;
  const consumer = kafka.consumer({
    groupId: `truth.${randomBytes(5).toString("hex")}`,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const done = Promise.withResolvers<void>();
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { offset, timestamp, key, value, headers } of batch.messages) {
        records.push({
          partition: batch.partition,
          offset: Number(offset),
          timestamp: Number(timestamp),
          key: key?.toString() ?? "",
          value: value ?? Buffer.alloc(0),
          headers: Object.fromEntries(
            Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]),
          ),
        });
      }
      const end = ends.find(({ partition }) => partition === batch.partition);
      if (Number(batch.lastOffset()) + 1 >= Number(end?.high ?? 0)) left.delete(batch.partition);
      if (left.size === 0) done.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  const byPlace = new Map(records.map((record) => [`${record.partition}@${record.offset}`, record]));
  return [...byPlace.values()].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

/** What one window holds: per field its rows, and those that are null or unknown to the mapping. */
export interface WindowCount {
  rows: number;
  nulls: number;
  unknown: number;
}

export interface Truth {
  readonly windows: ReadonlyMap<number, WindowCount>;
  readonly profiled: number;
  readonly late: number;
  readonly rejected: number;
  readonly deadLettered: number;
  /** `partition@offset` of every poison message. */
  readonly poison: readonly string[];
  /** Windows that end at or before it are closed on every partition. */
  readonly closedThrough: number;
  /** The same of the partition that has come furthest. */
  readonly openFrom: number;
}

/** Counts the log again, in the plainest way: record by record, row by row. */
export function truthOf(records: readonly Raw[], partitions: number): Truth {
  const windows = new Map<number, WindowCount>();
  const poison: string[] = [];
  const last = Array.from({ length: partitions }, () => Number.NEGATIVE_INFINITY);
  let [profiled, late, rejected] = [0, 0, 0];
  for (const { partition, offset, timestamp, value } of records) {
    let rows: Row[];
    try {
      rows = JSON.parse(value.toString()) as Row[];
    } catch {
      poison.push(`${partition}@${offset}`);
      continue;
    }
    for (const row of rows) {
      const time = row.event_time;
      const start = Math.floor(time / view.sizeMs) * view.sizeMs;
      const newest = last[partition] ?? Number.NEGATIVE_INFINITY;
      if (time > timestamp + view.futureMs) rejected += 1;
      else if (start + view.sizeMs <= newest - view.latenessMs) late += 1;
      else {
        last[partition] = Math.max(newest, time);
        profiled += 1;
        const window = windows.get(start) ?? { rows: 0, nulls: 0, unknown: 0 };
        window.rows += 1;
        if (row.amount === null) window.nulls += 1;
        if (!view.countries.includes(row.country)) window.unknown += 1;
        windows.set(start, window);
      }
    }
  }
  return {
    windows,
    profiled,
    late,
    rejected,
    deadLettered: poison.length,
    poison,
    closedThrough: Math.min(...last) - view.latenessMs,
    openFrom: Math.max(...last) - view.latenessMs,
  };
}

/** What tidemark's topic of profiles says of each window: the newest record of each key, added up over partitions. */
export function countsOf(profiles: readonly Raw[]): ReadonlyMap<number, WindowCount & { fields: string }> {
  const byKey = new Map<string, Raw>();
  for (const record of profiles)
    if (record.headers["tidemark.kind"] === "closed") byKey.set(record.key, record);
  const windows = new Map<number, WindowCount & { fields: string }>();
  for (const { value } of byKey.values()) {
    const profile = decodeProfile(value);
    if (profile.segment !== null) continue;
    const { start } = profile.window;
    const into = windows.get(start) ?? { rows: 0, nulls: 0, unknown: 0, fields: "" };
    const [country, amount] = [profile.fields.get("country"), profile.fields.get("amount")];
    if (country?.body.kind !== "string" || amount?.body.kind !== "numeric")
      throw new Error("a profile of another view");
    into.rows += profile.rows;
    into.nulls += amount.nulls;
    into.unknown += country.body.mappingMisses;
    if (country.rows !== profile.rows || amount.rows !== profile.rows)
      into.fields += ` ${profile.rows}≠${country.rows},${amount.rows}`;
    windows.set(start, into);
  }
  return windows;
}
