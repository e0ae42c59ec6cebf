import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Kafka, logLevel } from "kafkajs";
import { Fault } from "../../src/model/fault.ts";
import { type Message, type Partition, partitionKey } from "../../src/model/record.ts";
import type { Receiver } from "../../src/pipeline/ports.ts";
import { createKafkaThread } from "../../src/source/kafka-threaded.ts";
import { faultOf, noteOf, packMessages, unpackMessages } from "../../src/source/thread-messages.ts";
import { createPulse } from "../../src/source/thread-pulse.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually } from "../services/wait.ts";

const bytesOf = (message: Message): Uint8Array =>
  message.body.kind === "bytes" ? message.body.bytes : new Uint8Array();

describe("messages between threads", () => {
  it("come out as they went in, each value where columns of eight bytes can be looked at", () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    const message = fc
      .record({
        offset: fc.nat(),
        timestamp: fc.option(fc.nat(), { nil: undefined }),
        headers: fc.dictionary(fc.string(), fc.string()).map((texts) => new Map(Object.entries(texts))),
        id: fc.option(fc.nat(), { nil: undefined }),
        bytes: fc.option(bytes, { nil: undefined }),
        key: fc.option(bytes, { nil: undefined }),
      })
      .map(
        ({ offset, timestamp, headers, id, bytes: value, key }): Message => ({
          offset,
          timestamp,
          headers,
          ...(id === undefined ? {} : { schemaReference: { kind: "id", id, framing: "prefix" } }),
          body:
            value === undefined
              ? { kind: "tombstone" }
              : { kind: "bytes", bytes: value, ...(key === undefined ? {} : { key }) },
        }),
      );
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const { bytes: all, messages: packed } = packMessages(messages);
        const moved = { bytes: structuredClone(all, { transfer: [all] }), messages: structuredClone(packed) };
        const unpacked = unpackMessages(moved);
        assert.deepEqual(unpacked, messages);
        for (const each of unpacked) assert.equal(bytesOf(each).byteOffset % 8, 0);
      }),
    );
  });

  it("are told of faults by code and hint, and of our own mistakes by where they were made", () => {
    const fault = new Fault("sink.unreachable", "no sink", { retryable: true, hint: "look" });
    const { code, message, retryable, hint } = faultOf(structuredClone(noteOf(fault)));
    assert.deepEqual([code, message, retryable, hint], ["sink.unreachable", "no sink", true, "look"]);
    assert.match(faultOf(noteOf(new TypeError("ours"))).message, /ours\n.*kafka-threaded\.test/);
  });
});

/** What a store would hold of each partition: the messages below an offset. */
type Saved = Map<string, readonly string[]>;

interface Reading {
  /** Messages in memory, by partition. */
  readonly seen: Map<string, string[]>;
  readonly saved: Saved;
  readonly troubles: (string | undefined)[];
  /** What the next call of `receive` throws. */
  fail: Error | undefined;
  /** Partitions that are taken over, but for the last of what belongs to that. */
  refuse: ReadonlySet<number>;
  refused: number;
  stop(): void;
  readonly ended: Promise<void>;
}

interface ReadOptions {
  readonly saved?: Saved;
  readonly groupId?: string;
  /** How long a slice of messages takes. */
  readonly takesMs?: number;
  /** Work that keeps the thread busy, for each slice. */
  readonly work?: () => void;
  readonly refuse?: ReadonlySet<number>;
}

/** A receiver as a monitor is one: state and offset travel together, and are forgotten with the partition. */
function read(brokers: string, topic: string, options: ReadOptions = {}): Reading {
  const {
    saved = new Map(),
    groupId = `thread-${randomUUID()}`,
    takesMs = 0,
    work,
    refuse = new Set(),
  } = options;
  const end = new AbortController();
  const seen = new Map<string, string[]>();
  const reading = { seen, saved, troubles: [] as (string | undefined)[] };
  const state: Pick<Reading, "fail" | "refuse" | "refused"> = { fail: undefined, refuse, refused: 0 };
  const receiver: Receiver = {
    async assigned(partition: Partition) {
      const before = saved.get(partitionKey(partition)) ?? [];
      seen.set(partitionKey(partition), [...before]);
      if (state.refuse.has(partition.partition)) {
        state.refused += 1;
        throw new Fault("sink.unreachable", "nobody can be told", { retryable: true });
      }
      return before.length === 0 ? undefined : { offset: before.length, anchor: undefined };
    },
    async receive(partition, messages) {
      const mine = seen.get(partitionKey(partition));
      for (const [index, message] of messages.entries()) {
        if (mine === undefined || message.offset < mine.length) continue;
        mine.push(`${message.offset} ${Buffer.from(bytesOf(message)).toString()}`);
        const { fail } = state;
        state.fail = undefined;
        if (fail !== undefined && index === 0) throw fail;
      }
      work?.();
      if (takesMs > 0) await new Promise((done) => setTimeout(done, takesMs));
    },
    lost: async () => assert.fail("nothing is lost"),
    counted: async () => undefined,
    ended: async () => undefined,
    revoked: async (partition) => void seen.delete(partitionKey(partition)),
    async checkpoint() {
      for (const [key, mine] of seen) saved.set(key, [...mine]);
      return new Map([...seen].map(([key, mine]) => [key, mine.length]));
    },
  };
  const source = createKafkaThread({
    kafka: {
      ...{ brokers: brokers.split(","), clientId: "test", ssl: undefined, sasl: undefined },
      ...{ groupId, startFrom: "earliest" },
    },
    log: undefined,
    topics: [topic],
    onTrouble: (name, text) => {
      if (name === "source") reading.troubles.push(text);
    },
    onLag: () => undefined,
  });
  const ended = source.run(receiver, end.signal);
  ended.catch(() => undefined); // looked at by the test
  return Object.assign(state, reading, { ended, stop: () => end.abort() });
}

