import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import kafkajs from "kafkajs";
import { startBroker } from "../test/services/services.ts";
import { makeBatch, toStream } from "./workload.ts";

/**
 * `node bench/replay-topic.ts [MILLION ROWS]`: rows a second of `tidemark replay --topic` from a real broker, report and stored
 * profiles included; Arrow messages of 1,000 rows × 20 columns in four partitions, five million rows unless told otherwise.
 */
const rowsPerMessage = 1_000;
const partitions = 4;
const perSend = 50;
const root = new URL("..", import.meta.url).pathname;
const run = promisify(execFile);

async function main(millions: number): Promise<void> {
  const messages = millions * 1_000;
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const cleanups: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const { brokers } = await startBroker({ after: (fn) => void cleanups.push(fn) });
  try {
    const topic = "workload";
    await produce(brokers, topic, messages);
    const sample = join(dir, "sample.arrows");
    writeFileSync(sample, toStream([makeBatch(50_000, 1, Date.now() - 86_400_000)]));
    const [spec, baseline] = [join(dir, "workload.yaml"), join(dir, "workload.baseline.json")];
    const tidemark = (...args: string[]) =>
      run(join(root, "bin/tidemark"), args, { maxBuffer: 64 * 1024 * 1024 });
    const named = ["--name", "workload", "--event-time", "event_time"];
    await tidemark("spec", "init", "--input", sample, ...named, "--out", spec);
    await tidemark("baseline", "build", "--spec", spec, "--input", sample, "--out", baseline);
    const startedAt = performance.now();
    const { stdout } = await tidemark(
      ...["replay", "--spec", spec, "--baseline", baseline, "--topic", topic, "--brokers", brokers],
      ...["--out", join(dir, "out"), "--json"],
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const { rows, profiled } = JSON.parse(stdout) as { rows: number; profiled: number };
    console.log(
      `${rows} rows read (${profiled} profiled) in ${seconds.toFixed(1)} s: ${((rows / seconds) * 1e-6).toFixed(2)} M rows/s, start of the process included`,
    );
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
      const bytes = toStream([makeBatch(rowsPerMessage, number, startMs + number * rowsPerMessage)]);
      return {
        value: Buffer.from(bytes),
        partition: number % partitions,
        timestamp: String(startMs + number * 1_000),
      };
    });
    await producer.send({ topic, messages: batch });
  }
  await producer.disconnect();
}

await main(Number(process.argv[2] ?? 5));
process.exit();
