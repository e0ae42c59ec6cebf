import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { partitionKey } from "../model/record.ts";
import type { DeadLetter, Sink } from "../pipeline/ports.ts";
import type { Summary } from "../pipeline/summary.ts";
import type { CourseEvent } from "../report/course.ts";
import { createProfileLog, type ProfileLogHeader } from "../sink/profile-log.ts";
import { createReportFiles } from "../sink/report-files.ts";
import { createTableFiles } from "../sink/table-files.ts";
import { filesPartition } from "../source/file.ts";
import { compareRuns } from "./compare.ts";
import {
  addDataOptions,
  type DataOptions,
  type DataSource,
  emptyRangeHint,
  openData,
  rangeHelp,
} from "./data.ts";
import { addFormats, type Formats, formatHelp, formatsOf, printedFormat } from "./formats.ts";
import { timeRangeOf } from "./inputs.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { paintFor } from "./paint.ts";
import { createPlay } from "./play.ts";
import { createProgress } from "./progress.ts";
import { addEvent, createReporting, eventText } from "./reporting.ts";
import { summaryText } from "./summary-text.ts";
import { runSweep, type Sweep, sweepOf } from "./sweep.ts";
import { version } from "./version.ts";
import { matchBaseline, readBaseline, readSpec } from "./views.ts";
import { systemClock } from "./wire.ts";

interface ReplayFlags extends DataOptions {
  readonly spec?: string;
  readonly baseline?: string;
  readonly out?: string;
  readonly sweep?: Sweep;
  readonly labels?: string;
  readonly compare?: readonly string[];
  readonly fromTime?: string;
  readonly toTime?: string;
  readonly sigma?: number;
  readonly failOn?: "warning" | "critical";
  readonly format?: Formats;
  readonly event?: readonly CourseEvent[];
  readonly insufficient?: "first" | "all";
  readonly json?: boolean;
}

type ReplayOptions = ReplayFlags & { readonly spec: string; readonly baseline: string; readonly out: string };

