import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type Admin, Kafka, logLevel, type Producer } from "kafkajs";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import type { Outcome, PartitionStatus, Store } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createKafkaSource } from "../../src/source/kafka.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { viewOf } from "../pipeline/outcomes.ts";
import { broker } from "../services/services.ts";
import { eventually } from "./support.ts";

/** How long what must come may take on a machine with much else to do. */
export const comesWithinMs = 60_000;

export interface Watching {
  readonly monitor: Monitor;
  /** What is wrong now, by name. */
  readonly lag: Map<string, number>;
  readonly outcomes: readonly Outcome[];
  partition(number?: number): PartitionStatus | undefined;
  /** Waits until so many rows of the topic are read, and not more. */
  reads(rows: number): Promise<void>;
  stop(): Promise<void>;
}

export interface Given {
  readonly brokers: string;
  readonly admin: Admin;
  readonly producer: Producer;
}

export async function given(t: TestContext): Promise<Given> {
  const brokers = await broker(t);
  const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
  const [admin, producer] = [kafka.admin(), kafka.producer()];
  await Promise.all([admin.connect(), producer.connect()]);
  t.after(() => Promise.all([admin.disconnect(), producer.disconnect()]));
  return { brokers, admin, producer };
}

/** Rows of now. */
export const rows = (count: number) =>
  Array.from({ length: count }, (_, x) => ({ value: JSON.stringify({ x, at: Date.now() }) }));

/** The loop on a real topic; a store that is given again is a restart. */
export async function watch(
  t: TestContext,
  { brokers }: Given,
  topic: string,
  { store = createMemoryStore(), startFrom = "earliest" as "earliest" | "latest" } = {},
): Promise<Watching> {
  const view = viewOf("x");
  const outcomes: Outcome[] = [];
  const lag = new Map<string, number>();
  const monitor = createMonitor({
    views: [{ view: { ...view, source: { ...view.source, topic } }, baseline: undefined }],
    limits: defaultLimits,
    sinks: [
      { name: "test", accept: async (some) => void outcomes.push(...some), close: async () => undefined },
    ],
    store: { ...store, close: async () => undefined } satisfies Store,
    clock: { now: Date.now, elapsed: () => performance.now() },
    idleAfterMs: 10_000,
  });
  const options = { brokers: brokers.split(","), clientId: "odd", ssl: undefined, sasl: undefined };
  const source = createKafkaSource({
    client: createKafkaClient(options, undefined),
    ...{ brokers: options.brokers, groupId: topic, topics: [topic], startFrom },
    onTrouble: monitor.trouble,
    onLag: (key, records) => void lag.set(key, records),
  });
  const end = new AbortController();
  const running = source.run(monitor, end.signal);
  running.catch(() => undefined); // told by `stop`
  t.after(() => end.abort());
  const read = (): number => monitor.board.view("reco_user")?.counts.read ?? 0;
  return {
    monitor,
    lag,
    outcomes,
    partition: (number = 0) =>
      monitor.board.partitions().find(({ partition }) => partition.partition === number),
    async reads(count) {
      await eventually(comesWithinMs, `${count} rows are read, not ${read()}`, () =>
        read() >= count ? true : undefined,
      );
      assert.equal(read(), count);
    },
    async stop() {
      end.abort();
      await running;
    },
  };
}