describe("the pulse between threads", () => {
  it("tells once of one that was heard and fell silent, and never of one that speaks or has yet to begin", async () => {
    const told = { silent: 0, speaking: 0, starting: 0 };
    const pulseOf = (name: keyof typeof told, beat: () => void) =>
      createPulse({ beat, everyMs: 1, onDead: () => (told[name] += 1) });
    const silent = pulseOf("silent", () => undefined);
    silent.heard();
    const speaking = pulseOf("speaking", () => speaking.heard());
    const starting = pulseOf("starting", () => undefined);
    await eventually(() => told.silent > 0);
    await new Promise((done) => setTimeout(done, 100));
    for (const pulse of [silent, speaking, starting]) pulse.end();
    assert.deepEqual(told, { silent: 1, speaking: 0, starting: 0 });
  });
});

const count = 600;

/** Messages of 40 kB in two partitions: three times what may be under way between the threads. */
async function fill(brokers: string): Promise<{ topic: string; expected: ReadonlyMap<string, string[]> }> {
  const topic = await createTopic(brokers, "threads", { partitions: 2 });
  const producer = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const texts = Array.from({ length: count }, (_, index) => String(index).padEnd(40_000, "."));
  const messages = texts.map((value, index) => ({ value, partition: index % 2 }));
  for (let from = 0; from < count; from += 100)
    await producer.send({ topic, messages: messages.slice(from, from + 100) });
  await producer.disconnect();
  const of = (partition: number): string[] =>
    texts.filter((_, index) => index % 2 === partition).map((text, offset) => `${offset} ${text}`);
  return { topic, expected: new Map([0, 1].map((number) => [`${topic}-${number}`, of(number)])) };
}

describe("Kafka read in a thread of its own", () => {
  const waitMs = 60_000;
  const seenIn = ({ seen }: Reading): number => [...seen.values()].reduce((sum, all) => sum + all.length, 0);

  it("brings every message once and in order, also after the receiver was held up, and a checkpoint of them", async () => {
    const brokers = await broker();
    const { topic, expected } = await fill(brokers);
    const reading = read(brokers, topic);
    reading.fail = new Fault("sink.unreachable", "a sink is away", { retryable: true });
    await eventually(() => seenIn(reading) === count, waitMs);
    reading.stop();
    await reading.ended;
    assert.deepEqual(new Map([...reading.saved].sort()), expected);
    assert.equal(reading.troubles[0], "a sink is away");
    assert.equal(reading.troubles.at(-1), undefined);
  });

  it("hands partitions on, with messages under way: whoever has one next has each message once", async () => {
    const brokers = await broker();
    const { topic, expected } = await fill(brokers);
    const common = { saved: new Map(), groupId: `thread-${randomUUID()}`, takesMs: 150 };
    const first = read(brokers, topic, common);
    await eventually(() => seenIn(first) > 50, waitMs);
    const second = read(brokers, topic, common);
    await eventually(() => first.seen.size === 1 && second.seen.size === 1, waitMs);
    await eventually(() => seenIn(second) > 50, waitMs);
    first.stop();
    await first.ended;
    await eventually(() => seenIn(second) === count, waitMs);
    second.stop();
    await second.ended;
    assert.deepEqual(new Map([...common.saved].sort()), expected);
  });

  it("keeps nothing of a partition that it could not quite take over, until it can", async (t) => {
    const brokers = await broker();
    const { topic, expected } = await fill(brokers);
    const reading = read(brokers, topic, { refuse: new Set([0, 1]) });
    t.after(reading.stop);
    await eventually(() => reading.refused > 1 && reading.seen.size === 0, waitMs);
    reading.refuse = new Set();
    await eventually(() => seenIn(reading) === count, waitMs);
    reading.stop();
    await reading.ended;
    assert.deepEqual(new Map([...reading.saved].sort()), expected);
  });

  it("lets timers and requests have their turn while messages wait", async () => {
    const brokers = await broker();
    const { topic } = await fill(brokers);
    const turns: number[] = [];
    let turn = 0;
    const timer = setInterval(() => turn++, 1);
    const work = (): void => {
      turns.push(turn);
      for (const start = performance.now(); performance.now() - start < 25; );
    };
    const reading = read(brokers, topic, { work });
    await eventually(() => seenIn(reading) === count, waitMs);
    clearInterval(timer);
    reading.stop();
    await reading.ended;
    assert.ok(turns.length > 5, "in several slices");
    // after a silence a message is followed by the next round of the loop before its timers are
    const held = turns.filter((each, slice) => each === turns[slice + 2]);
    assert.deepEqual(held, [], `no three slices without a turn in between: ${turns}`);
  });

  it("ends with what the receiver cannot try again, and makes nothing durable after it", async () => {
    const brokers = await broker();
    const { topic } = await fill(brokers);
    const reading = read(brokers, topic);
    reading.fail = new RangeError("our own mistake");
    await assert.rejects(reading.ended, reading.fail);
    assert.deepEqual([...reading.saved], []);
  });

  it("says when there is no broker", async () => {
    const reading = read("127.0.0.1:1", "none");
    await assert.rejects(
      reading.ended,
      (error) => error instanceof Fault && error.code === "source.unreachable",
    );
  });
});
