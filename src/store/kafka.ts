import type { Admin, Kafka, Message } from "kafkajs";
import { Fault } from "../model/fault.ts";
import type { Store } from "../pipeline/ports.ts";

/** Largest piece of a value: brokers refuse messages over 1 MiB unless told otherwise. */
const pieceBytes = 900_000;
/** How long loading waits to have read the topic to its end. */
const catchUpTimeoutMs = 30_000;
const pollEveryMs = 20;

export interface KafkaStoreOptions {
  readonly client: Kafka;
  /** Compacted; made when absent. */
  readonly topic: string;
  /** Part of the name of this process's own reading group, which is removed at the end. */
  readonly processId: string;
}

/**
 * State in a compacted topic. A value over 900 kB is cut in pieces of their own keys with a manifest last; pieces without
 * their manifest are never looked at. `load` first reads to the topic's end, so that what another process saved is seen.
 * @throws Fault `store.failed`, retryable
 */
export async function openKafkaStore({ client, topic, processId }: KafkaStoreOptions): Promise<Store> {
  const [admin, producer] = [client.admin(), client.producer({ idempotent: true, maxInFlightRequests: 1 })];
  const groupId = `${topic}.reader.${processId}`;
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 50, allowAutoTopicCreation: false });
  const values = new Map<string, Uint8Array>();
  const read = new Map<number, number>();
  const opening = guarded(topic, async () => {
    await admin.connect();
    await createCompacted(admin, topic);
    await Promise.all([producer.connect(), consumer.connect()]);
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { key, value, offset } of batch.messages) {
          if (key !== null && value !== null) values.set(key.toString(), value);
          else if (key !== null) values.delete(key.toString());
          read.set(batch.partition, Number(offset) + 1);
        }
        read.set(batch.partition, Number(batch.lastOffset()) + 1);
      },
    });
  });
  await opening.catch((error: unknown) => {
    // whoever asks again is given new ones; these need not be waited for
    void Promise.allSettled([consumer.disconnect(), producer.disconnect(), admin.disconnect()]);
    throw error;
  });

  const catchUp = async (): Promise<void> => {
    const ends = await admin.fetchTopicOffsets(topic);
    const deadline = performance.now() + catchUpTimeoutMs;
    const behind = (): boolean =>
      ends.some(
        ({ partition, low, high }) => Number(high) > Number(low) && (read.get(partition) ?? 0) < Number(high),
      );
    while (behind()) {
      if (performance.now() > deadline) {
        throw new Fault("store.failed", `${topic}: not read to its end within ${catchUpTimeoutMs} ms`, {
          retryable: true,
        });
      }
      await new Promise((done) => setTimeout(done, pollEveryMs));
    }
  };

  return {
    load: (key) =>
      guarded(topic, async () => {
        await catchUp();
        return assemble(values, key);
      }),
    save: (entries) =>
      guarded(topic, async () => {
        const messages = [...entries].flatMap(([key, value]) => messagesOf(key, value, values.get(key)));
        for (const batch of batchesOf(messages)) await producer.send({ topic, acks: -1, messages: batch });
      }),
    close: async () => {
      await consumer.disconnect();
      await producer.disconnect();
      await admin.deleteGroups([groupId]).catch((error: unknown) => {
        // an empty group expires by itself; a state that was saved is not at risk
        if (!(error instanceof Error)) throw error;
      });
      await admin.disconnect();
    },
  };
}

async function createCompacted(admin: Admin, topic: string): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return;
  const { brokers } = await admin.describeCluster();
  const options = {
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: 1,
        replicationFactor: Math.min(3, brokers.length),
        configEntries: [
          { name: "cleanup.policy", value: "compact" },
          { name: "min.cleanable.dirty.ratio", value: "0.1" },
        ],
      },
    ],
  };
  await admin.createTopics(options).catch((error: unknown) => {
    // made, but the node that was asked has not heard of it yet: whoever reads asks again
    if ((error as { type?: string }).type !== "UNKNOWN_TOPIC_OR_PARTITION") throw error;
  });
}

const manifestMark = "tidemark-pieces:";
/** Sets of pieces that take turns: the set that the manifest names stays whole while the other is written. */
const turns = 2;

function messagesOf(key: string, value: Uint8Array, before: Uint8Array | undefined): Message[] {
  if (value.length <= pieceBytes) return [{ key, value: bufferOf(value) }];
  const pieces = Math.ceil(value.length / pieceBytes);
  const turn = (((before === undefined ? undefined : readManifest(before))?.turn ?? 0) + 1) % turns;
  const messages: Message[] = [];
  for (let piece = 0; piece < pieces; piece++) {
    const part = value.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
    messages.push({ key: pieceKey(key, turn, piece), value: bufferOf(part) });
  }
  messages.push({ key, value: `${manifestMark}${pieces}:${turn}` });
  return messages;
}

/** The same bytes: nobody changes them while they are on their way. */
const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length);

/** In their order, each batch small enough for one request. */
function batchesOf(messages: readonly Message[]): Message[][] {
  const batches: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const size = message.value?.length ?? 0;
    if (bytes + size > pieceBytes) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(message);
    bytes += size;
  }
  return batches;
}

const pieceKey = (key: string, turn: number, piece: number): string => `${key}#${turn}.${piece}`;

function readManifest(value: Uint8Array): { pieces: number; turn: number } | undefined {
  if (value.length > 64) return undefined;
  const match = new RegExp(`^${manifestMark}(\\d+):(\\d+)$`).exec(new TextDecoder().decode(value));
  return match === null ? undefined : { pieces: Number(match[1]), turn: Number(match[2]) };
}

function assemble(values: ReadonlyMap<string, Uint8Array>, key: string): Uint8Array | undefined {
  const value = values.get(key);
  const manifest = value === undefined ? undefined : readManifest(value);
  if (manifest === undefined) return value;
  const parts = Array.from({ length: manifest.pieces }, (_, piece) =>
    values.get(pieceKey(key, manifest.turn, piece)),
  );
  if (parts.some((part) => part === undefined)) return undefined;
  return Buffer.concat(parts.flatMap((part) => (part === undefined ? [] : [part])));
}

async function guarded<T>(topic: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("store.failed", `${topic}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      retryable: true,
      cause,
    });
  }
}
