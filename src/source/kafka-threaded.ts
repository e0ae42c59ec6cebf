import { extname } from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Fault } from "../model/fault.ts";
import { partitionKey } from "../model/record.ts";
import type { Receiver, Source } from "../pipeline/ports.ts";
import type { KafkaSourceOptions } from "./kafka.ts";
import type { KafkaLog, KafkaOptions } from "./kafka-client.ts";
import { pause } from "./pause.ts";
import {
  type FromThread,
  faultOf,
  noteOf,
  type ReceiverCall,
  type ThreadStart,
  type ToThread,
  unpackMessages,
} from "./thread-messages.ts";
import { createPulse } from "./thread-pulse.ts";

/** How long to wait before messages that a sink or the store has held up are taken again. */
const retryAfterMs = 1_000;
/**
 * How long the thread may take to stop. kafkajs 2.2.4 goes round for ever when it is stopped at the moment when the set of brokers
 * changes (`fetchManager.start` makes new fetchers for a runner that has ended); then it is ended from outside. What was received
 * after the last checkpoint is read again.
 */
const stopWithinMs = 15_000;
/**
 * Messages that wait are taken in one go for so long; then requests and timers have their turn. Node hands over what a port holds, and
 * what comes meanwhile, up to a thousand of them before it looks at anything else: that was seconds without an answer in a backlog.
 */
const atOneGoMs = 20;

export interface KafkaThreadOptions
  extends Pick<KafkaSourceOptions, "topics" | "reached" | "onTrouble" | "onLag" | "onSign"> {
  readonly kafka: KafkaOptions & Pick<KafkaSourceOptions, "groupId" | "startFrom">;
  readonly log: KafkaLog | undefined;
}

/**
 * `createKafkaSource` in a thread of its own: fetching, decompressing and Kafka's protocol go on beside profiling, and so do
 * the heartbeats, however long a batch takes. Calls of the receiver and messages come in the order in which the source made them;
 * it is ahead by 8 MiB at most. A checkpoint is one of those calls, so it holds what was received before it and nothing else.
 */
export function createKafkaThread(options: KafkaThreadOptions): Source {
  const { kafka, topics, reached = false, onTrouble, onLag, onSign, log } = options;
  return {
    async run(receiver, signal) {
      const { brokers, groupId, startFrom, clientId, ssl, sasl } = kafka;
      const start: ThreadStart = {
        kafka: { brokers, clientId, ssl, sasl },
        options: { brokers, groupId, topics, startFrom, reached },
      };
      const worker = new Worker(new URL(`./kafka-thread${extname(import.meta.filename)}`, import.meta.url), {
        workerData: start,
      });
      const tell: Tell = (message, transfer = []) => worker.postMessage(message, transfer);
      const ended = Promise.withResolvers<void>();
      const stop = new AbortController();
      let turn: Promise<void> = Promise.resolve();
      /** What cannot be tried again ends the source, without a checkpoint; the thread leaves its group first. */
      let failure: unknown;
      let roundAt = performance.now();
      const takes = createTaking({ receiver, tell, signal: stop.signal, onTrouble, failure: () => failure });
      const inTurn = (work: () => Promise<void>): void => {
        turn = turn.then(work).then(breathe, (error: unknown) => {
          failure ??= error;
          end();
        });
      };
      const breathe = async (): Promise<void> => {
        if (performance.now() - roundAt < atOneGoMs) return;
        await nextRound();
        roundAt = performance.now();
      };
      const pulse = createPulse({
        beat: () => tell({ kind: "pulse" }),
        onDead: () => {
          const silent = "the thread that reads Kafka has said nothing for a minute";
          ended.reject(
            new Fault("source.failed", silent, { hint: "whoever starts tidemark may start it again" }),
          );
        },
      });
      let late: NodeJS.Timeout | undefined;
      const end = (): void => {
        stop.abort();
        tell({ kind: "stop" });
        late ??= setTimeout(ended.resolve, stopWithinMs);
      };
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
      worker.on("message", (message: FromThread) => {
        switch (message.kind) {
          case "messages":
            return inTurn(() => takes.messages(message));
          case "call":
            return inTurn(() => takes.call(message.id, message.call));
          case "drop":
            return takes.drop(message.key, message.term);
          case "trouble":
            return onTrouble(message.name, message.text);
          case "lag":
            return onLag(message.key, message.records);
          case "pulse":
            pulse.heard();
            if (message.answered) onSign?.();
            return;
          case "log":
            return log?.debug(message.fields, message.text);
          case "ended":
            if (message.fault === undefined) ended.resolve();
            else ended.reject(faultOf(message.fault));
            return;
        }
      });
      worker.on("error", ended.reject);
      worker.on("exit", (code) =>
        ended.reject(new Fault("source.failed", `the thread that reads Kafka ended with ${code}`)),
      );
      try {
        await ended.promise;
      } catch (error) {
        failure ??= error;
      } finally {
        signal.removeEventListener("abort", end);
        clearTimeout(late);
        pulse.end();
        stop.abort();
        await worker.terminate();
        await turn;
      }
      if (failure !== undefined) throw failure;
    },
  };
}

type Tell = (message: ToThread, transfer?: readonly ArrayBuffer[]) => void;

interface TakingOptions {
  readonly receiver: Receiver;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly onTrouble: (name: string, text: string | undefined) => void;
  /** What the receiver has thrown and cannot be tried again: its state must not become durable. */
  readonly failure: () => unknown;
}

interface Taking {
  messages(message: Extract<FromThread, { kind: "messages" }>): Promise<void>;
  call(id: number, call: ReceiverCall): Promise<void>;
  drop(key: string, term: number): void;
}

/** The receiver's side. A partition of which messages were dropped takes none until it is assigned again: there would be a gap. */
function createTaking({ receiver, tell, signal, onTrouble, failure }: TakingOptions): Taking {
  /** The last term whose messages are dropped, by partition. */
  const dropped = new Map<string, number>();
  const drop = (key: string, term: number): void => {
    dropped.set(key, Math.max(term, dropped.get(key) ?? term));
  };

  const answer = async (call: ReceiverCall): Promise<unknown> => {
    switch (call.kind) {
      case "assigned":
        return receiver.assigned(call.partition, call.extent);
      case "lost":
        return receiver.lost(call.partition, call.gap);
      case "counted":
        return receiver.counted(call.topic, call.partitions);
      case "revoked":
        return receiver.revoked(call.partition);
      case "checkpoint":
        if (failure() !== undefined) throw failure();
        return receiver.checkpoint();
    }
  };

  return {
    drop,
    async call(id, call) {
      try {
        tell({ kind: "answer", id, value: await answer(call) });
      } catch (error) {
        tell({ kind: "answer", id, value: undefined, fault: noteOf(error) });
      }
    },
    async messages({ partition, term, packed }) {
      const key = partitionKey(partition);
      const over = (): boolean => term <= (dropped.get(key) ?? 0);
      const messages = unpackMessages(packed);
      try {
        while (!over()) {
          try {
            await receiver.receive(partition, messages);
            onTrouble("source", undefined);
            return;
          } catch (error) {
            const again = error instanceof Fault && error.retryable && !signal.aborted;
            if (!again) drop(key, term);
            if (!(error instanceof Fault) || !error.retryable) throw error;
            onTrouble("source", error.message);
            await pause(retryAfterMs, signal);
          }
        }
      } finally {
        tell({ kind: "taken", bytes: packed.bytes }, [packed.bytes]);
      }
    },
  };
}
