import type { Admin, Consumer, ConsumerGroupJoinEvent, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import { Fault } from "../model/fault.ts";
import { type Partition, partitionKey } from "../model/record.ts";
import type { Receiver, Source } from "../pipeline/ports.ts";
import { kafkaFault } from "./kafka-client.ts";
import { toMessage } from "./kafka-message.ts";
import {
  commit,
  endOf,
  fetchedFrom,
  isNewLog,
  isStray,
  lagOf,
  newPartitions,
  type Position,
  placeOf,
} from "./kafka-position.ts";
import { inTime, watchClock, watchForTopics, watchHoles, watchLife } from "./kafka-watch.ts";
import { pause } from "./pause.ts";

/** A dead process's partitions are taken over after this: the least that brokers allow by default. */
const sessionTimeoutMs = 6_000;
const heartbeatEveryMs = 1_000;
/** How long a fetch may wait for data: bounds the delay of a quiet topic. */
const fetchWaitMs = 100;
/** Bytes of one partition in one fetch; a larger message comes alone (KIP-74). Small enough to stay in the cache until it is profiled. */
const fetchBytes = 1024 * 1024;
/** Messages handed on before the next heartbeat. */
const sliceMessages = 64;
const checkpointEveryMs = 5_000;
/** How often topics that do not exist yet are looked for, and the number of partitions of those that do. */
const topicsEveryMs = 5_000;
/** How long to wait before what failed, and may work later, is tried again. */
const retryAfterMs = 1_000;
/** A consumer that nothing has been answered for so long is given up for a new one. A rebalance may take 60 s. */
const stalledAfterMs = 90_000;
/** How long a consumer may take to leave; then it is left to itself, and its session ends. */
const leaveWithinMs = 8_000;

export interface KafkaSourceOptions {
  readonly client: Kafka;
  /** For messages. */
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a partition without checkpoint begins. */
  readonly startFrom: "earliest" | "latest";
  readonly onTrouble: (name: string, text: string | undefined) => void;
  /** Records between our position and the partition's end, by `partitionKey`. */
  readonly onLag: (partition: string, records: number) => void;
  /** Called when Kafka has answered, or records have been taken. */
  readonly onSign?: () => void;
  /** The cluster has been reached before: it is waited for from the first try on. */
  readonly reached?: boolean;
  /** The partitions that this member has after a rebalance, before any record of them. */
  readonly onJoin?: (partitions: readonly Partition[]) => void;
  /** A batch has been taken, and none of its bytes are looked at any more. */
  readonly onTaken?: (batch: EachBatchPayload["batch"]) => void;
  /** The group is this process's own and goes with it. */
  readonly ephemeral?: boolean;
}

/**
 * Topics as a source: one consumer group member. Offsets are ours (they travel with the state in the checkpoint); the
 * group's committed offsets are a courtesy for lag dashboards. A cluster that was reached once is waited for.
 */
export function createKafkaSource(options: KafkaSourceOptions): Source {
  const { brokers, onTrouble } = options;
  return {
    async run(receiver, signal) {
      const counts = new Map<string, number>();
      for (let { reached = false } = options; !signal.aborted; ) {
        try {
          const existing = await existingTopics(options, signal);
          reached = true;
          if (existing.length > 0) await consume(options, existing, receiver, signal, counts);
        } catch (error) {
          const fault = kafkaFault(brokers, error);
          if (!reached || !fault.retryable) throw fault;
          onTrouble("kafka", fault.message);
          await pause(retryAfterMs, signal);
        }
      }
    },
  };
}

/** Waits until at least one of the topics is there. */
async function existingTopics(options: KafkaSourceOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { client, topics, onTrouble, onSign = () => undefined } = options;
  const admin = client.admin();
  try {
    await admin.connect();
    while (!signal.aborted) {
      const all = new Set(await admin.listTopics());
      onSign();
      const existing = topics.filter((topic) => all.has(topic));
      const missing = topics.filter((topic) => !all.has(topic));
      onTrouble("topics", missing.length === 0 ? undefined : `no such topic yet: ${missing.join(", ")}`);
      if (existing.length > 0) return existing;
      await pause(topicsEveryMs, signal);
    }
    return [];
  } finally {
    await inTime(admin.disconnect(), leaveWithinMs);
  }
}

/** One membership, from joining the group to leaving it. */
interface Round {
  readonly options: KafkaSourceOptions;
  readonly receiver: Receiver;
  readonly signal: AbortSignal;
  readonly consumer: Consumer;
  readonly admin: Admin;
  readonly positions: Map<string, Position>;
  /** What the receiver has been asked to take over, whether it could or not: some of it may have been done. */
  readonly offered: Map<string, Partition>;
  /** Partitions that each topic had when it was last looked at. */
  readonly counts: Map<string, number>;
  /** Counts assignments: what belongs to an earlier one is dropped. */
  generation: number;
}

async function consume(
  options: KafkaSourceOptions,
  topics: readonly string[],
  receiver: Receiver,
  signal: AbortSignal,
  counts: Map<string, number>,
): Promise<void> {
  const { client, groupId, startFrom, onTrouble, onLag, onSign, onTaken, ephemeral = false } = options;
  const consumer = client.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatEveryMs,
    maxWaitTimeInMs: fetchWaitMs,
    maxBytesPerPartition: fetchBytes,
    maxBytes: 4 * fetchBytes,
    metadataMaxAge: topicsEveryMs,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 8, restartOnFailure: async () => false },
  });
  const admin = client.admin();
  const round: Round = {
    options,
    receiver,
    signal,
    consumer,
    admin,
    positions: new Map(),
    offered: new Map(),
    counts,
    generation: 0,
  };
  const life = watchLife(consumer, onSign ?? (() => undefined));
  const ended = Promise.withResolvers<void>();
  let dirty = false;

  const checkpoint = async (): Promise<void> => {
    if (!dirty) return;
    dirty = false;
    try {
      const offsets = await receiver.checkpoint();
      if (!ephemeral) await commit(consumer, round.positions, offsets);
      onTrouble("checkpoint", undefined);
    } catch (error) {
      dirty = true;
      onTrouble("checkpoint", error instanceof Error ? error.message : String(error));
      if (error instanceof Fault && !error.retryable) ended.reject(error);
    }
  };

  // After a rebalance nothing in memory may be trusted: another member may have gone further in between.
  let assigned: Promise<void> = Promise.resolve();
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    round.generation += 1;
    const { generation } = round;
    assigned = assigned
      .then(() => reassign(round, generation, payload))
      .then(() => {
        dirty = true; // where a partition begins is kept, too
      })
      .catch(ended.reject);
    onTrouble("kafka", undefined);
  });
  consumer.on(consumer.events.CRASH, ({ payload: { error } }) => {
    onTrouble("kafka", error.message);
    ended.resolve(); // a new round begins with what there is then
  });

  watchHoles(consumer, round.positions, onLag);

  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    await assigned;
    try {
      await takeBatch(payload, round);
      dirty = true;
    } catch (error) {
      if (isKafkajs(error)) throw error; // a rebalance: kafkajs deals with it
      if (error instanceof Fault && error.retryable) {
        onTrouble("source", error.message);
        await pause(retryAfterMs, signal);
        await payload.heartbeat();
        return; // not resolved: kafkajs fetches it again
      }
      ended.reject(error);
      return;
    } finally {
      onTaken?.(payload.batch);
    }
    onTrouble("source", undefined);
    onLag(partitionKey(payload.batch), lagOf(payload.batch));
  };

  try {
    await admin.connect();
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: startFrom === "earliest" });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => life.taking(() => eachBatch(payload)),
    });
  } catch (error) {
    await inTime(Promise.allSettled([consumer.disconnect(), admin.disconnect()]), leaveWithinMs);
    throw error;
  }
  const isSetBack = watchClock(heartbeatEveryMs);
  const timer = setInterval(() => {
    void checkpoint();
    if (isSetBack()) ended.resolve();
    if (life.ageMs() < stalledAfterMs) return;
    onTrouble("kafka", `no answer for ${stalledAfterMs / 1_000} s: a new client takes over`);
    ended.resolve();
  }, checkpointEveryMs);
  const again = watchForTopics(options, topics, topicsEveryMs, ended.resolve);
  const stop = (): void => ended.resolve();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await ended.promise;
    await checkpoint();
  } finally {
    clearInterval(timer);
    clearInterval(again);
    signal.removeEventListener("abort", stop);
    round.generation += 1; // an assignment that is still being made is over
    if (!(await inTime(consumer.stop(), leaveWithinMs)))
      onTrouble("kafka", `the client did not leave within ${leaveWithinMs / 1_000} s: it is left to itself`);
    await assigned;
    dirty = dirty && signal.aborted;
    await checkpoint();
    await forgetAll(round);
    const leave = async (): Promise<void> => {
      await consumer.disconnect();
      if (ephemeral) await admin.deleteGroups([groupId]).catch(() => undefined); // an empty group expires by itself
      await admin.disconnect();
    };
    await inTime(leave(), leaveWithinMs);
  }
}

