import { setTimeout as sleep } from "node:timers/promises";
import type { Kafka } from "kafkajs";

/** The view that the fault suite watches. */
export const view = {
  name: "orders",
  sizeMs: 2_000,
  latenessMs: 1_000,
  countries: ["US", "GB", "DE", "FR", "JP"],
  futureMs: 5 * 60_000,
};

/** What an incident sets off; the stream has other alerts for its gaps. */
export const paged: readonly string[] = ["TidemarkDefaultCase", "TidemarkBreakerOpen"];

export const specText = (topic: string): string => `apiVersion: tidemark/v1
kind: FeatureView
name: ${view.name}
version: 1
owner: faults
source: { topic: ${topic}, format: json, eventTime: event_time, requestId: request_id }
window: { size: 2s, lateness: 1s, minRows: 50 }
fields:
  country:
    type: string
    mapping: { values: [${view.countries.join(", ")}], maxDefaultRate: 0.01 }
  amount: { type: float64, nullable: true, finite: true }
breaker: { openAfter: 1, closeAfter: 2, minRows: 50 }
`;

export interface Row {
  readonly event_time: number;
  readonly request_id: string;
  readonly country: string;
  readonly amount: number | null;
}

/** Of every `everyWindows` windows the last ones are bad: half of the countries are names that the mapping does not know. */
export interface Rhythm {
  readonly everyWindows: number;
  readonly badWindows: number;
}

export const isBad = ({ everyWindows, badWindows }: Rhythm, start: number): boolean =>
  Math.floor(start / view.sizeMs) % everyWindows >= everyWindows - badWindows;

/** Which incident a bad window is of. */
export const episodeOf = ({ everyWindows }: Rhythm, start: number): number =>
  Math.floor(start / view.sizeMs / everyWindows);

export function rowsAt(now: number, count: number, rhythm: Rhythm, random: () => number): Row[] {
  return Array.from({ length: count }, () => {
    const time = Math.floor(now - random() * 400); // out of order, within the lateness
    const bad = isBad(rhythm, Math.floor(time / view.sizeMs) * view.sizeMs) && random() < 0.5;
    return {
      event_time: time,
      request_id: `r${Math.floor(random() * 1e9)}`,
      country: bad ? "United States" : (view.countries[Math.floor(random() * view.countries.length)] ?? "US"),
      amount: random() < 0.02 ? null : Math.round(5_000 + 1_000 * (random() + random() + random())) / 100,
    };
  });
}

/** Messages that did not get through at once are sent again, so that the log may hold them twice: it is the log that counts. */
export interface Traffic {
  stop(): Promise<void>;
  acknowledged(): number;
  failures(): number;
}

const tickMs = 200;

/** About 300 rows a second on each partition, with poison, messages that come twice, late rows and rows of the future. */
export async function startTraffic(
  kafka: Kafka,
  topic: string,
  partitions: number,
  rhythm: Rhythm,
  random: () => number,
): Promise<Traffic> {
  const producer = kafka.producer({ idempotent: false, retry: { retries: 3, maxRetryTime: 1_000 } });
  await producer.connect();
  let [running, acknowledged, failures] = [true, 0, 0];
  const valuesAt = (now: number): Buffer[] => {
    const rows = (at: number, count: number): Buffer =>
      Buffer.from(JSON.stringify(rowsAt(at, count, rhythm, random)));
    const usual = rows(now, 4 + Math.floor(random() * 16));
    const chance = random();
    if (chance < 0.01) return [usual, Buffer.from('[{"event_time": 17, "country": ')]; // poison
    if (chance < 0.02) return [usual, usual]; // a producer that sends again
    if (chance < 0.03) return [usual, rows(now - 30_000, 3)]; // late
    if (chance < 0.04) return [usual, rows(now + 2 * view.futureMs, 2)]; // a clock that is off
    return [usual];
  };
  const send = async (partition: number): Promise<void> => {
    const messages = valuesAt(Date.now()).map((value) => ({
      partition,
      value,
      timestamp: String(Date.now()),
    }));
    for (;;) {
      try {
        await producer.send({ topic, acks: -1, timeout: 3_000, messages });
        acknowledged += messages.length;
        return;
      } catch {
        failures += 1;
        await sleep(200);
      }
    }
  };
  const lanes = Array.from({ length: partitions }, async (_, partition) => {
    while (running) {
      await Promise.all([send(partition), sleep(tickMs)]);
    }
  });
  return {
    async stop() {
      running = false;
      await Promise.all(lanes);
      await producer.disconnect();
    },
    acknowledged: () => acknowledged,
    failures: () => failures,
  };
}
