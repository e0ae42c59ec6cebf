/** The thread that reads Kafka: a source whose receiver stands in another thread. Started by `kafka-threaded.ts`. */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { Fault } from "../model/fault.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import type { Receiver, Resume } from "../pipeline/ports.ts";
import { createBuffers, createReused } from "./buffers.ts";
import { createKafkaSource } from "./kafka.ts";
import { memoryOf } from "./kafka-answers.ts";
import { createKafkaClient } from "./kafka-client.ts";
import {
  type FromThread,
  faultOf,
  noteOf,
  packMessages,
  type ReceiverCall,
  type ThreadStart,
  type ToThread,
} from "./thread-messages.ts";
import { createPulse } from "./thread-pulse.ts";

/** Bytes that may be on their way to the thread that profiles, or wait there; a single slice may be larger. */
const underWayMax = 8 * 1024 * 1024;
/** Without any progress over there for so long, the messages in hand are let go of: they are fetched again, and a rebalance is heard. */
const stuckAfterMs = 5_000;

assert(parentPort !== null);
const port = parentPort;
const { kafka, options } = workerData as ThreadStart;
const stop = new AbortController();
const asked = new Map<number, PromiseWithResolvers<unknown>>();
const terms = new Map<string, number>();
let calls = 0;
const buffers = createBuffers(underWayMax);
/** What Kafka's answers are read into; when all batches of one have been packed, the next may have its memory. */
const answers = createReused(underWayMax);
let underWay = 0;
let news = Promise.withResolvers<void>();

const wake = (): void => {
  news.resolve();
  news = Promise.withResolvers();
};

const tell = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

port.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "pulse":
      return pulse.heard();
    case "answer": {
      const answer = asked.get(message.id);
      asked.delete(message.id);
      if (message.fault === undefined) answer?.resolve(message.value);
      else answer?.reject(faultOf(message.fault));
      return;
    }
    case "taken":
      underWay -= message.bytes.byteLength;
      buffers.give(message.bytes);
      wake();
      return;
    case "stop":
      stop.abort();
      return;
  }
});

let fault: unknown;
let answered = false;
/** Nobody takes anything any more: the group is left, so that others may have the partitions. */
const giveUp = (): void => {
  fault ??= new Fault("source.failed", "the thread that profiles has said nothing for a minute");
  for (const answer of asked.values()) answer.reject(fault);
  stop.abort();
};
const pulse = createPulse({
  beat: () => {
    tell({ kind: "pulse", answered });
    answered = false;
  },
  onDead: giveUp,
});

const ask = <T>(call: ReceiverCall): Promise<T> => {
  if (fault !== undefined) return Promise.reject(fault);
  const id = calls++;
  const answer = Promise.withResolvers<unknown>();
  asked.set(id, answer);
  tell({ kind: "call", id, call });
  return answer.promise as Promise<T>;
};

/** @throws Fault `source.failed`, retryable, when there are none for long */
const hearNews = async (): Promise<void> => {
  const stuck = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const held = `${underWay} bytes of messages wait, and none was taken for ${stuckAfterMs / 1_000} s`;
    stuck.reject(new Fault("source.failed", held, { retryable: true }));
  }, stuckAfterMs);
  try {
    await Promise.race([news.promise, stuck.promise]);
  } finally {
    clearTimeout(timer);
  }
};

const receive = async (partition: Partition, messages: readonly Message[]): Promise<void> => {
  const packed = packMessages(messages, buffers.take);
  const key = partitionKey(partition);
  const term = terms.get(key) ?? 0;
  const { byteLength } = packed.bytes;
  while (underWay > 0 && underWay + byteLength > underWayMax) {
    await hearNews();
    if (terms.get(key) !== term) return; // it belongs to somebody else by now
  }
  underWay += byteLength;
  tell({ kind: "messages", partition, term, packed }, [packed.bytes]);
};

const receiver: Receiver = {
  receive,
  assigned: (partition, extent) => {
    const key = partitionKey(partition);
    const term = (terms.get(key) ?? 0) + 1;
    terms.set(key, term);
    return ask<Resume | undefined>({ kind: "assigned", partition, extent, term });
  },
  lost: (partition, gap) => ask({ kind: "lost", partition, gap }),
  counted: (topic, partitions) => ask({ kind: "counted", topic, partitions }),
  ended: async () => undefined, // a topic has no end
  revoked: (partition) => {
    const key = partitionKey(partition);
    const term = terms.get(key) ?? 0;
    terms.set(key, term + 1);
    tell({ kind: "drop", key, term });
    wake();
    return ask({ kind: "revoked", partition });
  },
  checkpoint: () => ask({ kind: "checkpoint" }),
};

const source = createKafkaSource({
  ...options,
  client: createKafkaClient(
    kafka,
    { debug: (fields: object, text: string) => tell({ kind: "log", fields, text }) },
    answers.take,
  ),
  onTaken: (batch) => {
    for (const memory of memoryOf(batch)) answers.give(memory);
  },
  // "source" is told of by whoever takes the messages: this side is done with them, and knows nothing, while they wait over there
  onTrouble: (name, text) => tell({ kind: "trouble", name: name === "source" ? "backlog" : name, text }),
  onLag: (key, records) => tell({ kind: "lag", key, records }),
  onSign: () => {
    answered = true;
  },
});

try {
  await source.run(receiver, stop.signal);
} catch (error) {
  fault ??= error;
}
pulse.end();
tell({ kind: "ended", fault: fault === undefined ? undefined : noteOf(fault) });
port.close();
