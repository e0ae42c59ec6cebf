import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const root = new URL("..", import.meta.url).pathname;

export interface Peaked {
  readonly stdout: string;
  /** Start of the process included. */
  readonly seconds: number;
  /** The most memory that the process has held, as the kernel has it (VmHWM); NaN where there is no /proc. */
  readonly peakMiB: number;
}

/** `bin/tidemark` to its end, with what it took. @throws Error when it ends with another code than 0 */
export async function tidemarkPeak(...args: readonly string[]): Promise<Peaked> {
  const startedAt = performance.now();
  const child = spawn(`${root}bin/tidemark`, args, { stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  let peakMiB = Number.NaN;
  const look = (): void => {
    try {
      const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      if (kib !== undefined) peakMiB = Number(kib) / 1_024;
    } catch {
      // it has ended, or this system has no /proc: what was seen last counts
    }
  };
  const looking = setInterval(look, 50);
  const code = await new Promise<number | null>((done, failed) => {
    child.on("error", failed);
    child.on("close", done);
  });
  clearInterval(looking);
  if (code !== 0) throw new Error(`tidemark ${args.join(" ")}: ended with ${code}`);
  return {
    stdout: Buffer.concat(chunks).toString(),
    seconds: (performance.now() - startedAt) / 1_000,
    peakMiB,
  };
}

/** One line of figures: rows, seconds, rows a second, peak. */
export function figures(what: string, rows: number, { seconds, peakMiB }: Peaked): string {
  const speed = ((rows / seconds) * 1e-6).toFixed(2);
  return `${what.padEnd(10)} ${(rows * 1e-6).toFixed(1)} M rows in ${seconds.toFixed(1)} s: ${speed} M rows/s, peak ${Math.round(peakMiB)} MiB`;
}
