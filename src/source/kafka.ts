import type { Consumer, EachBatchPayload, Kafka, Batch as KafkaBatch } from "kafkajs";
import { Fault } from "../model/fault.ts";
import { type Partition, partitionKey } from "../model/record.ts";
import type { Receiver, Source } from "../pipeline/ports.ts";
import { kafkaFault } from "./kafka-client.ts";
import { toMessage } from "./kafka-message.ts";
import { pause } from "./pause.ts";

/** A dead process's partitions are taken over after this. */
const sessionTimeoutMs = 6_000;
const heartbeatEveryMs = 1_000;
/** How long a fetch may wait for data: bounds the delay of a quiet topic. */
const fetchWaitMs = 100;
/** Bytes of one partition in one fetch; a larger message comes alone (KIP-74). Small enough to stay in the cache until it is profiled. */
const fetchBytes = 1024 * 1024;
/** Messages handed on before the next heartbeat. */
const sliceMessages = 64;
const checkpointEveryMs = 5_000;
/** How often topics that do not exist yet are looked for. */
const topicsEveryMs = 5_000;
/** How long to wait before what failed, and may work later, is tried again. */
const retryAfterMs = 1_000;

export interface KafkaSourceOptions {
  readonly client: Kafka;
  /** For messages. */
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a partition without checkpoint and without committed offset begins. */
  readonly startFrom: "earliest" | "latest";
  readonly onTrouble: (name: string, text: string | undefined) => void;
  /** Records between our position and the partition's end, by `partitionKey`. */
  readonly onLag: (partition: string, records: number) => void;
}

/**
 * Topics as a source: one consumer group member. Offsets are ours (they travel with the state in the checkpoint); the
 * group's committed offsets are a courtesy for lag dashboards.
 */
export function createKafkaSource(options: KafkaSourceOptions): Source {
  return {
    async run(receiver, signal) {
      while (!signal.aborted) {
        const existing = await existingTopics(options, signal);
        if (existing.length === 0) continue;
        await consume(options, existing, receiver, signal);
      }
    },
  };
}

/** Waits until at least one of the topics is there. */
async function existingTopics(options: KafkaSourceOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { client, topics, onTrouble, brokers } = options;
  const admin = client.admin();
  try {
    await admin.connect();
    while (!signal.aborted) {
      const all = new Set(await admin.listTopics());
      const existing = topics.filter((topic) => all.has(topic));
      const missing = topics.filter((topic) => !all.has(topic));
      onTrouble("topics", missing.length === 0 ? undefined : `no such topic yet: ${missing.join(", ")}`);
      if (existing.length > 0) return existing;
      await pause(topicsEveryMs, signal);
    }
    return [];
  } catch (error) {
    throw kafkaFault(brokers, error);
  } finally {
    await admin.disconnect();
  }
}

/** Where one assigned partition stands. */
interface Position {
  readonly resume: number | undefined;
  sought: boolean;
}

async function consume(
  options: KafkaSourceOptions,
  topics: readonly string[],
  receiver: Receiver,
  signal: AbortSignal,
): Promise<void> {
  const { client, groupId, brokers, startFrom, onTrouble, onLag } = options;
  const consumer = client.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatEveryMs,
    maxWaitTimeInMs: fetchWaitMs,
    maxBytesPerPartition: fetchBytes,
    maxBytes: 4 * fetchBytes,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 8, restartOnFailure: async () => true },
  });
  const positions = new Map<string, Position>();
  const assigned = new Map<string, Partition>();
  const ended = Promise.withResolvers<void>();
  let dirty = false;

  const checkpoint = async (): Promise<void> => {
    if (!dirty) return;
    dirty = false;
    try {
      await commit(consumer, assigned, await receiver.checkpoint());
      onTrouble("checkpoint", undefined);
    } catch (error) {
      dirty = true;
      onTrouble("checkpoint", error instanceof Error ? error.message : String(error));
      if (error instanceof Fault && !error.retryable) ended.reject(error);
    }
  };
  const forgetAll = async (): Promise<void> => {
    const partitions = [...assigned.values()];
    assigned.clear();
    positions.clear();
    for (const partition of partitions) await receiver.revoked(partition);
  };

  // After a rebalance nothing in memory may be trusted: another member may have gone further in between.
  let forgotten: Promise<void> = Promise.resolve();
  consumer.on(consumer.events.GROUP_JOIN, () => {
    forgotten = forgotten.then(forgetAll);
    onTrouble("kafka", undefined);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => onTrouble("kafka", payload.error.message));

  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    await forgotten;
    try {
      await takeBatch(payload, consumer, positions, assigned, receiver, signal, options);
      dirty = true;
    } catch (error) {
      if (error instanceof Fault && error.retryable) {
        onTrouble("source", error.message);
        await pause(retryAfterMs, signal);
        return; // not resolved: kafkajs fetches it again
      }
      ended.reject(error);
      return;
    }
    onTrouble("source", undefined);
    onLag(partitionKey(payload.batch), lagOf(payload.batch));
  };

  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: startFrom === "earliest" });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch,
    });
  } catch (error) {
    await consumer.disconnect();
    throw kafkaFault(brokers, error);
  }
  const timer = setInterval(() => void checkpoint(), checkpointEveryMs);
  const again = watchForTopics(options, topics, ended.resolve);
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
    await consumer.stop();
    dirty = dirty && signal.aborted;
    await checkpoint();
    await consumer.disconnect();
    await forgetAll();
  }
}

