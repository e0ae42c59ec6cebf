import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Kafka, logLevel, type Message, type Transaction } from "kafkajs";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createTopic } from "../services/services.ts";
import { eventually } from "./support.ts";
import { comesWithinMs, type Given, given, rows, watch } from "./watch-topic.ts";

const run = promisify(execFile);
const [segmentMs, segmentBytes] = [100, 1_048_576];

/** A topic that the broker compacts as soon as it may: all but the segment that is written to. */
const compactedTopic = ({ brokers }: Given): Promise<string> =>
  createTopic(brokers, "cleaned", {
    compacted: true,
    settings: {
      "segment.ms": String(segmentMs),
      "min.cleanable.dirty.ratio": "0.001",
      "min.compaction.lag.ms": "0",
      "max.compaction.lag.ms": "100",
      "delete.retention.ms": "0",
      "segment.bytes": String(segmentBytes),
    },
  });

/** The offsets that the log still holds, as a client that is not ours sees them. */
async function offsetsIn(brokers: string, topic: string): Promise<readonly number[]> {
  const args = ["-C", "-b", brokers, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%o\\n"];
  const { stdout } = await run("kcat", args);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

/** One record batch. */
const keyed = (from: number, to: number): Message[] =>
  rows(to - from).map((row, at) => ({ ...row, key: `k${from + at}` }));
const tombstones = (from: number, to: number): Message[] =>
  keyed(from, to).map(({ key }) => ({ key: key as string, value: null }));

describe("a log with holes", () => {
  it("that a broker's compaction has made is read to its end, without a loss, from its beginning and from a place that is gone", async (t) => {
    const all = await given(t);
    const { producer, brokers } = all;
    const topic = await compactedTopic(all);
    const send = async (messages: Message[]): Promise<void> => {
      await producer.send({ topic, messages });
      await sleep(2 * segmentMs); // the next one begins a segment
    };
    await send(keyed(0, 100)); // offsets 0 to 99
    // a batch whose second half will be nowhere: the place of whoever has read it is in a hole that ends its segment
    await send([...keyed(100, 150), ...tombstones(50, 100)]); // 100 to 199
    const store = createMemoryStore();
    const before = await watch(t, all, topic, { store });
    await before.reads(150);
    assert.deepEqual([before.partition()?.nextOffset, before.partition()?.tombstones], [200, 50]);
    await before.stop();

    // compaction joins small segments: the next one is too large to join the one with the hole at its end
    const large = (key: string): Message => ({
      ...{ key, value: JSON.stringify({ x: 1, at: Date.now(), padding: "x".repeat(104_500) }) },
    });
    await send(Array.from({ length: 10 }, (_, at) => large(`large ${at}`))); // 200 to 209
    const survive = [
      ...Array.from({ length: 50 }, (_, at) => at),
      ...Array.from({ length: 50 }, (_, at) => 100 + at),
    ];
    let end = 210;
    await eventually(comesWithinMs, "the broker has compacted the log", async () => {
      await send(keyed(1_000 + end, 1_001 + end)); // rolls the segment, and gives the cleaner something to do
      end += 1;
      const left = (await offsetsIn(brokers, topic)).filter((offset) => offset < 200);
      return left.length === survive.length ? (assert.deepEqual(left, survive) ?? true) : undefined;
    });
    const after = await watch(t, all, topic, { store });
    await after.reads(150 + end - 200);
    await eventually(comesWithinMs, "nothing waits", () =>
      after.lag.get(`${topic}-0`) === 0 ? true : undefined,
    );
    assert.deepEqual([after.partition()?.lost, after.partition()?.nextOffset], [0, end]);
    await after.stop();

    const fresh = await watch(t, all, topic, { store: createMemoryStore() });
    await fresh.reads(100 + end - 200);
    assert.deepEqual([fresh.partition()?.lost, fresh.partition()?.tombstones], [0, 0]);
    await fresh.stop();
  });

  it("that is an aborted transaction larger than a fetch is read from behind it, and nothing is said to wait behind one at its end", async (t) => {
    const all = await given(t);
    const topic = await createTopic(all.brokers, "aborted");
    const kafka = new Kafka({ brokers: all.brokers.split(","), logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    t.after(() => producer.disconnect());
    const begin = async (): Promise<Transaction> => {
      const transaction = await producer.transaction();
      for (let at = 0; at < 6; at++)
        await transaction.send({
          topic,
          messages: [{ value: JSON.stringify({ x: 1, padding: "x".repeat(400_000) }) }],
        });
      return transaction;
    };
    await (await begin()).abort();
    await all.producer.send({ topic, messages: rows(5) });
    const store = createMemoryStore();
    const watching = await watch(t, all, topic, { store });
    await watching.reads(5);
    await watching.stop();

    await all.producer.send({ topic, messages: rows(3) });
    const open = await begin();
    const again = await watch(t, all, topic, { store });
    await again.reads(8);
    const lag = (): number => again.lag.get(`${topic}-0`) ?? Number.NaN;
    await eventually(comesWithinMs, "an open transaction waits", () => (lag() >= 6 ? true : undefined));
    await open.abort();
    await eventually(comesWithinMs, "nothing waits", () => (lag() === 0 ? true : undefined));
    await all.producer.send({ topic, messages: rows(2) });
    await again.reads(10);
    assert.equal(again.partition()?.lost, 0);
    await again.stop();
  });
});
