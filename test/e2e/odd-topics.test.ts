import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Admin, Kafka, logLevel, type Producer } from "kafkajs";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import type { Outcome, PartitionStatus, Store } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createKafkaSource } from "../../src/source/kafka.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { viewOf } from "../pipeline/outcomes.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually, scratch, tidemark } from "./support.ts";

interface Watching {
  readonly monitor: Monitor;
  /** What is wrong now, by name. */
  readonly lag: Map<string, number>;
  readonly outcomes: readonly Outcome[];
  partition(number?: number): PartitionStatus | undefined;
  /** Waits until so many rows of the topic are read, and not more. */
  reads(rows: number): Promise<void>;
  stop(): Promise<void>;
}

interface Given {
  readonly brokers: string;
  readonly admin: Admin;
  readonly producer: Producer;
}

async function given(t: TestContext): Promise<Given> {
  const brokers = await broker(t);
  const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  t.after(() => Promise.all([admin.disconnect(), producer.disconnect()]));
  return { brokers, admin, producer };
}

const rows = (count: number) =>
  Array.from({ length: count }, (_, x) => ({ value: JSON.stringify({ x, at: Date.now() }) }));

/** The loop on a real topic; a store that is given again is a restart. */
async function watch(
  t: TestContext,
  { brokers }: Given,
  topic: string,
  { store = createMemoryStore(), startFrom = "earliest" as "earliest" | "latest" } = {},
): Promise<Watching> {
  const view = viewOf("x");
  const outcomes: Outcome[] = [];
  const lag = new Map<string, number>();
  const monitor = createMonitor({
    views: [{ view: { ...view, source: { ...view.source, topic } }, baseline: undefined }],
    limits: defaultLimits,
    sinks: [
      { name: "test", accept: async (some) => void outcomes.push(...some), close: async () => undefined },
    ],
    store: { ...store, close: async () => undefined } satisfies Store,
    clock: { now: Date.now, elapsed: () => performance.now() },
    idleAfterMs: 10_000,
  });
  const options = { brokers: brokers.split(","), clientId: "odd", ssl: undefined, sasl: undefined };
  const source = createKafkaSource({
    client: createKafkaClient(options, undefined),
    ...{ brokers: options.brokers, groupId: topic, topics: [topic], startFrom },
    onTrouble: monitor.trouble,
    onLag: (key, records) => void lag.set(key, records),
  });
  const end = new AbortController();
  const running = source.run(monitor, end.signal);
  running.catch(() => undefined); // told by `stop`
  t.after(() => end.abort());
  const read = (): number => monitor.board.view("reco_user")?.counts.read ?? 0;
  return {
    monitor,
    lag,
    outcomes,
    partition: (number = 0) =>
      monitor.board.partitions().find(({ partition }) => partition.partition === number),
    async reads(count) {
      await eventually(20_000, `${count} rows are read, not ${read()}`, () =>
        read() >= count ? true : undefined,
      );
      assert.equal(read(), count);
    },
    async stop() {
      end.abort();
      await running;
    },
  };
}

