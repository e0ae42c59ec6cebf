import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import type { GateAnswer } from "../serve/gate.ts";
import { type Answer, ask, baseOf } from "./ask.ts";
import { type Config, loadConfigFile } from "./config.ts";
import { Exit, formatJson, type Io } from "./io.ts";

interface BreakerOptions {
  readonly segment?: string;
  readonly mute?: string;
  readonly reason?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function addBreaker(program: Command, io: Io): void {
  const breaker = program
    .command("breaker")
    .description("Look at a breaker of a running tidemark, or set it by hand.");
  const common = (command: Command): Command =>
    command
      .option("--segment <field:value>", "of one segment, for example node:a7")
      .option("--url <url>", "where tidemark serves (default: http of the config)")
      .option("--config <file>", "config file (default: tidemark.yaml if it is there)")
      .option("--json", "print the answer as JSON");
  common(
    breaker
      .command("status <view>")
      .description("Say how it stands and why. Exit 1 when it is open.")
      .addHelpText("after", "\nExamples:\n  tidemark breaker status reco_user --segment node:a7"),
  ).action((view: string, options: BreakerOptions) => status(view, options, io));
  for (const [action, what, example] of [
    [
      "open",
      "Open it, until it is closed by hand or the mute has run out.",
      "upstream says it will be wrong",
    ],
    [
      "close",
      "Close it. Verdicts may open it again; with a mute, not before that has run out.",
      "known release",
    ],
  ] as const) {
    common(
      breaker
        .command(`${action} <view>`)
        .description(what)
        .requiredOption("--reason <text>", "why: shown at the gate and in the alerts")
        .option("--mute <duration>", "hold it so, and keep its alerts silent, for so long: 2h")
        .option("--token-file <file>", "with the bearer token (default: http.tokenFile; TIDEMARK_HTTP_TOKEN)")
        .addHelpText(
          "after",
          `\nExamples:\n  tidemark breaker ${action} reco_user --reason "${example}"\n  tidemark breaker ${action} reco_user --mute 2h --reason "${example}"`,
        ),
    ).action((view: string, options: BreakerOptions) => order(action, view, options, io));
  }
}

async function status(view: string, options: BreakerOptions, io: Io): Promise<void> {
  const config = loadConfigFile(options.config, io, {});
  const gate = await askGate(view, options, config);
  io.stdout(options.json === true ? formatJson(gate) : textOf(gate));
  if (gate.state === "open") throw new Exit(1);
}

async function order(action: "open" | "close", view: string, options: BreakerOptions, io: Io): Promise<void> {
  const config = loadConfigFile(options.config, io, {});
  const token = options.tokenFile === undefined ? config.http.token : readToken(options.tokenFile);
  if (token === undefined) {
    throw new Fault("usage", `breaker ${action}: no token`, {
      hint: "give --token-file, or set http.tokenFile in the config",
    });
  }
  const { mute, reason, segment } = options;
  const url = new URL(`v1/breakers/${encodeURIComponent(view)}`, baseOf(options, config));
  const answer = await ask(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      action,
      reason,
      ...(mute === undefined ? {} : { mute }),
      ...(segment === undefined ? {} : { segment }),
    }),
  });
  if (answer.status !== 202) throw refusal(url, answer);
  const gate = await askGate(view, options, config);
  io.stdout(options.json === true ? formatJson({ order: answer.body, gate }) : textOf(gate));
}

async function askGate(view: string, options: BreakerOptions, config: Config): Promise<GateAnswer> {
  const url = new URL(`v1/gate/${encodeURIComponent(view)}`, baseOf(options, config));
  if (options.segment !== undefined) url.searchParams.set("segment", options.segment);
  const answer = await ask(url);
  if (answer.status !== 200 && answer.status !== 503) throw refusal(url, answer);
  if (typeof answer.body !== "object" || answer.body === null || !("state" in answer.body))
    throw refusal(url, answer);
  return answer.body as GateAnswer;
}

function refusal(url: URL, { status: code, body }: Answer): Fault {
  const detail = typeof body === "object" && body !== null && "detail" in body ? String(body.detail) : "";
  return new Fault("usage", `${url.pathname} answered ${code}${detail === "" ? "" : `: ${detail}`}`);
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new Fault("input.missing", `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function textOf(gate: GateAnswer): string {
  const { featureView, segment, state, since, reasons, hold, stale, openSegments } = gate;
  const lines = [
    `${featureView}${segment === null ? "" : ` ${segment}`}: ${state}${since === null ? "" : ` since ${since}`}${stale ? ", no rows arrive" : ""}`,
    ...reasons.map(({ summary }) => `  because ${summary}`),
    ...(hold === null
      ? []
      : [
          `  by hand since ${hold.since}${hold.until === null ? "" : ` until ${hold.until}`}: ${hold.reason}`,
          ...(hold.muted ? [`  muted, ${hold.silenced} alerts silenced`] : []),
        ]),
    ...(openSegments.length === 0 ? [] : [`  open segments: ${openSegments.join(", ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}
