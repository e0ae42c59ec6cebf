import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { startBroker } from "../test/services/services.ts";
import { figures, tidemarkPeak } from "./peak.ts";
import { makeBatch, toStream } from "./workload.ts";

/**
 * `node bench/replay-topic.ts [MILLION ROWS…]`: rows a second and peak memory of `tidemark replay --topic` from a real broker, report
 * and stored profiles included; Arrow messages of 1,000 rows × 20 columns in four partitions. One and five million rows unless told
 * otherwise: memory that grew with the topic would show.
 */
const rowsPerMessage = 1_000;
const partitions = 4;
const perSend = 50;

async function main(millions: readonly number[]): Promise<void> {
  const messages = Math.max(...millions) * 1_000;
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const cleanups: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const { brokers } = await startBroker({ after: (fn) => void cleanups.push(fn) });
  try {
    const topic = "workload";
    await produce(brokers, topic, messages);
    const sample = join(dir, "sample.arrows");
    writeFileSync(sample, toStream([makeBatch(50_000, 1, Date.now() - 86_400_000)]));
    const [spec, baseline] = [join(dir, "workload.yaml"), join(dir, "workload.baseline.json")];
    const named = ["--name", "workload", "--event-time", "event_time"];
    await tidemarkPeak("spec", "init", "--input", sample, ...named, "--out", spec);
    await tidemarkPeak("baseline", "build", "--spec", spec, "--input", sample, "--out", baseline);
    for (const million of millions) {
      const each = (million * 1_000) / partitions;
      const to = Array.from({ length: partitions }, (_, partition) => `${partition}:${each}`).join(",");
      const run = await tidemarkPeak(
        ...["replay", "--spec", spec, "--baseline", baseline, "--topic", topic, "--brokers", brokers],
        ...["--from", "earliest", "--to", to, "--out", join(dir, "out"), "--json"],
      );
      const { rows } = JSON.parse(run.stdout) as { rows: number };
      console.log(figures("topic", rows, run));
    }
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** A message is a second of traffic; a partition gets every fourth. */
async function produce(brokers: string, topic: string, messages: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(","), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] });
  await admin.disconnect();
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const startMs = Date.now() - messages * rowsPerMessage;
  for (let from = 0; from < messages; from += perSend) {
    const batch = Array.from({ length: Math.min(perSend, messages - from) }, (_, index) => {
      const number = from + index;
      const at = startMs + number * rowsPerMessage;
      const bytes = toStream([makeBatch(rowsPerMessage, number, at)]);
      return { value: Buffer.from(bytes), partition: number % partitions, timestamp: String(at) };
    });
    await producer.send({ topic, messages: batch });
  }
  await producer.disconnect();
}

const asked = process.argv.slice(2).map(Number);
await main(asked.length === 0 ? [1, 5] : asked);
process.exit();
