import { join } from "node:path";
import type { Logger } from "pino";
import { Fault } from "../model/fault.ts";
import type { Clock } from "../model/time.ts";
import type { MonitoredView } from "../pipeline/cell.ts";
import type { Sink, Store } from "../pipeline/ports.ts";
import type { Config } from "./config.ts";

export const systemClock: Clock = { now: () => Date.now() };

export interface Wiring {
  readonly config: Config;
  readonly views: readonly MonitoredView[];
  readonly log: Logger;
  readonly clock: Clock;
  readonly onTrouble: (name: string, text: string | undefined) => void;
  readonly onDeliveryFailure: (peer: string) => void;
}

/** The store that the config asks for: Kafka's compacted topic in a cluster, SQLite when embedded. */
export async function openStore({ config, log }: Pick<Wiring, "config" | "log">): Promise<Store> {
  if (config.kafka !== undefined) {
    const { openKafkaStore } = await import("../store/kafka.ts");
    return openKafkaStore({ kafka: config.kafka, log });
  }
  const { openSqliteStore } = await import("../store/sqlite.ts");
  return openSqliteStore({ file: join(config.state.dir, "state.sqlite") });
}

/** Every sink that the config asks for; the log is always one of them. */
export async function openSinks(wiring: Wiring): Promise<readonly Sink[]> {
  const { config, views, log, clock, onTrouble, onDeliveryFailure } = wiring;
  const { createLogSink } = await import("../sink/log.ts");
  const sinks: Sink[] = [createLogSink({ log, clock })];
  if (config.kafka !== undefined) {
    const { createKafkaSink } = await import("../sink/kafka.ts");
    sinks.push(await createKafkaSink({ kafka: config.kafka, log }));
  } else {
    const { createDeadLetterFile } = await import("../sink/dead-letters.ts");
    sinks.push(createDeadLetterFile({ dir: join(config.state.dir, "dead-letters") }));
  }
  if (config.alertmanager.urls.length > 0) {
    const { createAlertmanager } = await import("../sink/alertmanager.ts");
    sinks.push(
      createAlertmanager(
        { ...config.alertmanager, views: views.map(({ view }) => view), random: Math.random },
        { clock, log, onTrouble, onFailure: onDeliveryFailure },
      ),
    );
  }
  if (config.webhooks.length > 0) {
    const { createWebhooks } = await import("../sink/webhook.ts");
    sinks.push(createWebhooks({ webhooks: config.webhooks, random: Math.random }, { clock, log, onTrouble }));
  }
  return sinks;
}
