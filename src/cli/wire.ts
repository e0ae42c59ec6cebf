import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../model/time.ts";
import type { MonitoredView } from "../pipeline/cell.ts";
import type { Handover } from "../pipeline/handover.ts";
import type { AlertChange, Sink, Source, Store } from "../pipeline/ports.ts";
import type { createKafkaClient } from "../source/kafka-client.ts";
import type { Config } from "./config.ts";

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

/** A name that no other process has, nor this one after its next start. */
export const newProcessId = (): string => `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;

export type KafkaClient = ReturnType<typeof createKafkaClient>;

export interface Wiring {
  readonly config: Config;
  /** The process's one client; undefined when embedded. */
  readonly client: KafkaClient | undefined;
  readonly processId: string;
  /** Where closed windows wait for the judge of this process; absent when there is none. */
  readonly handover: Handover | undefined;
  readonly views: readonly MonitoredView[];
  readonly log: Logger;
  readonly clock: Clock;
  readonly onTrouble: (name: string, text: string | undefined) => void;
  readonly onDeliveryFailure: (peer: string) => void;
  /** Somebody outside has taken a change of an alert. */
  readonly onTold: (change: AlertChange) => void;
}

export async function openClient(config: Config, log: Logger): Promise<KafkaClient | undefined> {
  if (config.kafka === undefined) return undefined;
  const { createKafkaClient } = await import("../source/kafka-client.ts");
  return createKafkaClient(config.kafka, log);
}

/** A source whose messages come with the schemas that they name, when the config says who knows them. */
export async function schemasFor<S extends Source>(source: S, { kafka }: Pick<Config, "kafka">): Promise<S> {
  if (kafka?.schemaRegistry === undefined) return source;
  const [{ createSchemaRegistry }, { withSchemas }] = await Promise.all([
    import("../source/schema-registry.ts"),
    import("../source/with-schemas.ts"),
  ]);
  return withSchemas(source, createSchemaRegistry(kafka.schemaRegistry, systemClock));
}

/** The store that the config asks for: Kafka's compacted topic in a cluster, SQLite when embedded. */
export async function openStore({
  config,
  client,
  processId,
}: Pick<Wiring, "config" | "client" | "processId">): Promise<Store> {
  if (config.kafka !== undefined && client !== undefined) {
    const [{ openKafkaStore }, { kafkaFault }] = await Promise.all([
      import("../store/kafka.ts"),
      import("../source/kafka-client.ts"),
    ]);
    const { brokers, topicPrefix } = config.kafka;
    const topic = `${topicPrefix}.checkpoints`;
    return openKafkaStore({ client, topic, processId }).catch((error: unknown) => {
      throw kafkaFault(brokers, error instanceof Error && error.cause !== undefined ? error.cause : error);
    });
  }
  const { openSqliteStore } = await import("../store/sqlite.ts");
  return openSqliteStore({ file: join(config.state.dir, "state.sqlite") });
}

/** The sinks that the config asks for; the log is always one of them. */
export interface Sinks {
  /** What must be durable before a partition's position moves on, and the log. */
  readonly lanes: readonly Sink[];
  /** Whoever is told of alerts. */
  readonly told: readonly Sink[];
}

export async function openSinks(wiring: Wiring): Promise<Sinks> {
  const { config, client, handover, views, log, clock, onTrouble, onDeliveryFailure, onTold } = wiring;
  const { createLogSink } = await import("../sink/log.ts");
  const lanes: Sink[] = [createLogSink({ log, clock })];
  const told: Sink[] = [];
  if (config.kafka !== undefined && client !== undefined) {
    const { createKafkaSink } = await import("../sink/kafka.ts");
    const { topicPrefix } = config.kafka;
    const source = `tidemark/${hostname()}`;
    lanes.push(await createKafkaSink({ client, topicPrefix, source, handover }));
  } else {
    const { createDeadLetterFile } = await import("../sink/dead-letters.ts");
    lanes.push(createDeadLetterFile({ dir: join(config.state.dir, "dead-letters") }));
  }
  if (config.alertmanager.urls.length > 0) {
    const { createAlertmanager } = await import("../sink/alertmanager.ts");
    told.push(
      createAlertmanager(
        {
          ...config.alertmanager,
          views: views.map(({ view }) => view),
          random: Math.random,
          onTold,
        },
        { clock, log, onTrouble, onFailure: onDeliveryFailure },
      ),
    );
  }
  if (config.webhooks.length > 0) {
    const { createWebhooks } = await import("../sink/webhook.ts");
    told.push(
      createWebhooks(
        { webhooks: config.webhooks, random: Math.random, onTold },
        { clock, log, onTrouble, onFailure: onDeliveryFailure },
      ),
    );
  }
  return { lanes, told };
}
