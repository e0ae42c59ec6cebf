import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants, hostname } from "node:os";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { formatDuration, isoTime, parseDuration } from "../model/time.ts";
import { addressOf, postJson } from "../sink/post.ts";
import { formatBytes, parseBytes } from "../spec/size.ts";
import { type GuardPolicy, guardStep, overshoot, type Reading, watchStart } from "./guard-policy.ts";
import { Exit, type Io } from "./io.ts";
import { printable, span } from "./paint.ts";
import { createGroup, joinGroup, type Processes, processTree } from "./process-tree.ts";

/** When the guard ended the command: sysexits' EX_SOFTWARE, as for memory anywhere else in tidemark. */
const endedExit = 70;
/** For one POST to Alertmanager, and with it for how long an end may wait. */
const postTimeoutMs = 5_000;
/** A warning is sent again this often while it stands, and is over by itself when it is not. */
const [resendEveryMs, warningLastsMs] = [60_000, 5 * 60_000];
/** Nobody takes the end of a command back: it stands this long, for people to see. */
const endLastsMs = 15 * 60_000;
const intervalMinMs = 10;

interface CommandOptions {
  readonly limit: string;
  readonly grace: string;
  readonly interval: string;
  readonly warnAt: string;
  readonly alertmanager?: string;
  readonly name?: string;
}

export function addGuard(program: Command, io: Io): void {
  program
    .command("guard")
    .description("Run a command under a memory limit, and end it gracefully before the kernel does.")
    .argument("<command...>", "the command and its arguments, after --")
    .requiredOption("--limit <size>", "memory of the command and all that it starts, for example 2GiB")
    .option("--grace <duration>", "from SIGTERM to SIGKILL", "10s")
    .option("--interval <duration>", "between two looks at the memory", "250ms")
    .option("--warn-at <share>", "of the limit, at which it is announced", "0.9")
    .option("--alertmanager <urls>", "where warnings and the end are posted, comma-separated")
    .option("--name <name>", "of the command in log lines and alerts (default: its file name)")
    .addHelpText(
      "after",
      `
Examples:
  tidemark guard --limit 2GiB -- python serve.py --port 8080
  tidemark guard --limit 7.5GiB --grace 30s --warn-at 0.8 --name reco-engine \\
    --alertmanager http://alertmanager:9093 -- gunicorn -w 4 reco:app

Exit codes: the command's own · 128 + n: signal n ended it · 70: the guard ended it ·
  2 wrong options · 4 the command does not start`,
    )
    .action((command: string[], options: CommandOptions) => guard(command, options, io));
}

async function guard(command: readonly string[], options: CommandOptions, io: Io): Promise<void> {
  const policy = policyOf(options);
  const intervalMs = durationOf("--interval", options.interval, intervalMinMs);
  const name = printable(options.name ?? basename(command[0] ?? ""));
  const teller = createTeller(options, name, policy, io);
  if (!existsSync("/proc/self/status"))
    throw new Fault("source.failed", "guard: no /proc here", { hint: "guard runs on Linux" });

  const group = createGroup(`tidemark-guard-${process.pid}`, Math.ceil(policy.limitBytes * overshoot));
  const { pid, ended } = await start(command, group?.path, io).catch((error: unknown) => {
    group?.processes.close();
    throw error;
  });
  const processes = group?.processes ?? processTree(pid);
  const pass = (signal: NodeJS.Signals): void => io.kill(pid, signal);
  io.takeSignals(pass);
  if (io.signal.aborted) pass(io.signal.reason === "SIGINT" ? "SIGINT" : "SIGTERM"); // it came while we started
  teller.say(
    `pid ${pid}, limit ${formatBytes(policy.limitBytes)}, read every ${options.interval} by ${processes.how}`,
  );

  const { byGuard, last } = await watchOver(processes, ended, policy, intervalMs, { teller, io });
  const { code, signal } = await ended;
  processes.close();
  const how = signal === null ? `exit code ${code}` : signal;
  teller.say(byGuard ? `ended by the guard (${how}), exit code ${endedExit}` : `ended by itself: ${how}`);
  if (!byGuard) teller.tell("calm", last, `${name} ended by itself: ${how}`);
  await teller.close();
  throw new Exit(byGuard ? endedExit : signal === null ? (code ?? 0) : 128 + constants.signals[signal]);
}

