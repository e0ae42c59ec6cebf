import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBatch, toStream } from "./workload.ts";

export const root = new URL("..", import.meta.url).pathname;
export const tidemark = join(root, "bin/tidemark");

/** Runs a command to its end and gives what it printed. */
export async function command([name = "", ...args]: readonly string[]): Promise<string> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
  const { stdout, stderr, code } = await output(child);
  if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** A script of this folder, as a process of its own. */
export const script = (name: string, ...args: readonly string[]): readonly string[] => [
  process.execPath,
  "--disable-warning=TimeoutNegativeWarning",
  join(root, "bench", name),
  ...args,
];

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

export interface Server {
  readonly url: URL;
  readonly pid: number;
  /** Throws when the process has ended. */
  check(): void;
  stop(): Promise<void>;
}

const startTimeoutMs = 60_000;
const pollEveryMs = 20;

/** A process that says on stderr or stdout where it listens: `"url":"http:…"`. */
export async function serving([name = "", ...args]: readonly string[]): Promise<Server> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = output(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  const check = (): void => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said}`);
  };
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const url = /"url":"(http:[^"]+)"/.exec(said)?.[1];
    if (url !== undefined) {
      return {
        url: new URL(url),
        pid: child.pid ?? 0,
        check,
        stop: async () => {
          child.kill("SIGTERM");
          await ended;
        },
      };
    }
    check();
    if (Date.now() > deadline) throw new Error(`${name} does not listen: ${said}`);
    await new Promise((done) => setTimeout(done, pollEveryMs));
  }
}

/** The spec that anyone would get: inferred from a sample, with a baseline of it. Returns the directory of both. */
export async function writeSpec(dir: string, topic: string): Promise<string> {
  const sample = join(dir, "sample.arrows");
  writeFileSync(sample, toStream([makeBatch(50_000, 1, Date.now() - 86_400_000)]));
  const specs = join(dir, topic);
  mkdirSync(specs, { recursive: true });
  const spec = join(specs, `${topic}.yaml`);
  const named = ["--name", topic, "--event-time", "event_time", "--topic", topic];
  await command([tidemark, "spec", "init", "--input", sample, ...named, "--out", spec]);
  const baseline = join(specs, `${topic}.baseline.json`);
  await command([tidemark, "baseline", "build", "--spec", spec, "--input", sample, "--out", baseline]);
  return specs;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
