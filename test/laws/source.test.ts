import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Float64, RecordBatchStreamWriter, Table, Utf8, vectorFromArray } from "apache-arrow";
import { Kafka, logLevel } from "kafkajs";
import { cellOf } from "../../src/model/batch.ts";
import { capturedColumns } from "../../src/model/captured.ts";
import { Fault } from "../../src/model/fault.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { type Message, type Partition, partitionKey } from "../../src/model/record.ts";
import type { Receiver, Resume, Source } from "../../src/pipeline/ports.ts";
import { createFileSource, filesPartition } from "../../src/source/file.ts";
import { createKafkaSource } from "../../src/source/kafka.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";
import { createKafkaThread } from "../../src/source/kafka-threaded.ts";
import { createTopicRange } from "../../src/source/topic-range.ts";
import { withSchemas } from "../../src/source/with-schemas.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually } from "../services/wait.ts";

/** How long what must come may take on a machine with much else to do. */
const comesWithinMs = 60_000;
/** More than a slice of messages in each partition. */
const count = 150;

/** Records of a place that is there already, and how to read it. */
interface Kind {
  /** It comes to an end by itself. */
  readonly ends: boolean;
  /** What a receiver cannot take now it is offered again; else that ends the source. */
  readonly offersAgain: boolean;
  /** Messages are under way between two threads when it is told to stop: they are handed over, and are in the last checkpoint. */
  readonly isAhead?: boolean;
  readonly partitions: readonly Partition[];
  open(): Source;
}

const dir = mkdtempSync(join(tmpdir(), "tidemark-laws-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const timestampOf = (offset: number): number => 1_772_496_000_000 + offset;

/** Partition `number` holds the values `1000 · number + offset`. */
const valueAt = (number: number, offset: number): number => 1_000 * number + offset;

async function filled(): Promise<{ brokers: string[]; topic: string; partitions: readonly Partition[] }> {
  const brokers = (await broker()).split(",");
  const topic = await createTopic(brokers.join(), "laws", { partitions: 2 });
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 }); // a retry must not send twice
  await producer.connect();
  const messages = Array.from({ length: count }, (_, offset) =>
    [0, 1].map((partition) => ({
      ...{ partition, timestamp: String(timestampOf(offset)) },
      value: JSON.stringify({ x: valueAt(partition, offset) }),
    })),
  ).flat();
  await producer.send({ topic, messages });
  await producer.disconnect();
  return { brokers, topic, partitions: [0, 1].map((partition) => ({ topic, partition })) };
}

const clientOf = (brokers: readonly string[]) =>
  createKafkaClient({ brokers, clientId: "laws", ssl: undefined, sasl: undefined }, undefined);
const silent = { onTrouble: () => undefined, onLag: () => undefined };

/** Arrow streams, a record batch for each table. */
function arrowFile(tables: readonly Table[]): string {
  const writer = new RecordBatchStreamWriter();
  for (const table of tables) for (const batch of table.batches) writer.write(batch);
  writer.finish();
  const file = join(dir, `${randomUUID()}.arrows`);
  writeFileSync(file, writer.toUint8Array(true));
  return file;
}

const numbers = (values: readonly number[]) => vectorFromArray(values, new Float64());