/** Reads until the command has ended and, when the guard ends it, all that it had started. */
async function watchOver(
  processes: Processes,
  ended: Promise<unknown>,
  policy: GuardPolicy,
  intervalMs: number,
  { teller, io }: { teller: Teller; io: Io },
): Promise<{ byGuard: boolean; last: Reading }> {
  let watch = watchStart;
  let last: Reading = { at: io.now(), bytes: 0 };
  let running = true;
  const over = ended.then(() => {
    running = false;
  });
  while (running || (watch.ending !== undefined && processes.pids().length > 0)) {
    last = { at: io.now(), bytes: processes.bytes(policy.limitBytes * policy.warnAt) };
    const next = guardStep(watch, last, policy);
    ({ watch } = next);
    const { step } = next;
    const level = `${formatBytes(last.bytes)} of ${formatBytes(policy.limitBytes)}`;
    if (step.kind === "warn") {
      const left = step.leftMs === undefined ? "" : `, reaches it in ${span(step.leftMs)}`;
      teller.tell(
        "warning",
        last,
        `${level} (${Math.floor((100 * last.bytes) / policy.limitBytes)}%)${left}`,
      );
    } else if (step.kind === "calm") teller.tell("calm", last, `${level}: the limit is not near any more`);
    else if (step.kind === "end") {
      for (const pid of processes.pids()) io.kill(pid, "SIGTERM");
      teller.tell("critical", last, `${level}: SIGTERM, and SIGKILL in ${formatDuration(policy.graceMs)}`);
    } else if (step.kind === "kill" || watch.killed) {
      for (const pid of processes.pids()) io.kill(pid, "SIGKILL");
      if (step.kind === "kill")
        teller.say(
          step.why === "grace"
            ? `still running after ${formatDuration(policy.graceMs)}, ${level}: SIGKILL`
            : `still growing after SIGTERM, ${level}: SIGKILL`,
        );
    }
    teller.again(last);
    await pause(intervalMs, running ? over : undefined);
  }
  return { byGuard: watch.ending !== undefined, last };
}

/** A wait that `sooner` cuts short. */
async function pause(ms: number, sooner: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await (sooner === undefined ? waited : Promise.race([waited, sooner]));
  clearTimeout(timer);
}

/**
 * Starts the command in a session of its own: what it starts is known by it, and a Ctrl-C comes once, from us.
 * @throws Fault `input.missing` when there is no such command, `source.failed` when it does not start
 */
async function start(
  command: readonly string[],
  group: string | undefined,
  io: Io,
): Promise<{ pid: number; ended: Promise<End> }> {
  const [program = "", ...args] = command;
  const hint = "the command follows --, for example: tidemark guard --limit 2GiB -- python serve.py";
  if (!exists(program, io))
    throw new Fault("input.missing", `guard: ${printable(program)}: no such command`, { hint });
  const file = group === undefined ? program : "/bin/sh";
  const words = group === undefined ? args : ["-c", joinGroup, group, program, ...args];
  const child = spawn(file, words, { cwd: io.cwd, env: { ...io.env }, stdio: "inherit", detached: true });
  const ended = new Promise<End>((done) => {
    child.once("exit", (code, signal) => done({ code, signal }));
  });
  await new Promise<void>((started, failed) => {
    child.once("spawn", started);
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const message = `guard: ${printable(program)} does not start: ${cause.code ?? cause.message}`;
      failed(new Fault("source.failed", message, { cause, hint }));
    });
  });
  assert(child.pid !== undefined); // it has started
  return { pid: child.pid, ended };
}

/** Looked for as execvp does; a shell in between would answer 127 instead. */
function exists(program: string, { env, cwd }: Io): boolean {
  if (program.includes("/")) return existsSync(resolve(cwd, program));
  return (env["PATH"] ?? "/usr/bin:/bin").split(":").some((dir) => existsSync(resolve(cwd, dir, program)));
}

/** How the command ended: one of the two is null. */
interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Teller {
  say(text: string): void;
  tell(severity: "warning" | "critical" | "calm", reading: Reading, text: string): void;
  /** Sends a standing warning again when it is time to. */
  again(reading: Reading): void;
  /** Waits for what is on its way, up to 5 s. */
  close(): Promise<void>;
}

