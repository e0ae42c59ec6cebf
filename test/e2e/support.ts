import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type RecordBatch, RecordBatchStreamWriter, tableFromIPC } from "apache-arrow";

const root = new URL("../../", import.meta.url).pathname;
const bin = join(root, "bin/tidemark");
export const incidentFile = join(root, "replay-data/tensor-collapse/incident.arrow");

/** A folder that goes away with the test. */
export function scratch(t: { after(fn: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The specs of the checkout, copied to `dir/feature-specs` with another topic, so that tests do not meet. */
export function specsWithTopic(dir: string, topic: string): string {
  const specs = join(dir, "feature-specs");
  cpSync(join(root, "feature-specs"), specs, { recursive: true });
  const file = join(specs, "reco_user.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/topic: features\.reco_user/, `topic: ${topic}`));
  return specs;
}

export interface ArrowMessage {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Event times of its first and last row, epoch ms. */
  readonly from: number;
  readonly to: number;
}

/** Every record batch of an Arrow file as a message of its own: an IPC stream of schema, dictionaries and one batch. */
export function messagesOf(file: string): readonly ArrowMessage[] {
  return tableFromIPC(readFileSync(file)).batches.map((batch) => {
    const times = batch.getChild("event_time");
    assert(times !== null);
    return {
      bytes: streamOf([batch]),
      rows: batch.numRows,
      from: Number(times.get(0)),
      to: Number(times.get(batch.numRows - 1)),
    };
  });
}

export function streamOf(batches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

const run = promisify(execFile);

/** Sends each message through kcat, a client that is not ours, to one partition in order. */
export async function produce(
  brokers: string,
  topic: string,
  messages: readonly Uint8Array[],
  options: { readonly partition?: number; readonly codec?: string } = {},
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-kcat-"));
  try {
    const files = messages.map((bytes, index) => {
      const file = join(dir, String(index));
      writeFileSync(file, bytes);
      return file;
    });
    const codec = options.codec === undefined ? [] : ["-z", options.codec];
    for (let from = 0; from < files.length; from += 500) {
      await run("kcat", [
        "-P",
        "-b",
        brokers,
        "-t",
        topic,
        "-p",
        String(options.partition ?? 0),
        ...codec,
        ...files.slice(from, from + 500),
      ]);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export interface Running {
  readonly child: ChildProcess;
  readonly url: URL;
  /** What it has said on standard error so far. */
  log(): string;
  /** SIGTERM, then its exit code. */
  stop(): Promise<number | null>;
  /** kill -9. */
  kill(): Promise<void>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function tidemark(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  const child = spawn(bin, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, stdout, stderr };
}

/** Starts `tidemark run` with a config on a free port and waits until it answers. */
export async function startTidemark(
  t: { after(fn: () => void): void },
  dir: string,
  config: object,
  args: readonly string[] = [],
  options: { readonly timeoutMs?: number } = {},
): Promise<Running> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "tidemark.yaml");
  writeFileSync(file, JSON.stringify({ http: { port: 0 }, ...config })); // JSON is YAML
  const child = spawn(bin, ["run", "--config", file, ...args], {
    cwd: dir,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const listen = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const ended = new Promise<number | null>((done) => child.on("close", done));
  t.after(() => void child.kill("SIGKILL"));
  const url = await eventually(options.timeoutMs ?? 20_000, "tidemark serves", () => {
    if (child.exitCode !== null) throw new Error(`tidemark ended with ${child.exitCode}:\n${said}`);
    const match = /"url":"(http:[^"]+)"/.exec(said);
    return match?.[1] === undefined ? undefined : new URL(match[1]);
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`${String(error)}; it said:\n${said}`);
  });
  return {
    child,
    url,
    log: () => said,
    stop: () => {
      child.kill("SIGTERM");
      return ended;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Asks until the answer is defined. A throw ends it at once. */
export async function eventually<T>(
  timeoutMs: number,
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) assert.fail(`after ${timeoutMs} ms, not yet: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export interface Records {
  readonly profiled: number;
  readonly late: number;
  readonly rejected: number;
  readonly deadLettered: number;
}

/** `tidemark_records_total` by outcome. */
export async function recordsOf(url: URL, view: string): Promise<Records> {
  const text = await (await fetch(new URL("/metrics", url))).text();
  const of = (outcome: string): number => {
    const lines = text.split("\n").filter((line) => line.startsWith("tidemark_records_total{"));
    const line = lines.find(
      (each) => each.includes(`feature_view="${view}"`) && each.includes(`outcome="${outcome}"`),
    );
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ") + 1));
  };
  return {
    profiled: of("profiled"),
    late: of("late"),
    rejected: of("rejected"),
    deadLettered: of("dead_lettered"),
  };
}

/** The conservation law: what was sent is what was counted, each row once. Waits for it. */
export async function assertConserved(url: URL, view: string, sent: number): Promise<Records> {
  const total = (records: Records): number =>
    records.profiled + records.late + records.rejected + records.deadLettered;
  const records = await eventually(20_000, `${sent} records are counted`, async () => {
    const now = await recordsOf(url, view);
    return total(now) >= sent ? now : undefined;
  });
  assert.equal(total(records), sent, `each row is counted once: ${JSON.stringify(records)}`);
  return records;
}

export async function gateStatus(url: URL, view: string, segment = ""): Promise<number> {
  const query = segment === "" ? "" : `?segment=${encodeURIComponent(segment)}`;
  const response = await fetch(new URL(`/v1/gate/${view}${query}`, url));
  await response.body?.cancel();
  return response.status;
}
