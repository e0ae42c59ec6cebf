import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { isoTime, parseDuration } from "../model/time.ts";
import { pause } from "../source/pause.ts";
import { ask, baseOf } from "./ask.ts";
import { loadConfigFile } from "./config.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { paintFor } from "./paint.ts";
import { frameOf, type Snapshot, type TopAlert, type TopView } from "./top-frame.ts";

interface TopOptions {
  readonly url?: string;
  readonly config?: string;
  readonly every: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** A frame of a terminal program: another screen while it runs, and no cursor in the text. */
const screen = {
  enter: "\u001b[?1049h\u001b[?25l",
  home: "\u001b[H",
  lineEnd: "\u001b[K\n",
  below: "\u001b[J",
  leave: "\u001b[?25h\u001b[?1049l",
};

export function addTop(program: Command, io: Io): void {
  program
    .command("top")
    .description(
      "Watch a running tidemark: its views, their breakers, rows a second, and the alerts that fire.",
    )
    .option("--url <url>", "where tidemark serves (default: http of the config)")
    .option("--config <file>", "config file (default: tidemark.yaml if it is there)")
    .option("--every <duration>", "between two looks", "2s")
    .option("--once", "one look, without rows a second; so it is, too, where stdout is no terminal")
    .option("--json", "one look, as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tidemark top
  tidemark top --url http://tidemark:8787 --every 500ms
  tidemark top --json | jq '.views[] | select(.breaker.state == "open") | .name'`,
    )
    .action((options: TopOptions) => top(options, io));
}

async function top(options: TopOptions, io: Io): Promise<void> {
  const everyMs = parseDuration(options.every);
  if (everyMs === undefined || everyMs < 100)
    throw new Fault("usage", `--every ${options.every}: a duration from 100ms, such as 2s`);
  const base = baseOf(options, loadConfigFile(options.config, io, {}));
  const first = await look(base, io);
  if (options.json === true) return io.stdout(formatJson({ ...first, at: isoTime(first.at) }));
  const paint = paintFor({ isTTY: io.columns !== undefined, env: io.env });
  if (options.once === true || io.columns === undefined)
    return io.stdout(`${frameOf(first, undefined, undefined, paint, io.columns).join("\n")}\n`);
  io.stdout(screen.enter);
  try {
    let [before, now, trouble]: [Snapshot | undefined, Snapshot, string | undefined] = [
      undefined,
      first,
      undefined,
    ];
    while (!io.signal.aborted) {
      const lines = frameOf(now, before, trouble, paint, io.columns);
      io.stdout(screen.home + lines.map((line) => line + screen.lineEnd).join("") + screen.below);
      await pause(everyMs, io.signal);
      if (io.signal.aborted) break;
      try {
        [before, now, trouble] = [now, await look(base, io), undefined];
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        trouble = error.message; // shown until it answers again
      }
    }
  } finally {
    io.stdout(screen.leave);
  }
  throw new Exit(130);
}

async function look(base: URL, io: Io): Promise<Snapshot> {
  const [health, views, alerts] = await Promise.all(
    ["health", "v1/feature-views", "v1/alerts"].map((path) => ask(new URL(path, base))),
  );
  const { status, reasons } = (health?.body ?? {}) as Partial<Snapshot["health"]>;
  if (status === undefined || !Array.isArray(views?.body) || !Array.isArray(alerts?.body)) {
    throw new Fault("source.failed", `${base.origin} is no tidemark: /health answered ${health?.status}`, {
      hint: "name it with --url http://HOST:PORT",
    });
  }
  return {
    at: io.now(),
    url: base.origin,
    health: { status, reasons: reasons ?? [] },
    views: views.body as TopView[],
    alerts: alerts.body as TopAlert[],
  };
}