/** Takes over what the group has given us: state first, then the place in the log that it belongs to. */
async function reassign(
  round: Round,
  generation: number,
  { memberAssignment }: ConsumerGroupJoinEvent["payload"],
): Promise<void> {
  const { options, receiver, admin, signal, consumer, positions, offered, counts } = round;
  await forgetAll(round);
  const mine = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
    partitions.map((partition): Partition => ({ topic, partition })),
  );
  options.onJoin?.(mine);
  while (generation === round.generation && !signal.aborted) {
    try {
      for (const topic of options.topics) {
        const ours = mine.filter((partition) => partition.topic === topic);
        if (ours.length === 0) continue;
        const ends = await admin.fetchTopicOffsets(topic);
        await receiver.counted(topic, ends.length);
        const isNew = await newPartitions(options, { admin, counts, topic, count: ends.length });
        for (const partition of ours) {
          const key = partitionKey(partition);
          if (positions.has(key)) continue;
          const end = ends.find((each) => each.partition === partition.partition);
          const [low, high] = [Number(end?.low ?? 0), Number(end?.high ?? 0)];
          const range = { low, high, from: isNew(partition.partition) ? low : high };
          offered.set(key, partition);
          const resume = await receiver.assigned(partition, range);
          const { position, gap } = placeOf(partition, resume, range);
          if (gap !== undefined) await receiver.lost(partition, gap);
          consumer.seek({ ...partition, offset: String(position.next) });
          positions.set(key, position);
          options.onLag(
            key,
            Math.max(0, range.high - position.next - (position.anchor === undefined ? 0 : 1)),
          );
        }
      }
      options.onTrouble("assignment", undefined);
      return;
    } catch (error) {
      const fault = isKafkajs(error) ? kafkaFault(options.brokers, error) : error;
      if (!isKafkajs(error) && !(fault instanceof Fault && fault.retryable)) throw fault;
      options.onTrouble("assignment", fault instanceof Error ? fault.message : String(fault));
      // without a heartbeat the group soon gives it to somebody else: nothing of it is shown here meanwhile
      for (const [key, partition] of offered) {
        if (positions.has(key)) continue;
        offered.delete(key);
        await receiver.revoked(partition);
      }
      await pause(retryAfterMs, signal);
    }
  }
}