/** Every source. A new one is a line here. */
const kinds: Readonly<Record<string, () => Promise<Kind>>> = {
  files: async () => {
    const tableOf = (offset: number): Table => new Table({ x: numbers([valueAt(0, offset)]) });
    const tables = Array.from({ length: count }, (_, offset) => tableOf(offset));
    const files = [arrowFile(tables.slice(0, 70)), arrowFile(tables.slice(70))];
    return {
      ...{ ends: true, offersAgain: true, partitions: [filesPartition] },
      open: () => createFileSource({ files, hints: undefined, limits: defaultLimits }),
    };
  },
  "captured files": async () => {
    const places = Array.from({ length: count }, (_, offset) =>
      [0, 1].map((number) => ({ number, offset })),
    ).flat();
    const texts = (of: (place: { number: number; offset: number }) => string) =>
      vectorFromArray(places.map(of), new Utf8());
    const table = new Table({
      x: numbers(places.map(({ number, offset }) => valueAt(number, offset))),
      [capturedColumns.topic]: texts(() => "orders"),
      [capturedColumns.partition]: numbers(places.map(({ number }) => number)),
      [capturedColumns.offset]: numbers(places.map(({ offset }) => offset)),
      [capturedColumns.timestamp]: numbers(places.map(({ offset }) => timestampOf(offset))),
      [capturedColumns.partitions]: texts(() => "0,1"),
    });
    const file = arrowFile([table]);
    return {
      ...{ ends: true, offersAgain: true },
      partitions: [0, 1].map((partition) => ({ topic: "orders", partition })),
      open: () => createFileSource({ files: [file], hints: undefined, limits: defaultLimits }),
    };
  },
  "a part of a topic": async () => {
    const { brokers, topic, partitions } = await filled();
    const [from, to] = [{ kind: "earliest" }, { kind: "latest" }] as const;
    return {
      ...{ ends: true, offersAgain: false, partitions },
      open: () => createTopicRange({ client: clientOf(brokers), brokers, topic, from, to }),
    };
  },
  kafka: async () => {
    const { brokers, topic, partitions } = await filled();
    return {
      ...{ ends: false, offersAgain: true, partitions },
      open: () =>
        createKafkaSource({
          ...{ client: clientOf(brokers), brokers, topics: [topic], groupId: randomUUID() },
          ...{ startFrom: "earliest", ...silent },
        }),
    };
  },
  "kafka in a thread of its own": async () => {
    const { brokers, topic, partitions } = await filled();
    const kafka = { brokers, clientId: "laws", ssl: undefined, sasl: undefined };
    return {
      ...{ ends: false, offersAgain: true, isAhead: true, partitions },
      open: () =>
        createKafkaThread({
          kafka: { ...kafka, groupId: randomUUID(), startFrom: "earliest" },
          ...{ topics: [topic], log: undefined, ...silent },
        }),
    };
  },
  "a topic with schemas": async () => {
    const { brokers, topic, partitions } = await filled();
    const [from, to] = [{ kind: "earliest" }, { kind: "latest" }] as const;
    const registry = { schemaOf: async () => assert.fail("no message names one") };
    return {
      ...{ ends: true, offersAgain: false, partitions },
      open: () =>
        withSchemas(createTopicRange({ client: clientOf(brokers), brokers, topic, from, to }), registry),
    };
  },
};

/** The values that a message holds. */
function valuesOf({ body }: Message): readonly unknown[] {
  if (body.kind === "bytes") return [JSON.parse(new TextDecoder().decode(body.bytes)).x];
  const batches = body.kind === "batch" ? [body.batch] : body.kind === "batches" ? body.batches : [];
  return batches.flatMap((batch) => {
    const column = batch.columns.get("x");
    assert(column !== undefined);
    return Array.from({ length: batch.rows }, (_, row) => cellOf(column, row));
  });
}

interface Reading {
  /** `offset: value` of what was taken, by partition. */
  readonly taken: Map<string, string[]>;
  /** Of each partition: what was called, once for calls in a row. */
  readonly calls: Map<string, string[]>;
  /** After the source has ended nothing may come. */
  over: boolean;
}

interface Plan {
  readonly resume?: (partition: Partition) => Resume | undefined;
  /** Called before a slice is taken, with the number of those before; what it throws is thrown. */
  readonly before?: (slices: number) => void | Promise<void>;
}

/** A receiver that holds a source to its port: one thing at a time, each partition assigned before, and nothing after its end. */
function receiver({ resume = () => undefined, before = () => undefined }: Plan): Reading & Receiver {
  const reading: Reading = { taken: new Map(), calls: new Map(), over: false };
  let [busy, slices] = ["", 0];
  const call = async <T>(name: string, partition: Partition, work: () => T | Promise<T>): Promise<T> => {
    const key = partitionKey(partition);
    assert.equal(busy, "", `${name} of ${key} while that is under way`);
    assert.equal(reading.over, false, `${name} of ${key} after the end`);
    busy = `${name} of ${key}`;
    const calls = reading.calls.get(key) ?? [];
    reading.calls.set(key, calls);
    if (calls.at(-1) !== name) calls.push(name);
    try {
      await new Promise((done) => setImmediate(done));
      return await work();
    } finally {
      busy = "";
    }
  };
  return Object.assign(reading, {
    assigned: (partition: Partition) =>
      call("assigned", partition, () => {
        reading.taken.set(partitionKey(partition), []);
        return resume(partition);
      }),
    receive: (partition: Partition, messages: readonly Message[]) =>
      call("receive", partition, async () => {
        await before(slices++);
        const mine = reading.taken.get(partitionKey(partition));
        assert(mine !== undefined, `${partitionKey(partition)} was not assigned`);
        const from = resume(partition)?.offset ?? 0;
        for (const message of messages)
          if (message.offset >= from) mine.push(`${message.offset}: ${valuesOf(message).join()}`);
      }),
    ended: (partition: Partition) => call("ended", partition, () => undefined),
    lost: (partition: Partition) => call("lost", partition, () => assert.fail("nothing is lost")),
    counted: async () => undefined,
    revoked: (partition: Partition) => call("revoked", partition, () => undefined),
    checkpoint: async () => new Map<string, number>(),
  });
}

