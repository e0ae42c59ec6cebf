import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whatever ends what a test has begun: a `TestContext`, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(fn: () => void | Promise<void>): void;
}

/** A temporary folder that goes away with the scope, or with this process. */
export function temporaryFolder(scope: Scope, name: string): string {
  const dir = mkdtempSync(join(tmpdir(), `tidemark-${name}-`));
  const cancel = whenWeDie(["rm", "-rf", dir]);
  scope.after(() => {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    cancel();
  });
  return dir;
}

/**
 * Runs `command` when this process ends, however it ends, kill -9 included: a shell waits at a pipe whose other end only
 * we hold. Returns the call that takes it back.
 */
export function whenWeDie(command: readonly string[]): () => void {
  const watcher = spawn("sh", ["-c", 'read -r _ || exec "$@"', "sh", ...command], {
    detached: true, // a Ctrl-C at the terminal must not reach it
    stdio: ["pipe", "ignore", "ignore"],
  });
  const pipe = watcher.stdin as Socket | null;
  if (pipe === null) throw new Error(`cannot watch over ${command.join(" ")}`);
  watcher.unref();
  pipe.unref();
  pipe.on("error", () => undefined); // it has ended already
  return () => void pipe.end("\n");
}

export interface Service {
  readonly child: ChildProcess;
  /** What it has said so far, on both channels. */
  log(): string;
  /** SIGTERM, and SIGKILL when that takes over 5 s. */
  stop(): Promise<void>;
  /** kill -9 */
  kill(): Promise<void>;
}

/**
 * Starts a server and waits until `ready` finds in its output what it looks for.
 * @throws Error with the output when the server ends first or is not ready within 60 s
 */
export async function startService<T>(
  command: readonly [string, ...string[]],
  ready: (said: string) => T | undefined,
): Promise<Service & { readonly found: T }> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  let said = "";
  const found = await new Promise<T>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${program}: ${why}\n${said}`));
    const timer = setTimeout(() => fail("not ready after 60 s"), 60_000);
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const answer = ready(said);
      if (answer === undefined) return;
      clearTimeout(timer);
      resolve(answer);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", (error) => fail(error.message));
    child.once("close", (code, signal) => fail(`ended with ${code ?? signal}`));
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const cancel = whenWeDie(["kill", "-9", String(child.pid)]);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(late);
    cancel();
  };
  return { child, found, log: () => said, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}