async function forgetAll({ positions, offered, receiver }: Round): Promise<void> {
  const partitions = [...offered.values()];
  positions.clear();
  offered.clear();
  for (const partition of partitions) await receiver.revoked(partition);
}

async function takeBatch(payload: EachBatchPayload, round: Round): Promise<void> {
  const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
  const { receiver, signal, positions, consumer, admin, generation } = round;
  const position = positions.get(partitionKey(batch));
  if (position === undefined || isStale()) return; // of an assignment that is over, or before our place was sought
  const { partition } = position;
  const [first] = batch.messages;
  if (isStray(position, batch)) return seekAgain(round, position, fetchedFrom(batch));
  position.sought = false;
  const over = (): boolean => !isRunning() || isStale() || signal.aborted || generation !== round.generation;
  if (first !== undefined && (await isNewLog(position, batch, admin))) {
    const why = `${partitionKey(partition)}: the log is another one than that of the state (topic made anew, or offsets went back)`;
    await receiver.lost(partition, { from: position.next, to: undefined, why });
    const [range] = (await admin.fetchTopicOffsets(batch.topic)).filter(
      (each) => each.partition === batch.partition,
    );
    Object.assign(position, { next: Number(range?.low ?? 0), sought: true });
    consumer.seek({ ...partition, offset: String(position.next) });
    return;
  }
  if (first !== undefined && Number(first.offset) > position.next + 1)
    await lookForLoss(round, position, first);
  for (let from = 0; from < batch.messages.length; from += sliceMessages) {
    if (over()) return;
    const slice = batch.messages.slice(from, from + sliceMessages);
    await beating(heartbeat, () => receiver.receive(partition, slice.map(toMessage)));
    const last = slice.at(-1);
    if (last !== undefined && !over()) {
      resolveOffset(last.offset);
      position.next = Number(last.offset) + 1;
    }
    await heartbeat();
  }
  if (over()) return;
  position.next = endOf(batch);
  resolveOffset(String(position.next - 1));
}

/** What came was not fetched from where we are: a batch of an assignment before, or the log has no such offset any more. */
async function seekAgain(
  { admin, receiver, consumer }: Round,
  position: Position,
  refused: number,
): Promise<void> {
  const { partition, next } = position;
  const ends = await admin.fetchTopicOffsets(partition.topic);
  const end = ends.find((each) => each.partition === partition.partition);
  const { position: place, gap } = placeOf(
    partition,
    { offset: next, anchor: position.anchor },
    { low: Number(end?.low ?? 0), high: Number(end?.high ?? next) },
  );
  if (gap !== undefined) await receiver.lost(partition, gap);
  Object.assign(position, place, { refused });
  consumer.seek({ ...partition, offset: String(place.next) });
}

/** Offsets may have gaps (transactions, compaction); only what lies below the log's start is lost. */
async function lookForLoss(
  { admin, receiver }: Round,
  position: Position,
  first: KafkaMessage,
): Promise<void> {
  const { partition, next } = position;
  const ends = await admin.fetchTopicOffsets(partition.topic);
  const low = Number(ends.find((each) => each.partition === partition.partition)?.low ?? 0);
  const to = Math.min(low, Number(first.offset));
  if (to <= next) return;
  await receiver.lost(partition, {
    from: next,
    to,
    why: `${partitionKey(partition)}: offsets ${next} to ${to - 1} were removed from the log before they were read`,
  });
}

/** Keeps the membership alive while work takes its time; a rebalance is told when the work is done. */
async function beating(heartbeat: () => Promise<void>, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => void heartbeat().catch(() => undefined), heartbeatEveryMs); // told by the next beat
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

function isKafkajs(error: unknown): error is Error {
  return error instanceof Error && error.name.startsWith("KafkaJS");
}