describe("a topic that", () => {
  it("has lost records to retention before they were read: they are counted, told, and their window is partial", async (t) => {
    const { admin, producer, ...rest } = await given(t);
    const topic = await createTopic(rest.brokers, "retained");
    const store = createMemoryStore();
    await producer.send({ topic, messages: rows(10) });
    const before = await watch(t, { admin, producer, ...rest }, topic, { store });
    await before.reads(10);
    await before.stop();
    await producer.send({ topic, messages: rows(10) });
    await admin.fetchTopicOffsets(topic); // kafkajs looks for the leader in what it has asked for before
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "16" }] });
    const after = await watch(t, { admin, producer, ...rest }, topic, { store });
    await after.reads(14);
    assert.equal(after.partition()?.lost, 6);
    assert.equal(after.monitor.board.view("reco_user")?.lost, 6);
    assert.match(
      after.monitor.board.troubles().get(`lost.${topic}-0`) ?? "",
      /offsets 10 to 15 were removed/,
    );
    const late = { value: JSON.stringify({ x: 1 }), timestamp: String(Date.now() + 240_000) };
    await producer.send({ topic, messages: [late] });
    const closed = await eventually(10_000, "the window closes", () =>
      after.outcomes.find((outcome) => outcome.kind === "profile" && outcome.profile.segment === null),
    );
    assert.equal(closed.kind === "profile" && closed.partial, true);
    await eventually(5_000, "the trouble is over with its windows", () =>
      after.monitor.board.troubles().size === 0 ? true : undefined,
    );
    await after.stop();
  });

  it("was deleted and made again is read from its new first record, while running and after a restart", async (t) => {
    const all = await given(t);
    const { admin, producer } = all;
    const topic = await createTopic(all.brokers, "reborn");
    const store = createMemoryStore();
    const isThere = async (): Promise<boolean> => (await admin.listTopics()).includes(topic);
    const remake = async (): Promise<void> => {
      await admin.deleteTopics({ topics: [topic] });
      await eventually(10_000, "it is gone", async () => ((await isThere()) ? undefined : true));
      await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
      await eventually(10_000, "it is made again", async () => ((await isThere()) ? true : undefined));
    };
    await producer.send({ topic, messages: rows(10) });
    const running = await watch(t, all, topic, { store });
    await running.reads(10);
    await remake();
    await producer.send({ topic, messages: rows(5) });
    await running.reads(15);
    assert.equal(running.partition()?.resets, 1);
    await running.stop();
    await remake();
    await producer.send({ topic, messages: rows(7) });
    const again = await watch(t, all, topic, { store });
    await again.reads(22);
    assert.equal(again.partition()?.resets, 2);
    await again.stop();
  });

  it("is given partitions has each read from its first record, also with startFrom: latest", async (t) => {
    const all = await given(t);
    const { admin, producer } = all;
    const topic = await createTopic(all.brokers, "grown");
    await producer.send({ topic, messages: rows(3) });
    const store = createMemoryStore();
    const first = await watch(t, all, topic, { store, startFrom: "latest" });
    await eventually(10_000, "it has its partition", () => first.partition());
    await producer.send({ topic, messages: rows(4) });
    await first.reads(4);
    const grow = async (count: number): Promise<void> => {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
      const kafka = new Kafka({ brokers: all.brokers.split(","), logLevel: logLevel.NOTHING });
      const fresh = kafka.producer(); // one that knows the new partition
      await fresh.connect();
      await fresh.send({ topic, messages: rows(5).map((row) => ({ ...row, partition: count - 1 })) });
      await fresh.disconnect();
    };
    await grow(2);
    await first.reads(9);
    await first.stop();
    await grow(3);
    await producer.send({ topic, messages: rows(2).map((row) => ({ ...row, partition: 0 })) });
    const second = await watch(t, all, topic, { store, startFrom: "latest" });
    await second.reads(16);
    await second.stop();
  });

  it("had nothing when it was first watched with startFrom: latest is not passed over after a restart", async (t) => {
    const all = await given(t);
    const topic = await createTopic(all.brokers, "quiet");
    await all.producer.send({ topic, messages: rows(3) });
    const store = createMemoryStore();
    const first = await watch(t, all, topic, { store, startFrom: "latest" });
    await eventually(10_000, "it has its partition", () => first.partition());
    await first.stop();
    await all.producer.send({ topic, messages: rows(5) });
    const second = await watch(t, all, topic, { store, startFrom: "latest" });
    await second.reads(5);
    await second.stop();
  });

  it("is compacted has gaps and tombstones, which are neither lost records nor dead letters", async (t) => {
    const all = await given(t);
    const topic = await createTopic(all.brokers, "compacted", { compacted: true });
    const keyed = rows(6).map((row, at) => ({ ...row, key: `k${at}` }));
    await all.producer.send({
      topic,
      messages: [...keyed, { key: "k1", value: null }, ...keyed.slice(0, 2)],
    });
    const watching = await watch(t, all, topic);
    await watching.reads(8);
    const status = watching.partition();
    assert.deepEqual([status?.tombstones, status?.nextOffset, status?.lost], [1, 9, 0]);
    assert.equal(status?.counts.deadLettered, 0);
    await watching.stop();
  });

  it("is written in transactions has its aborted records read by nobody, live or in a replay to its end", async (t) => {
    const all = await given(t);
    const topic = await createTopic(all.brokers, "transacted");
    const kafka = new Kafka({ brokers: all.brokers.split(","), logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    t.after(() => producer.disconnect());
    for (const [count, commits] of [
      [5, true],
      [4, false],
      [3, true],
      [2, false],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: rows(count) });
      await (commits ? transaction.commit() : transaction.abort());
    }
    const watching = await watch(t, all, topic);
    await watching.reads(8);
    assert.equal(watching.partition()?.lost, 0);
    await watching.stop();

    const dir = scratch(t);
    const spec = join(dir, "moved.yaml");
    writeFileSync(
      spec,
      `apiVersion: tidemark/v1\nkind: FeatureView\nname: moved\nversion: 1\nsource: { topic: ${topic}, eventTime: at }\nfields: { x: { type: float64 } }\n`,
    );
    const where = ["--topic", topic, "--brokers", all.brokers, "--from", "earliest", "--to", "latest"];
    const captured = await tidemark(["capture", ...where, "--out", join(dir, "moved.arrow")]);
    assert.equal(captured.code, 0, captured.stderr);
    const baseline = join(dir, "moved.baseline.json");
    const built = await tidemark(["baseline", "build", "--spec", spec, ...where, "--out", baseline]);
    assert.equal(built.code, 0, built.stderr);
    const out = ["--out", join(dir, "out"), "--json"];
    const replayed = await tidemark(["replay", "--spec", spec, "--baseline", baseline, ...where, ...out]);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.equal((JSON.parse(replayed.stdout) as { rows: number }).rows, 8);
  });
});
