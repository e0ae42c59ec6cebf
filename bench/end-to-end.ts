import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs from "kafkajs";
import { startBroker } from "../test/services/services.ts";
import type { BenchResult, BenchRow } from "./run.ts";
import { dataColumns, makeBatch, toStream } from "./workload.ts";

const rowsPerMessage = 1_000;
const partitions = 4;
const root = new URL("..", import.meta.url).pathname;

/**
 * Rows a second of `tidemark run` from a real broker, beside a bare kafkajs + `tableFromIPC` consumer of the same topic: Arrow
 * messages of 1,000 rows × 20 columns, four partitions. Both are processes of their own, timed from their first batch to their last.
 */
export async function endToEndBench({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const messages = quick ? 1_500 : 4_000;
  const total = messages * rowsPerMessage;
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const cleanups: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const broker = await startBroker({ after: (fn) => void cleanups.push(fn) });
  try {
    const topic = "workload";
    await produce(broker.brokers, topic, messages);
    const specs = await writeSpec(dir, topic);
    const [bare, ours]: [number[], number[]] = [[], []];
    for (let run = 0; run < (quick ? 1 : 3); run++) {
      bare.push(await bareRowsPerSecond(broker.brokers, topic, total));
      ours.push(await ourRowsPerSecond(dir, specs, broker.brokers, run, total));
    }
    const ratio = median(ours) / median(bare);
    const row: BenchRow = {
      what: `Kafka to profile, ${rowsPerMessage} × ${dataColumns} a message`,
      ours: `${(median(ours) / 1e6).toFixed(2)} M rows/s`,
      peer: `bare kafkajs + tableFromIPC ${(median(bare) / 1e6).toFixed(2)} M rows/s`,
      ratio,
    };
    return { ratios: { "endToEnd.arrow.vsBare": ratio }, rows: [row] };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/** Event times go on from message to message, so that windows close as in life: a message is a second of traffic. */
async function produce(brokers: string, topic: string, messages: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(","), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions }] });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const startMs = Date.now() - messages * rowsPerMessage;
  const perSend = 50;
  for (let from = 0; from < messages; from += perSend) {
    const batch = Array.from({ length: Math.min(perSend, messages - from) }, (_, index) => {
      const number = from + index;
      const value = Buffer.from(
        toStream([makeBatch(rowsPerMessage, number, startMs + number * rowsPerMessage)]),
      );
      return { value, partition: number % partitions };
    });
    await producer.send({ topic, messages: batch });
  }
  await producer.disconnect();
}

/** The spec that anyone would get: inferred, with a baseline of a sample. */
async function writeSpec(dir: string, topic: string): Promise<string> {
  const sample = join(dir, "sample.arrows");
  writeFileSync(sample, toStream([makeBatch(50_000, 1, Date.now() - 86_400_000)]));
  const specs = join(dir, "specs");
  const spec = join(specs, "workload.yaml");
  await command(["mkdir", "-p", specs]);
  const tidemark = join(root, "bin/tidemark");
  await command([
    tidemark,
    "spec",
    "init",
    "--input",
    sample,
    "--name",
    "workload",
    "--event-time",
    "event_time",
    "--topic",
    topic,
    "--out",
    spec,
  ]);
  await command([
    tidemark,
    "baseline",
    "build",
    "--spec",
    spec,
    "--input",
    sample,
    "--out",
    join(specs, "workload.baseline.json"),
  ]);
  return specs;
}

async function command([name = "", ...args]: readonly string[]): Promise<string> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
  const { stdout, stderr, code } = await output(child);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

async function output(child: ChildProcess): Promise<{ stdout: string; stderr: string; code: number | null }> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { stdout, stderr, code };
}

async function bareRowsPerSecond(brokers: string, topic: string, total: number): Promise<number> {
  const stdout = await command([
    process.execPath,
    "--disable-warning=TimeoutNegativeWarning",
    join(root, "bench/bare-consumer.ts"),
    brokers,
    topic,
    String(total),
  ]);
  const { first, last, rows } = JSON.parse(stdout) as { first: number; last: number; rows: number };
  return (rows * 1_000) / (last - first);
}

const pollEveryMs = 50;
const timeoutMs = 120_000;

async function ourRowsPerSecond(
  dir: string,
  specs: string,
  brokers: string,
  run: number,
  total: number,
): Promise<number> {
  const config = join(dir, `tidemark-${run}.yaml`);
  const kafka = { brokers: brokers.split(","), groupId: `bench-${run}`, topicPrefix: `bench-${run}` };
  writeFileSync(config, JSON.stringify({ kafka, specs, http: { port: 0 }, state: { dir } }));
  const child = spawn(join(root, "bin/tidemark"), ["run", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = output(child);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  try {
    let url: string | undefined;
    let [firstAt, firstRows] = [0, 0];
    for (const start = Date.now(); Date.now() - start < timeoutMs; ) {
      await new Promise((done) => setTimeout(done, pollEveryMs));
      if (child.exitCode !== null) throw new Error(`tidemark run ended with ${child.exitCode}: ${said}`);
      url ??= /"url":"(http:[^"]+)"/.exec(said)?.[1];
      if (url === undefined) continue;
      const text = await (await fetch(new URL("/metrics", url))).text();
      const rows = Number(/tidemark_records_total\{[^}]*outcome="profiled"\} (\d+)/.exec(text)?.[1] ?? 0);
      const late = Number(/tidemark_records_total\{[^}]*outcome="late"\} (\d+)/.exec(text)?.[1] ?? 0);
      if (rows > 0 && firstAt === 0) [firstAt, firstRows] = [Date.now(), rows + late];
      if (rows + late >= total) return ((rows + late - firstRows) * 1_000) / (Date.now() - firstAt);
    }
    throw new Error(`not done in ${timeoutMs} ms: ${said}`);
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}
