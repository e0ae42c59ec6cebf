import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBroker } from "../test/services/services.ts";
import { command, median, type Server, script, serving, tidemark, writeSpec } from "./processes.ts";
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
 * a bare kafkajs consumer of the same topic that decodes and counts. Each run is a process of its own, turn by turn; the median of
 * three. The broker runs beside both.
 *
 * Both are timed from the moment when their first rows had been handled to the moment when the last had, and the first rows do not
 * count: start and joining the group are left out. The bare consumer takes the time itself; of ours the rows are asked for, and it
 * answers every few hundredths of a second also while it works. Beside the ratio stand the microseconds of processor time that our process
 * takes for a row, of its main thread (decode, fold, tell) and of all others (kafkajs, garbage collection): they hold on a busy machine, too.
 */
export async function endToEndBench({ quick }: { readonly quick: boolean }): Promise<BenchResult> {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const cleanups: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const broker = await startBroker({ after: (fn) => void cleanups.push(fn) });
  const ratios: Record<string, number> = {};
  const figures: Record<string, number> = {};
  const rows: BenchRow[] = [];
  try {
    for (const { format, what, peer, ...size } of cases) {
      const [topic, total] = [`workload-${format}`, quick ? size.quickRows : size.rows];
      await produce(broker.brokers, topic, format, total);
      const specs = await writeSpec(dir, topic);
      const [bare, ours]: [number[], Handled[]] = [[], []];
      for (let run = 0; run < (quick ? 1 : 3); run++) {
        bare.push(await bareRowsPerSecond(broker.brokers, topic, format, total));
        ours.push(await ourRun(dir, specs, broker.brokers, `${format}-${run}`, total));
      }
      const perSecond = median(ours.map(({ rowsPerSecond }) => rowsPerSecond));
      const main = median(ours.map(({ mainUs }) => mainUs));
      const others = median(ours.map(({ othersUs }) => othersUs));
      const ratio = perSecond / median(bare);
      ratios[`endToEnd.${format}.vsBare`] = ratio;
      figures[`endToEnd.${format}.mainUsPerRow`] = main;
      figures[`endToEnd.${format}.othersUsPerRow`] = others;
      rows.push({
        what,
        ours: `${(perSecond / 1e6).toFixed(3)} M rows/s, processor µs a row ${main.toFixed(2)} + ${others.toFixed(2)}`,
        peer: `${peer} ${(median(bare) / 1e6).toFixed(3)} M rows/s`,
        ratio,
      });
    }
    return { ratios, figures, rows };
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

const pollEveryMs = 20;
const timeoutMs = 120_000;

interface Handled {
  readonly rowsPerSecond: number;
  /** Processor time, microseconds a row; NaN where there is no /proc. */
  readonly mainUs: number;
  readonly othersUs: number;
}

async function ourRun(
  dir: string,
  specs: string,
  brokers: string,
  name: string,
  total: number,
): Promise<Handled> {
  const config = join(dir, `${name}.yaml`);
  const kafka = { brokers: brokers.split(","), groupId: `bench-${name}`, topicPrefix: `bench-${name}` };
  writeFileSync(config, JSON.stringify({ kafka, specs, http: { port: 0 }, state: { dir } }));
  const server = await serving([tidemark, "run", "--config", config]);
  try {
    let first: Progress | undefined;
    for (const start = Date.now(); Date.now() - start < timeoutMs; ) {
      await new Promise((done) => setTimeout(done, pollEveryMs));
      server.check();
      const now = await progressOf(server);
      if (now.rows === 0) continue;
      first ??= now;
      if (now.rows < total) continue;
      const rows = now.rows - first.rows;
      if (rows < total / 2) throw new Error(`${first.rows} of ${total} rows were done at the first answer`);
      return {
        rowsPerSecond: (rows * 1_000) / (now.atMs - first.atMs),
        mainUs: ((now.mainMs - first.mainMs) * 1_000) / rows,
        othersUs: ((now.allMs - now.mainMs - first.allMs + first.mainMs) * 1_000) / rows,
      };
    }
    throw new Error(`${partitions} partitions of ${total} rows: not done in ${timeoutMs} ms`);
  } finally {
    await server.stop();
  }
}

interface Progress {
  readonly rows: number;
  readonly atMs: number;
  /** Processor time so far, of the main thread and of all. */
  readonly mainMs: number;
  readonly allMs: number;
}

async function progressOf({ url, pid }: Server): Promise<Progress> {
  const answer = await fetch(new URL("/v1/feature-views", url));
  const [status] = (await answer.json()) as { counts: { profiled: number; late: number } }[];
  const rows = (status?.counts.profiled ?? 0) + (status?.counts.late ?? 0);
  return { rows, atMs: performance.now(), mainMs: cpuMs(`${pid}/task/${pid}`), allMs: cpuMs(`${pid}`) };
}

/** Linux counts processor time in hundredths of a second, whatever the processor. */
const tickMs = 10;

/** User and system time of a process or a thread; NaN where the system has no /proc. */
function cpuMs(of: string): number {
  try {
    const stat = readFileSync(`/proc/${of}/stat`, "utf8");
    const [user, system] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return (Number(user) + Number(system)) * tickMs;
  } catch {
    return Number.NaN;
  }
}
