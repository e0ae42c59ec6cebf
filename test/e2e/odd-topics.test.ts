import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createTopic } from "../services/services.ts";
import { eventually, scratch, tidemark } from "./support.ts";
import { given, rows, watch } from "./watch-topic.ts";

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
