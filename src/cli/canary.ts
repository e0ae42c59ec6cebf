import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { canaryDefaults, judgeCanary } from "../canary/canary.ts";
import type { CanaryOptions } from "../canary/check.ts";
import {
  formatOutputs,
  type GoldenQuery,
  type Output,
  parseGolden,
  parseOutputs,
} from "../canary/outputs.ts";
import { renderHtml, renderMarkdown, shapeOf } from "../canary/render.ts";
import { Fault } from "../model/fault.ts";
import { parseDuration } from "../model/time.ts";
import { askBoth, type EndpointOptions } from "../source/endpoint.ts";
import { addFormats, type Formats, printedFormat } from "./formats.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { createProgress } from "./progress.ts";
import { version } from "./version.ts";

const [concurrencyDefault, timeoutDefault, concurrencyMax] = ["4", "10s", 256];

interface CommandOptions {
  readonly golden: string;
  readonly production: string;
  readonly candidate: string;
  readonly maxKl: string;
  readonly minQueries: string;
  readonly maxLatencyRatio: string;
  readonly maxIncrease: string;
  readonly minRbo?: string;
  readonly seed: string;
  readonly method: string;
  readonly header?: readonly string[];
  readonly headerFile?: string;
  readonly body?: string;
  readonly output: string;
  readonly concurrency: string;
  readonly timeout: string;
  readonly out?: string;
  readonly format?: Formats;
  readonly json?: boolean;
}

