import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../test/services/services.ts";
import { command, median, script, serving, tidemark, writeSpec } from "./processes.ts";
import { type Format, partitions, produce, rowsPerMessage } from "./produce.ts";
import type { BenchResult, BenchRow } from "./run.ts";
import { dataColumns } from "./workload.ts";

interface Case {
  readonly format: Format;
  readonly what: string;
  readonly peer: string;
  /** Enough for seconds of work, so that compiling is not what is measured. */
  readonly rows: number;
  readonly quickRows: number;
}

const cases: readonly Case[] = [
  {
    format: "arrow",
    what: `Kafka to verdict, Arrow, ${rowsPerMessage} × ${dataColumns} a message`,
    peer: "bare kafkajs + tableFromIPC",
    rows: 4_000_000,
    quickRows: 1_500_000,
  },
  {
    format: "json",
    what: `Kafka to verdict, JSON, an event of ${dataColumns} fields a message`,
    peer: "bare kafkajs + JSON.parse",
    rows: 600_000,
    quickRows: 200_000,
  },
];

/**
 * Rows a second of `tidemark run` (profiling, judging, writing closed windows and checkpoints to Kafka) from a real broker, beside
 * a bare kafkajs consumer of the same topic that decodes and counts. Each run is a process of its own, turn by turn, timed from its
 * first rows to its last; the median of three. The broker runs beside both.
 */
export async function endToEndBench({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const cleanups: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const broker = await startBroker({ after: (fn) => void cleanups.push(fn) });
  const ratios: Record<string, number> = {};
  const rows: BenchRow[] = [];
  try {
    for (const { format, what, peer, ...size } of cases) {
      const [topic, total] = [`workload-${format}`, quick ? size.quickRows : size.rows];
      await produce(broker.brokers, topic, format, total);
      const specs = await writeSpec(dir, topic);
      const [bare, ours]: [number[], number[]] = [[], []];
      for (let run = 0; run < (quick ? 1 : 3); run++) {
        bare.push(await bareRowsPerSecond(broker.brokers, topic, format, total));
        ours.push(await ourRowsPerSecond(dir, specs, broker.brokers, `${format}-${run}`, total));
      }
      const ratio = median(ours) / median(bare);
      ratios[`endToEnd.${format}.vsBare`] = ratio;
      rows.push({
        what,
        ours: `${(median(ours) / 1e6).toFixed(3)} M rows/s`,
        peer: `${peer} ${(median(bare) / 1e6).toFixed(3)} M rows/s`,
        ratio,
      });
    }
    return { ratios, rows };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function bareRowsPerSecond(
  brokers: string,
  topic: string,
  format: Format,
  total: number,
): Promise<number> {
  const stdout = await command(script("bare-consumer.ts", brokers, topic, format, String(total)));
  const { first, last, rows } = JSON.parse(stdout) as { first: number; last: number; rows: number };
  return (rows * 1_000) / (last - first);
}

const pollEveryMs = 50;
const timeoutMs = 120_000;

async function ourRowsPerSecond(
  dir: string,
  specs: string,
  brokers: string,
  name: string,
  total: number,
): Promise<number> {
  const config = join(dir, `${name}.yaml`);
  const kafka = { brokers: brokers.split(","), groupId: `bench-${name}`, topicPrefix: `bench-${name}` };
  writeFileSync(config, JSON.stringify({ kafka, specs, http: { port: 0 }, state: { dir } }));
  const server = await serving([tidemark, "run", "--config", config]);
  try {
    let [firstAt, firstRows] = [0, 0];
    for (const start = Date.now(); Date.now() - start < timeoutMs; ) {
      await new Promise((done) => setTimeout(done, pollEveryMs));
      server.check();
      const answer = await fetch(new URL("/v1/feature-views", server.url));
      const [status] = (await answer.json()) as { counts: { profiled: number; late: number } }[];
      const rows = (status?.counts.profiled ?? 0) + (status?.counts.late ?? 0);
      if (rows > 0 && firstAt === 0) [firstAt, firstRows] = [Date.now(), rows];
      if (rows >= total) return ((rows - firstRows) * 1_000) / (Date.now() - firstAt);
    }
    throw new Error(`${partitions} partitions of ${total} rows: not done in ${timeoutMs} ms`);
  } finally {
    await server.stop();
  }
}