/** Log lines on stderr, and alerts: one place, so one label set a command and host. */
function createTeller(options: CommandOptions, name: string, { limitBytes }: GuardPolicy, io: Io): Teller {
  const addresses = (options.alertmanager ?? "")
    .split(",")
    .filter((text) => text.trim() !== "")
    .map((text) => addressFor(text.trim()));
  const say = (text: string): void => io.stderr(`${isoTime(io.now())} tidemark guard: ${name}: ${text}\n`);
  const posts = new Set<Promise<void>>();
  let standing: { startsAt: number; sentAt: number; text: string } | undefined;
  const alert = (severity: string, { bytes }: Reading, startsAt: number, endsAt: number, text: string) => ({
    labels: {
      alertname: "TidemarkMemoryTrend",
      statistic: "memory",
      command: name,
      node: hostname(),
      severity,
    },
    annotations: {
      summary: `memory of ${name} on ${hostname()}: ${text}`,
      observed: String(bytes),
      expected: String(limitBytes),
      runbook_url: "docs/runbook.md#tidemarkmemorytrend",
    },
    startsAt: isoTime(startsAt),
    endsAt: isoTime(Math.max(endsAt, startsAt + 1)),
  });
  const post = (alerts: readonly object[]): void => {
    for (const address of addresses) {
      const url = new URL("api/v2/alerts", address.url.href.replace(/\/?$/, "/"));
      const signal = new AbortController().signal;
      const sent = postJson(address, url, alerts, { timeoutMs: postTimeoutMs, signal })
        .then(({ status, text }) => {
          if (status >= 300) say(`${address.name} answered ${status}: ${printable(text)}`);
        })
        .catch((error: unknown) => say(`no alert: ${error instanceof Error ? error.message : String(error)}`))
        .finally(() => posts.delete(sent));
      posts.add(sent);
    }
  };
  const over = (reading: Reading, text: string): readonly object[] =>
    standing === undefined ? [] : [alert("warning", reading, standing.startsAt, reading.at, text)];
  return {
    say,
    tell(severity, reading, text) {
      const { at } = reading;
      if (severity === "warning") {
        say(text);
        standing = { startsAt: at, sentAt: at, text };
        post([alert("warning", reading, at, at + warningLastsMs, text)]);
        return;
      }
      if (severity === "critical" || standing !== undefined) say(text);
      const alerts = [
        ...over(reading, text),
        ...(severity === "critical" ? [alert("critical", reading, at, at + endLastsMs, text)] : []),
      ];
      standing = undefined;
      if (alerts.length > 0) post(alerts);
    },
    again(reading) {
      if (standing === undefined || reading.at - standing.sentAt < resendEveryMs) return;
      standing.sentAt = reading.at;
      post([alert("warning", reading, standing.startsAt, reading.at + warningLastsMs, standing.text)]);
    },
    close: async () => void (await Promise.all(posts)),
  };
}

function addressFor(text: string): ReturnType<typeof addressOf> {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return addressOf(text);
  throw new Fault("usage", "--alertmanager: no http address", { hint: "for example http://127.0.0.1:9093" });
}

function policyOf({ limit, grace, warnAt }: CommandOptions): GuardPolicy {
  const limitBytes = parseBytes(limit) ?? 0;
  if (limitBytes <= 0)
    throw new Fault("usage", `--limit ${limit}: no size`, { hint: "for example 512MiB, 2GiB, 7.5GiB" });
  const share = Number(warnAt);
  if (warnAt.trim() === "" || !(share > 0 && share <= 1))
    throw new Fault("usage", `--warn-at ${warnAt}: no share of the limit`, {
      hint: "above 0, at most 1; 0.9 for example",
    });
  return { limitBytes, warnAt: share, graceMs: durationOf("--grace", grace, 0) };
}

function durationOf(option: string, text: string, minMs: number): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= minMs && ms <= 2 ** 31 - 1) return ms;
  throw new Fault("usage", `${option} ${text}: no duration from ${minMs} ms`, {
    hint: "for example 250ms, 10s, 1m",
  });
}