export function addReplay(program: Command, io: Io): void {
  const command = program
    .command("replay")
    .description("Judge recorded data as `run` would have: the same verdicts, breaker and alerts, as files.")
    .option("--spec <file>", "the feature view; another version of it to see what that would have said")
    .option("--baseline <file>", "what is normal; another one likewise");
  addDataOptions(command)
    .option("--out <dir>", "where alerts, verdicts, breaker, summary, profiles and report go")
    .option("--from-time <time>", "skip rows before this event time (ISO 8601 or epoch ms)")
    .option("--to-time <time>", "skip rows at or after this event time")
    .option("--sigma <x>", "the breaker's line, instead of the spec's", sigmaOf)
    .option("--sweep <range>", "judge the stored profiles once for each value: sigma=1.5..4:0.25", sweepOf)
    .option("--labels <file>", "with --sweep: when something was wrong, for recall and delay")
    .option("--compare <dirs...>", "two directories of replays, side by side; nothing is replayed")
    .option("--format <names...>", `beside the files below: ${formatHelp}`, addFormats)
    .option("--event <time=text...>", "something that happened, to stand in the report's pictures", addEvent)
    .option(
      "--insufficient <which>",
      "in verdicts.jsonl, of segments with too few rows: the first window of each stretch, or all",
      insufficientOf,
      "first",
    )
    .option("--fail-on <severity>", "exit 1 when anything this bad is found: warning or critical", failOnOf)
    .option("--json", "print the summary as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tidemark replay --spec feature-specs/reco_user.yaml --baseline feature-specs/reco_user.baseline.json \\
    --input 'events/2026-03-03/*.arrow' --out out
  tidemark replay … --topic features.reco_user --from 2026-03-03T04:00Z --to 2026-03-03T10:00Z --brokers kafka:9092 --out out
  tidemark replay … --topic features.reco_user --from -2h --out out
  tidemark replay … --out out --format markdown,parquet --event '2026-03-03T04:14Z=deploy of reco-engine v4.1'
  tidemark replay … --sigma 3 --from-time 2026-03-03T04:00Z --to-time 2026-03-03T10:00Z --fail-on critical

  tidemark replay --spec s.yaml --baseline b.json --out out --sweep sigma=1.5..4:0.25     (out holds a replay: no row is read)
  tidemark replay --compare out out-other-baseline

${rangeHelp}
DIR gets alerts.jsonl, verdicts.jsonl, breaker.jsonl, summary.json, report.html, and profiles.bin: what --sweep and explain read.
--compare and --sweep print; with --format markdown or json for a pull request, or for machines.
--format json and markdown add report.json (docs/report.md) and report.md, for an incident ticket or a pull request.
--format parquet (or arrow) adds verdicts, alerts, breaker and profiles as tables for pandas, Polars and DuckDB: docs/notebooks.md.
Ctrl-C ends it with what was read until then, marked as partial.`,
    )
    .action((flags: ReplayFlags) => act(flags, io));
}

async function act(flags: ReplayFlags, io: Io): Promise<void> {
  const { compare, spec, baseline, out, input, topic, sweep, labels, json, format } = flags;
  if (compare !== undefined) {
    compareRuns(compare, printedFormat(format, json, "--compare"), io);
    return;
  }
  for (const [name, value] of Object.entries({ spec, baseline, out })) {
    if (value === undefined)
      throw new Fault("usage", `replay: --${name} is missing`, { hint: "(try --help)" });
  }
  if (spec === undefined || baseline === undefined || out === undefined) return;
  if (labels !== undefined && sweep === undefined) throw new Fault("usage", "--labels without --sweep");
  const rowsToo = sweep === undefined || input !== undefined || topic !== undefined;
  if (rowsToo) await replay({ ...flags, spec, baseline, out }, io);
  if (sweep !== undefined) {
    const printed = printedFormat(rowsToo ? undefined : format, json, "--sweep");
    const options = { dir: out, sweep, labels, format: printed };
    await runSweep({ view: readSpec(spec), baseline: readBaseline(baseline), ...options }, io);
  }
}

async function replay(options: ReplayOptions, io: Io): Promise<void> {
  const view = readSpec(options.spec);
  const baseline = readBaseline(options.baseline);
  for (const warning of matchBaseline(view, baseline, options.baseline)) io.stderr(`tidemark: ${warning}\n`);
  const range = timeRangeOf(options.fromTime, options.toTime);
  const source = await openData(options, view, io);
  const files = await createReportFiles({ dir: options.out, insufficient: options.insufficient ?? "first" });
  const header = headerOf(view, options, io);
  const profiles = await createProfileLog(options.out, header);
  const { reports, tables } = formatsOf(options.format);
  const tableFiles: Sink[] = [];
  for (const extension of tables) tableFiles.push(await createTableFiles({ dir: options.out, extension }));
  const reporting = createReporting(view, baseline, options.sigma);
  const play = createPlay({
    view,
    baseline,
    limits: defaultLimits,
    clock: { ...systemClock, now: io.now },
    sinks: [files, profiles, ...tableFiles, reporting.sink],
    ...(options.sigma === undefined ? {} : { sigma: options.sigma }),
    ...(range === undefined ? {} : { range }),
  });
  const progress = createProgress(io, "replaying");
  let summary: Summary;
  try {
    summary = await play.run(source, io.signal, () => {
      progress.update(() => ({ ...play.reached(), share: source.share() }));
    });
  } finally {
    progress.clear();
    for (const sink of [files, profiles, ...tableFiles]) await sink.close(io.signal);
  }
  if (summary.partial && summary.rows === 0) throw new Exit(130);
  tellUnread(reporting.deadLetters, summary, emptyHint(range !== undefined, options), io);
  const report = reporting.input({
    summary,
    events: options.event ?? [],
    files: { spec: options.spec, baseline: options.baseline, baselineDigest: header.baselineDigest },
    command: commandOf(options, source),
    toolVersion: version,
  });
  await files.finish(summary, new Map(reports.map(({ file, render }) => [file, render(report)])));
  if (options.sweep === undefined || options.json !== true)
    io.stdout(
      options.json === true ? formatJson(summary) : summaryText(summary, paintFor({ ...io, isTTY: false })),
    );
  if (summary.partial) throw new Exit(130);
  if (isBreached(summary, options.failOn)) throw new Exit(1);
}

function headerOf(
  view: FeatureView,
  { spec, baseline, brokers }: ReplayOptions,
  io: Io,
): ProfileLogHeader & { readonly baselineDigest: string } {
  const baselineFile = resolve(io.cwd, baseline);
  const digest = createHash("sha256").update(readFileSync(baselineFile)).digest("hex");
  return {
    featureView: view.name,
    spec: view.fingerprint,
    toolVersion: version,
    specFile: resolve(io.cwd, spec),
    baselineFile,
    baselineDigest: `sha256:${digest}`,
    ...(brokers === undefined ? {} : { brokers }),
  };
}

/** @throws Fault `input.format` or `input.empty` when there was nothing to judge */
function tellUnread(deadLetters: readonly DeadLetter[], summary: Summary, empty: string, io: Io): void {
  const [unread] = deadLetters;
  if (unread !== undefined && summary.rows === summary.deadLettered) {
    throw new Fault("input.format", unread.message, { hint: "nothing of the input could be read" });
  }
  for (const { message, partition, offset } of deadLetters) {
    const place = partition.topic === filesPartition.topic ? "" : `${partitionKey(partition)}@${offset}: `;
    io.stderr(`tidemark: not judged, ${place}${message}; what stands before it is\n`);
  }
  if (summary.rows === 0) {
    throw new Fault("input.empty", "no row to judge", { hint: empty });
  }
}

function emptyHint(ranged: boolean, { topic }: DataOptions): string {
  if (ranged) return "no event time lies in [--from-time, --to-time)";
  return topic === undefined ? "the input holds no rows" : emptyRangeHint;
}

/** The command line that makes the same report, as a POSIX shell reads it. */
function commandOf(
  { spec, baseline, out, fromTime, toTime, sigma, format, event, insufficient }: ReplayOptions,
  source: DataSource,
): string {
  const quote = (text: string): string =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const flags: (readonly [string, readonly string[]])[] = [
    ["--spec", [spec]],
    ["--baseline", [baseline]],
    ...source.flags(),
    ...(fromTime === undefined ? [] : [["--from-time", [fromTime]] as const]),
    ...(toTime === undefined ? [] : [["--to-time", [toTime]] as const]),
    ...(sigma === undefined ? [] : [["--sigma", [String(sigma)]] as const]),
    ...(format === undefined ? [] : [["--format", [format.join(",")]] as const]),
    ...(event === undefined ? [] : [["--event", event.map(eventText)] as const]),
    ...(insufficient === "all" ? [["--insufficient", ["all"]] as const] : []),
    ["--out", [out]],
  ];
  return `tidemark replay ${flags.map(([name, values]) => [name, ...values.map(quote)].join(" ")).join(" ")}`;
}

function isBreached({ alerts }: Summary, failOn: ReplayOptions["failOn"]): boolean {
  if (failOn === undefined) return false;
  return alerts.critical > 0 || (failOn === "warning" && alerts.warning > 0);
}

function sigmaOf(text: string): number {
  const sigma = Number(text);
  if (text.trim() !== "" && Number.isFinite(sigma) && sigma > 0) return sigma;
  throw new Fault("usage", `--sigma ${text}: not a number above 0`);
}

function insufficientOf(text: string): "first" | "all" {
  if (text === "first" || text === "all") return text;
  throw new Fault("usage", `--insufficient ${text}: give first or all`);
}

function failOnOf(text: string): "warning" | "critical" {
  if (text === "warning" || text === "critical") return text;
  throw new Fault("usage", `--fail-on ${text}: give warning or critical`);
}