async function takeBatch(
  { batch, heartbeat, resolveOffset, isRunning, isStale }: EachBatchPayload,
  consumer: Consumer,
  positions: Map<string, Position>,
  assigned: Map<string, Partition>,
  receiver: Receiver,
  signal: AbortSignal,
  { onTrouble }: KafkaSourceOptions,
): Promise<void> {
  const partition: Partition = { topic: batch.topic, partition: batch.partition };
  const key = partitionKey(partition);
  let position = positions.get(key);
  if (position === undefined) {
    position = { resume: await receiver.assigned(partition), sought: false };
    positions.set(key, position);
    assigned.set(key, partition);
  }
  const first = Number(batch.messages[0]?.offset ?? batch.lastOffset());
  const { resume } = position;
  if (resume !== undefined && first > resume && !position.sought) {
    // the group's committed offset is ahead of our state: go back to where the state ends
    position.sought = true;
    consumer.seek({ topic: batch.topic, partition: batch.partition, offset: String(resume) });
    return;
  }
  if (resume !== undefined && position.sought && first > resume) {
    onTrouble("lost", `${key}: offsets ${resume} to ${first - 1} are gone from the log`);
    positions.set(key, { resume: undefined, sought: true });
  }
  for (let from = 0; from < batch.messages.length; from += sliceMessages) {
    if (!isRunning() || isStale() || signal.aborted) return;
    const slice = batch.messages.slice(from, from + sliceMessages);
    await receiver.receive(partition, slice.map(toMessage));
    const last = slice.at(-1);
    if (last !== undefined) resolveOffset(last.offset);
    await heartbeat();
  }
  if (batch.messages.length === 0) resolveOffset(batch.lastOffset());
}

function lagOf(batch: KafkaBatch): number {
  return Math.max(0, Number(batch.highWatermark) - Number(batch.lastOffset()) - 1);
}

async function commit(
  consumer: Consumer,
  assigned: ReadonlyMap<string, Partition>,
  offsets: ReadonlyMap<string, number>,
): Promise<void> {
  const commits = [...offsets].flatMap(([key, offset]) => {
    const partition = assigned.get(key);
    return partition === undefined ? [] : [{ ...partition, offset: String(offset) }];
  });
  if (commits.length === 0) return;
  await consumer.commitOffsets(commits).catch((error: unknown) => {
    // a courtesy: our own checkpoint is what counts, and a rebalance may be under way
    if (!(error instanceof Error)) throw error;
  });
}

/** Ends the round when a topic that was missing has come. */
function watchForTopics(
  { client, topics }: KafkaSourceOptions,
  existing: readonly string[],
  restart: () => void,
): NodeJS.Timeout | undefined {
  const missing = topics.filter((topic) => !existing.includes(topic));
  if (missing.length === 0) return undefined;
  return setInterval(async () => {
    const admin = client.admin();
    try {
      await admin.connect();
      const all = new Set(await admin.listTopics());
      if (missing.some((topic) => all.has(topic))) restart();
    } catch {
      // the consumer itself reports a broker that is away; the next look is soon
    } finally {
      await admin.disconnect();
    }
  }, topicsEveryMs);
}
