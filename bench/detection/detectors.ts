import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Case, hashOf } from "./cases.ts";
import { execute } from "./execute.ts";
import type { Alarm } from "./score.ts";

/** By detector. */
export type Alarms = ReadonlyMap<string, readonly Alarm[]>;

/** Ours first; `breaker` counts what opens it alone, `tidemark` warnings as well. */
export const detectors = [
  "breaker",
  "tidemark",
  "psi",
  "ks",
  "distance",
  "sigma2",
  "sigma3",
  "cusum",
] as const;
export type Detector = (typeof detectors)[number];

const command = join(import.meta.dirname, "../../bin/tidemark");
const peers = join(import.meta.dirname, "peers.py");

/**
 * What a stranger would type: a spec from the clean range, a baseline from the same, and the rest replayed. A series of one
 * number a time step leaves the window to `spec init`, which takes the step.
 * @param keep  a folder to leave spec, baseline and replay in; a temporary one that is removed otherwise
 */
export async function runTidemark(stream: Case, scratch: string, keep?: string): Promise<Alarms> {
  mkdirSync(scratch, { recursive: true });
  const dir = keep ?? mkdtempSync(join(scratch, "replay-"));
  mkdirSync(dir, { recursive: true });
  const [spec, baseline, out] = [join(dir, "view.yaml"), join(dir, "view.baseline.json"), join(dir, "out")];
  const start = isoTime(stream.start);
  const calibrated = isoTime(ceil(stream.calibrated, stream.windowMs));
  const input = ["--input", stream.file];
  const clean = ["--from-time", start, "--to-time", calibrated];
  const window = stream.kind === "series" ? [] : ["--window", `${Math.round(stream.windowMs / 1_000)}s`];
  try {
    await execute(command, [
      ...["spec", "init", ...input, "--name", "view", "--event-time", "event_time"],
      ...window,
      ...clean,
      ...["--out", spec],
    ]);
    await execute(command, [
      ...["baseline", "build", "--spec", spec, ...input],
      ...clean,
      ...["--out", baseline],
    ]);
    await execute(command, [
      ...["replay", "--spec", spec, "--baseline", baseline, ...input],
      ...["--from-time", calibrated, "--to-time", isoTime(ceil(stream.end, stream.windowMs)), "--out", out],
    ]);
    return toAlarms(readFileSync(join(out, "alerts.jsonl"), "utf8"));
  } finally {
    if (keep === undefined) rmSync(dir, { recursive: true, force: true });
  }
}

function toAlarms(lines: string): Alarms {
  interface Line {
    time: string;
    status: "firing" | "resolved";
    severity: "warning" | "critical";
    field: string | null;
  }
  const breaker: Alarm[] = [];
  const all: Alarm[] = [];
  for (const line of lines.split("\n")) {
    if (line === "") continue;
    const { time, status, severity, field } = JSON.parse(line) as Line;
    if (status !== "firing") continue;
    const alarm = { time: Date.parse(time), feature: field };
    all.push(alarm);
    if (severity === "critical") breaker.push(alarm);
  }
  return new Map([
    ["breaker", breaker],
    ["tidemark", all],
  ]);
}

/** The usual detectors, from `cache` when the same file was judged by the same script. */
export async function runPeers(stream: Case, python: string, cache: string): Promise<Alarms> {
  mkdirSync(join(cache, "peers"), { recursive: true });
  const { file, start, calibrated, end, windowMs } = stream;
  const key = [file, start, calibrated, end, windowMs].join("|").replace(/[^A-Za-z0-9_.-]/g, "_");
  const known = join(cache, "peers", `${hashOf(peers)}${key.slice(-180)}.jsonl`);
  if (!existsSync(known)) {
    const numbers = { start, calibrated, end, window: windowMs };
    const flags = Object.entries(numbers).flatMap(([name, ms]) => [`--${name}`, String(ms / 1_000)]);
    writeFileSync(`${known}.part`, await execute(python, [peers, file, ...flags]));
    renameSync(`${known}.part`, known);
  }
  const alarms = new Map<string, Alarm[]>(detectors.slice(2).map((name) => [name, []]));
  for (const line of readFileSync(known, "utf8").split("\n")) {
    if (line === "") continue;
    const { detector, time, feature } = JSON.parse(line) as {
      detector: string;
      time: number;
      feature: string | null;
    };
    alarms.get(detector)?.push({ time: time * 1_000, feature });
  }
  return alarms;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function ceil(ms: number, step: number): number {
  return Math.ceil(ms / step) * step;
}