/** Reads until everything from `from` on is taken, or the source ends. */
async function readAll({ open, ends, partitions }: Kind, plan: Plan = {}, from = 0): Promise<Reading> {
  const into = receiver(plan);
  const end = new AbortController();
  const running = open().run(into, end.signal);
  running.catch(() => undefined); // told below
  if (!ends) {
    const wanted = partitions.length * (count - from);
    const taken = (): number => [...into.taken.values()].reduce((sum, all) => sum + all.length, 0);
    await Promise.race([running, eventually(() => taken() >= wanted, comesWithinMs)]);
    end.abort();
  }
  await running;
  into.over = true;
  await new Promise((done) => setTimeout(done, 50)); // whoever calls now is found out
  return into;
}

const expectedOf = ({ partitions }: Kind, from = 0): ReadonlyMap<string, readonly string[]> =>
  new Map(
    partitions.map((place) => [
      partitionKey(place),
      Array.from({ length: count - from }, (_, at) => `${from + at}: ${valueAt(place.partition, from + at)}`),
    ]),
  );

/** Of the partitions that hold something. */
const takenIn = ({ taken }: Reading): ReadonlyMap<string, readonly string[]> =>
  new Map([...taken].filter(([, all]) => all.length > 0).sort(([a], [b]) => (a < b ? -1 : 1)));

for (const [name, make] of Object.entries(kinds))
  describe(`source of ${name}`, () => {
    let made: Promise<Kind> | undefined;
    const kind = (): Promise<Kind> => (made ??= make());

    it("hands over every record once, in its partition's order, each partition assigned first and ended last", async () => {
      const own = await kind();
      const reading = await readAll(own);
      assert.deepEqual(takenIn(reading), expectedOf(own));
      for (const { topic, partition } of own.partitions) {
        const calls = reading.calls.get(partitionKey({ topic, partition })) ?? [];
        assert.deepEqual(calls, ["assigned", "receive", own.ends ? "ended" : "revoked"]);
      }
    });

    it("goes on where the receiver says that its state is", async () => {
      const own = await kind();
      const from = 101;
      const anchor = { offset: from - 1, timestamp: timestampOf(from - 1) };
      const resume = ({ topic }: Partition): Resume | undefined =>
        own.partitions.some((place) => place.topic === topic) ? { offset: from, anchor } : undefined;
      assert.deepEqual(takenIn(await readAll(own, { resume }, from)), expectedOf(own, from));
    });

    it("hands over nothing after what is in hand when it is told to stop, and comes to its end", async () => {
      const own = await kind();
      const end = new AbortController();
      let slices = 0;
      const into = receiver({
        before: () => {
          slices += 1;
          end.abort();
        },
      });
      await own.open().run(into, end.signal);
      into.over = true;
      await new Promise((done) => setTimeout(done, 50));
      if (own.isAhead !== true) assert.equal(slices, 1);
      for (const [key, taken] of takenIn(into))
        assert.deepEqual(taken, expectedOf(own).get(key)?.slice(0, taken.length), "from the beginning");
    });

    it("passes on what the receiver cannot get over", async () => {
      const own = await kind();
      const fault = new Fault("store.version", "of a newer one", { retryable: false });
      const before = (): never => {
        throw fault;
      };
      await assert.rejects(readAll(own, { before }), { code: fault.code, message: fault.message });
    });

    it("offers again what the receiver cannot take now, or says that it did not get on", async () => {
      const own = await kind();
      const fault = new Fault("sink.unreachable", "not now", { retryable: true });
      const before = (slice: number): void => {
        if (slice === 1) throw fault;
      };
      if (own.offersAgain) assert.deepEqual(takenIn(await readAll(own, { before })), expectedOf(own));
      else await assert.rejects(readAll(own, { before }), { code: fault.code });
    });
  });