export function addCanary(program: Command, io: Io): void {
  const { maxKl, minQueries, maxLatencyRatio, maxIncrease, seed } = canaryDefaults;
  program
    .command("canary")
    .description(
      "Compare a candidate's answers to a golden set with production's. Exit 0: promote; 1: abort or inconclusive.",
    )
    .requiredOption("--golden <file>", 'golden queries: {"id","request"} a line')
    .requiredOption(
      "--production <url|file>",
      'endpoint, or outputs: {"id","status","latencyMs","output"} a line',
    )
    .requiredOption("--candidate <url|file>", "the same of the candidate")
    .option("--max-kl <nats>", "divergence of outputs that aborts", String(maxKl))
    .option("--min-queries <n>", "fewer are inconclusive", String(minQueries))
    .option("--max-latency-ratio <x>", "median and p95 against production's", String(maxLatencyRatio))
    .option("--max-increase <share>", "of failed and of empty answers", String(maxIncrease))
    .option(
      "--min-rbo <share>",
      "overlap of ranked lists below which to abort; without it the overlap is told only",
    )
    .option("--seed <n>", "of the bootstrap: the same answers and seed, the same verdict", String(seed))
    .option("--method <verb>", "of requests", "POST")
    .option("--header <lines...>", "of requests: 'name: value'")
    .option("--header-file <file>", "headers from a file, a line each: for secrets")
    .option(
      "--body <template>",
      "JSON with {{request}}, {{request.key}} or {{id}}; the request itself without it",
    )
    .option("--output <pointer>", "JSON pointer to the output in an answer, for example /predictions/0", "")
    .option("--concurrency <n>", "queries at a time", concurrencyDefault)
    .option("--timeout <duration>", "of a request", timeoutDefault)
    .option("--out <dir>", "where canary.json, canary.md, canary.html, argo.json and the recorded outputs go")
    .option("--format <name>", "what is printed: markdown (the default) or json", addFormats)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Examples:
  tidemark canary --golden golden.jsonl --production prod.jsonl --candidate cand.jsonl --out out
  tidemark canary --golden golden.jsonl --production http://reco/predict --candidate http://reco-canary/predict \\
    --body '{"instances":[{{request}}]}' --output /predictions/0 --concurrency 8 --max-kl 0.05
  tidemark canary --golden golden.jsonl --production 'http://reco/users/{{request.user}}' --candidate new.jsonl --method GET`,
    )
    .action((options: CommandOptions) => canary(options, io));
}

async function canary(options: CommandOptions, io: Io): Promise<void> {
  const format = printedFormat(options.format, options.json, "canary");
  const judging = judgingOf(options);
  const golden = parseGolden(read(options.golden, "--golden", io), options.golden);
  const { production, candidate } = await outputsOf(golden, options, io);
  const result = judgeCanary(golden, production, candidate, judging);
  if (options.out !== undefined) {
    const dir = resolve(io.cwd, options.out);
    mkdirSync(dir, { recursive: true });
    for (const [name, text] of Object.entries({
      "canary.json": formatJson(result),
      "canary.md": renderMarkdown(result),
      "canary.html": renderHtml(result, version),
      "argo.json": formatJson(shapeOf(result)),
      "production.jsonl": formatOutputs(production),
      "candidate.jsonl": formatOutputs(candidate),
    })) {
      writeFileSync(join(dir, name), text);
    }
    io.stderr(`${options.out}: canary.html, canary.md, canary.json and the outputs\n`);
  }
  io.stdout(format === "json" ? formatJson(result) : renderMarkdown(result));
  if (result.verdict !== "promote") throw new Exit(1);
}

async function outputsOf(
  golden: readonly GoldenQuery[],
  options: CommandOptions,
  io: Io,
): Promise<{ production: readonly Output[]; candidate: readonly Output[] }> {
  const { production, candidate, timeout } = options;
  const timeoutMs = parseDuration(timeout) ?? 0;
  if (timeoutMs <= 0)
    throw new Fault("usage", `--timeout ${timeout}: no duration`, { hint: "for example 500ms, 10s" });
  const common = {
    method: options.method.toUpperCase(),
    headers: headersOf(options, io),
    body: options.body,
    outputPointer: options.output,
    timeoutMs,
  };
  if (options.output !== "" && !options.output.startsWith("/"))
    throw new Fault("usage", `--output ${options.output}: a JSON pointer begins with /`);
  const endpoints = [production, candidate].map((place): EndpointOptions | undefined =>
    isUrl(place) ? { ...common, url: place } : undefined,
  );
  const concurrency = numberOf("--concurrency", options.concurrency, 1, concurrencyMax, true);
  const files = [production, candidate].map((place, index) =>
    isUrl(place) ? [] : parseOutputs(read(place, index === 0 ? "--production" : "--candidate", io), place),
  );
  let asked = 0;
  const progress = createProgress(io, "asking");
  const answers = endpoints.some((endpoint) => endpoint !== undefined)
    ? await askBoth(golden, endpoints, concurrency, io.signal, () => {
        asked += 1;
        progress.update(() => ({ rows: asked, eventTime: undefined }));
      }).finally(() => progress.clear())
    : [];
  const [ours, theirs] = endpoints.map((endpoint, index) =>
    endpoint === undefined ? files[index] : answers[index],
  );
  return { production: ours ?? [], candidate: theirs ?? [] };
}

function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

function headersOf({ header = [], headerFile }: CommandOptions, io: Io): Record<string, string> {
  const fromFile = headerFile === undefined ? [] : read(headerFile, "--header-file", io).split("\n");
  const headers: Record<string, string> = {};
  for (const line of [...header, ...fromFile]) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    // the value may be a secret: only the name is repeated
    if (colon < 1) throw new Fault("usage", "--header: a line without 'name: value'");
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return headers;
}

function judgingOf(options: CommandOptions): CanaryOptions {
  return {
    maxKl: numberOf("--max-kl", options.maxKl, 0, Number.MAX_VALUE),
    minQueries: numberOf("--min-queries", options.minQueries, 1, 100_000, true),
    maxLatencyRatio: numberOf("--max-latency-ratio", options.maxLatencyRatio, 0, Number.MAX_VALUE),
    maxIncrease: numberOf("--max-increase", options.maxIncrease, 0, 1),
    minRbo: options.minRbo === undefined ? undefined : numberOf("--min-rbo", options.minRbo, 0, 1),
    seed: numberOf("--seed", options.seed, 0, 2 ** 32, true),
  };
}

function numberOf(flag: string, text: string, low: number, high: number, whole = false): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= low && value <= high && (!whole || Number.isInteger(value)))
    return value;
  const kind = whole ? "a whole number" : "a number";
  const range = high === Number.MAX_VALUE ? `of at least ${low}` : `from ${low} to ${high}`;
  throw new Fault("usage", `${flag} ${text}: not ${kind} ${range}`);
}

function read(file: string, flag: string, { cwd }: Io): string {
  try {
    return readFileSync(resolve(cwd, file), "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("input.missing", `${flag} ${file}: ${reason}`, { cause });
  }
}
