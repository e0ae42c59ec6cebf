import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Bytes of standard output that are kept. */
const outputMax = 256 * 1024 * 1024;

/** Hundreds of short runs of the same program: what it compiled the first time is kept. */
const environment = { NODE_COMPILE_CACHE: join(tmpdir(), "tidemark-detection", "compiled"), ...process.env };

/** Runs a program to its end and gives its standard output; an exit other than 0 throws with what it said. */
export function execute(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const parts: string[] = [];
    let [length, complaint] = [0, ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      length += text.length;
      if (length <= outputMax) parts.push(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-4_000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0 && length <= outputMax) resolve(parts.join(""));
      else reject(new Error(`${program} ${args.join(" ")}: exit ${code}\n${complaint}`));
    });
  });
}
