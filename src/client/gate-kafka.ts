import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type { KafkaConfig } from "kafkajs";
import { endFetchingWhenStopped, type KafkajsRunner } from "../model/kafkajs-runner.ts";
import { type Breaker, type BreakerReason, segmentKey } from "../model/verdict.ts";
import type { Feed } from "./gate.ts";

export interface KafkaFeed extends Omit<KafkaConfig, "brokers" | "logLevel"> {
  readonly brokers: readonly string[];
  /** Default `tidemark.breakers`. */
  readonly topic?: string;
}

const aliveEveryMs = 1_000;

/** A service that closes its gate must come to its end, whatever the brokers do. */
function mendKafkajs(): void {
  const require = createRequire(import.meta.url);
  const file = "kafkajs/src/consumer/runner.js";
  let runner: { prototype: KafkajsRunner };
  try {
    runner = require(file);
  } catch {
    return; // packed into one file with the service: kafkajs's own are not to be had
  }
  endFetchingWhenStopped(runner.prototype);
}

/**
 * Reads the compacted topic of breakers from its beginning, in a consumer group of its own that commits nothing and is gone
 * with the process. The state is known when the end that the topic had at the start is reached.
 */
export function kafkaFeed({ brokers, topic = "tidemark.breakers", ...config }: KafkaFeed): Feed {
  return (book, view) => {
    let stop: () => Promise<void> = async () => undefined;
    let closed = false;
    const begin = async (): Promise<void> => {
      const { default: kafkajs } = await import("kafkajs");
      mendKafkajs();
      const kafka = new kafkajs.Kafka({
        clientId: "tidemark-client",
        ...config,
        brokers: [...brokers],
        logLevel: kafkajs.logLevel.NOTHING,
      });
      const admin = kafka.admin();
      await admin.connect();
      const ends = new Map<number, number>();
      for (const { partition, low, high } of await admin
        .fetchTopicOffsets(topic)
        .finally(() => admin.disconnect())) {
        if (Number(high) > Number(low)) ends.set(partition, Number(high));
      }
      const consumer = kafka.consumer({ groupId: `tidemark-client-${randomUUID()}` });
      let joined = false;
      const timer = setInterval(() => {
        if (joined && ends.size === 0) book.alive();
      }, aliveEveryMs);
      timer.unref();
      stop = async () => {
        clearInterval(timer);
        await consumer.disconnect();
      };
      consumer.on(consumer.events.GROUP_JOIN, () => {
        joined = true;
        if (ends.size === 0) book.alive();
      });
      // kafkajs joins again by itself; until then nothing is known to be fresh
      for (const event of [consumer.events.CRASH, consumer.events.DISCONNECT, consumer.events.STOP])
        consumer.on(event, () => {
          joined = false;
        });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, heartbeat }) => {
          for (const { value } of batch.messages) {
            if (value === null) continue;
            const { featureView, segment, state, reasons } = JSON.parse(value.toString()) as Breaker & {
              reasons: readonly BreakerReason[];
            };
            if (featureView === view) book.set(segmentKey(segment), state, reasons);
          }
          const end = ends.get(batch.partition);
          if (end !== undefined && Number(batch.lastOffset()) + 1 >= end) ends.delete(batch.partition);
          if (ends.size === 0) book.alive();
          await heartbeat();
        },
      });
      if (closed) await stop();
    };
    const beginning = (async () => {
      for (let wait = 250; !closed; wait = Math.min(2 * wait, 10_000)) {
        try {
          await begin();
          return;
        } catch (error) {
          book.lost(error instanceof Error ? error.message : String(error));
          await stop().catch(() => undefined); // unreachable, or no such topic yet: the gate stays unknown
          await new Promise((done) => setTimeout(done, wait).unref());
        }
      }
    })();
    return {
      async close() {
        closed = true;
        await Promise.race([beginning, new Promise((done) => setTimeout(done, 1_000).unref())]);
        await stop();
      },
    };
  };
}
