import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { defaultLimits } from "../../src/model/limits.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createKafkaSource } from "../../src/source/kafka.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { viewOf } from "../pipeline/outcomes.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually } from "./support.ts";

const [messages, messageBytes, mebibyte] = [560, 960 * 1024, 1024 * 1024];
const queueBytes = 8 * mebibyte;

/** Over 500 MiB that cannot be decoded: each message waits as a dead letter. */
async function fill(brokers: string, topic: string): Promise<void> {
  const producer = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const value = randomBytes(messageBytes);
  for (let sent = 0; sent < messages; sent += 8)
    await producer.send({
      topic,
      acks: 1,
      messages: Array.from({ length: 8 }, () => ({ value, partition: sent % 2 })),
    });
  await producer.disconnect();
}

describe("a topic of half a gigabyte before a slow sink", () => {
  it("waits on the broker: what is in memory stays within the bound, and nothing is lost", async (t) => {
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "pressed", { partitions: 2 });
    await fill(brokers, topic);
    const taken = [new Set<number>(), new Set<number>()];
    const count = (): number => taken.reduce((sum, { size }) => sum + size, 0);
    const monitor = createMonitor({
      views: [{ view: { ...viewOf("x"), source: { ...viewOf("x").source, topic } }, baseline: undefined }],
      limits: defaultLimits,
      sinks: [
        {
          name: "slow",
          async accept(outcomes) {
            await new Promise((done) => setTimeout(done, 150));
            for (const outcome of outcomes)
              if (outcome.kind === "dead-letter")
                taken[outcome.deadLetter.partition.partition]?.add(outcome.deadLetter.offset);
          },
          close: async () => undefined,
        },
      ],
      store: createMemoryStore(),
      clock: { now: Date.now, elapsed: () => performance.now() },
      idleAfterMs: 10_000,
      ahead: { outcomes: 500, bytes: queueBytes },
    });
    const options = { brokers: brokers.split(","), clientId: "pressed", ssl: undefined, sasl: undefined };
    const source = createKafkaSource({
      client: createKafkaClient(options, undefined),
      brokers: options.brokers,
      groupId: topic,
      topics: [topic],
      startFrom: "earliest",
      onTrouble: monitor.trouble,
      onLag: () => undefined,
    });
    const end = new AbortController();
    const before = process.memoryUsage.rss();
    const running = source.run(monitor, end.signal);
    await eventually(20_000, "it reads", () => (count() > 0 ? true : undefined));
    let [most, rss] = [0, 0];
    for (const until = performance.now() + 2_000; performance.now() < until; ) {
      most = Math.max(most, monitor.board.queuedBytes());
      rss = Math.max(rss, process.memoryUsage.rss());
      await new Promise((done) => setTimeout(done, 5));
    }
    assert.ok(count() < messages / 2, `${count()} of ${messages} taken: the rest waits`);
    assert.ok(most <= queueBytes + 2 * messageBytes, `${most} bytes waited`);
    const grownMiB = (rss - before) / mebibyte;
    t.diagnostic(
      `at most ${(most / mebibyte).toFixed(1)} MiB waited; resident memory grew by ${grownMiB.toFixed(0)} MiB`,
    );
    assert.ok(grownMiB < 200, `resident memory grew by ${grownMiB} MiB`);
    end.abort();
    await running;
    for (const offsets of taken)
      assert.deepEqual(
        [...offsets],
        Array.from(offsets.keys(), (_, at) => at),
        "none left out",
      );
  });
});
