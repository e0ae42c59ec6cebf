import type { Admin, ITopicConfig, Kafka, Message, Producer } from "kafkajs";
import { Fault } from "../model/fault.ts";
import { partitionKey } from "../model/record.ts";
import { isoTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { Handover } from "../pipeline/handover.ts";
import type { DeadLetter, Outcome, Sink } from "../pipeline/ports.ts";
import { encodeSignal, type Signal } from "../pipeline/signal.ts";

export interface KafkaSinkOptions {
  readonly client: Kafka;
  readonly topicPrefix: string;
  /** CloudEvents `source` of verdicts. */
  readonly source: string;
  /** Keeps closed windows for a judge in this process. */
  readonly handover?: Handover | undefined;
}

/** A message of 16 MiB that is a dead letter, with its headers; a window of many fields and categories. */
const messageBytesMax = 17 * 1024 * 1024;
const weekMs = 7 * 86_400_000;

/**
 * Outcomes as topics: `<prefix>.profiles` (closed windows and what else the judge is told), `<prefix>.breakers` (compacted), `<prefix>.verdicts` (CloudEvents 1.0),
 * `<prefix>.dead-letters`. Every record has a key that names the thing, so writing it again changes nothing. `accept`
 * resolves when all replicas have it.
 * @throws Fault `sink.unreachable`, retryable
 */
export async function createKafkaSink(options: KafkaSinkOptions): Promise<Sink> {
  const { client, topicPrefix } = options;
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  const topicOf = (name: TopicName): string => `${topicPrefix}.${name}`;
  const opening = guarded(topicPrefix, async () => {
    const admin = client.admin();
    await admin.connect();
    try {
      await createTopics(admin, topicPrefix);
    } finally {
      await admin.disconnect();
    }
    await producer.connect();
  });
  await opening.catch((error: unknown) => {
    void Promise.allSettled([producer.disconnect()]); // whoever asks again is given a new one
    throw error;
  });
  return {
    name: "kafka",
    accept: (outcomes) => guarded(topicPrefix, () => send(producer, topicOf, outcomes, options)),
    close: () => producer.disconnect(),
  };
}

type TopicName = "profiles" | "breakers" | "verdicts" | "dead-letters";

async function createTopics(admin: Admin, prefix: string): Promise<void> {
  const { brokers } = await admin.describeCluster();
  const existing = new Set(await admin.listTopics());
  const topic = (name: TopicName, config: Record<string, string>): ITopicConfig => ({
    topic: `${prefix}.${name}`,
    numPartitions: 1,
    replicationFactor: Math.min(3, brokers.length),
    configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
  });
  const kept = { "retention.ms": String(weekMs) };
  const wanted = [
    topic("profiles", {
      ...kept,
      "max.message.bytes": String(messageBytesMax),
      "message.timestamp.type": "LogAppendTime", // the judge's clock is the log's: no member's own may move it
    }),
    topic("breakers", { "cleanup.policy": "compact" }),
    topic("verdicts", kept),
    topic("dead-letters", {
      "retention.ms": String(2 * weekMs),
      "max.message.bytes": String(messageBytesMax),
    }),
  ].filter((each) => !existing.has(each.topic));
  if (wanted.length === 0) return;
  await admin.createTopics({ topics: wanted, waitForLeaders: true }).catch((error: unknown) => {
    // made, but the node that was asked has not heard of it yet: whoever writes asks again
    if ((error as { type?: string }).type !== "UNKNOWN_TOPIC_OR_PARTITION") throw error;
  });
}

async function send(
  producer: Producer,
  topicOf: (name: TopicName) => string,
  outcomes: readonly Outcome[],
  { source, handover }: KafkaSinkOptions,
): Promise<void> {
  const messages: Record<TopicName, Message[]> = {
    "dead-letters": [],
    profiles: [],
    verdicts: [],
    breakers: [],
  };
  for (const outcome of outcomes) {
    switch (outcome.kind) {
      case "dead-letter":
        messages["dead-letters"].push(deadLetterMessage(outcome.deadLetter));
        break;
      case "profile": {
        const { profile, partition, partial = false } = outcome;
        messages.profiles.push(
          signalMessage({ kind: "closed", partition: partitionKey(partition), profile, partial }, handover),
        );
        break;
      }
      case "signal":
        messages.profiles.push(signalMessage(outcome.signal));
        break;
      case "judged":
        messages.verdicts.push(verdictMessage(outcome.judged, source));
        break;
      case "breaker": {
        const { featureView, segment } = outcome.breaker;
        const key = segment === null ? featureView : `${featureView}|${segmentKey(segment)}`;
        messages.breakers.push({
          key,
          value: JSON.stringify({ ...outcome.breaker, transition: outcome.transition }),
        });
        break;
      }
      case "alert":
        break;
    }
  }
  for (const [name, some] of Object.entries(messages) as [TopicName, Message[]][]) {
    if (some.length > 0) await producer.send({ topic: topicOf(name), acks: -1, messages: some });
  }
}

function signalMessage(signal: Signal, handover?: Handover): Message {
  const { key, value, headers } = encodeSignal(signal, handover);
  return { key, value: bufferOf(value), headers: { ...headers } };
}

/** The same bytes: what is handed to the client does not change any more. */
function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function deadLetterMessage({ partition, offset, reason, message, bytes, key, headers }: DeadLetter): Message {
  return {
    key: `${partitionKey(partition)}@${offset}`,
    value: bufferOf(bytes),
    headers: {
      ...Object.fromEntries(headers),
      ...(key === undefined ? {} : { "__dlq.key": Buffer.from(key) }),
      "__dlq.errors.topic": partition.topic,
      "__dlq.errors.partition": String(partition.partition),
      "__dlq.errors.offset": String(offset),
      "__dlq.errors.reason": reason,
      "__dlq.errors.message": message,
    },
  };
}

/** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
function verdictMessage(judged: Extract<Outcome, { kind: "judged" }>["judged"], source: string): Message {
  const { featureView, spec, segment, window, final, asOf, revision = 0 } = judged;
  const stage = !final ? `early@${asOf}` : revision > 0 ? `final.${revision}` : "final";
  const id = [featureView, spec, window.start, segmentKey(segment), stage].join("|");
  const event = {
    specversion: "1.0",
    id,
    source,
    type: "io.tidemark.window.judged.v1",
    subject: featureView,
    time: isoTime(window.end),
    datacontenttype: "application/json",
    data: judged,
  };
  return {
    key: id,
    value: JSON.stringify(event),
    headers: { "content-type": "application/cloudevents+json" },
  };
}

async function guarded<T>(prefix: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault(
      "sink.unreachable",
      `topics ${prefix}.*: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        retryable: true,
        cause,
      },
    );
  }
}
