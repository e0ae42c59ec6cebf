import { renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { createDecoder } from "../decode/decode.ts";
import type { Baseline } from "../judge/baseline.ts";
import { buildBaseline } from "../judge/baseline-build.ts";
import { formatBaseline } from "../judge/baseline-file.ts";
import { mergeBaselines } from "../judge/baseline-merge.ts";
import { missingCycles } from "../judge/season.ts";
import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { formatDuration, isoTime, parseInstant } from "../model/time.ts";
import { rowsInRange, type TimeRange } from "../pipeline/time-range.ts";
import { showDiff } from "./baseline-diff.ts";
import { driftText, showBaseline } from "./baseline-show.ts";
import { batchesIn, firstEventTime, messagesOf } from "./batches.ts";
import { addDataOptions, type DataOptions, emptyRangeHint, openData, rangeHelp } from "./data.ts";
import { timeRangeOf } from "./inputs.ts";
import type { Io } from "./io.ts";
import { count } from "./paint.ts";
import { createProgress } from "./progress.ts";
import { version } from "./version.ts";
import { readBaseline, readSpec } from "./views.ts";

/** Drifts of a new baseline that are said at once. */
const driftsTold = 5;
/** Names of fields that are said at once. */
const namesTold = 20;

interface BuildOptions extends DataOptions {
  readonly spec: string;
  readonly fromTime?: string;
  readonly toTime?: string;
  readonly exclude?: readonly string[];
  readonly out: string;
}

export function addBaseline(program: Command, io: Io): void {
  const baseline = program
    .command("baseline")
    .description("What is normal: build it, look at it, compare it.");
  const command = baseline
    .command("build")
    .description("Build a baseline from clean data, one period or several.")
    .requiredOption("--spec <file>", "the feature view");
  addDataOptions(command)
    .option("--from-time <time>", "skip windows before this event time (ISO 8601 or epoch ms)")
    .option("--to-time <time>", "skip windows that end after this event time")
    .option("--exclude <ranges...>", "leave out the windows of these event times: A..B")
    .requiredOption("--out <file>", "for `run`: beside the spec, as NAME.baseline.json")
    .addHelpText(
      "after",
      `
Examples:
  tidemark baseline build --spec feature-specs/reco_user.yaml --input clean.arrow --out feature-specs/reco_user.baseline.json
  tidemark baseline build --spec s.yaml --input 'days/*.parquet' --to-time 2026-03-01 --out s.baseline.json
  tidemark baseline build --spec s.yaml --topic orders --from -14d --brokers kafka:9092 --exclude 2026-02-10T04:00Z..2026-02-10T09:00Z --out s.baseline.json

${rangeHelp}
Files are read in their order; partitions of a topic are merged by event time.`,
    )
    .action((options: BuildOptions) => build(options, io));
  baseline
    .command("show <file>")
    .description(
      "Print a baseline: what is usual, how it is distributed, by hour and day, and what drifted in it.",
    )
    .option("--json", "the numbers as JSON")
    .addHelpText("after", "\nExamples:\n  tidemark baseline show feature-specs/reco_user.baseline.json")
    .action((file: string, options: { json?: boolean }) =>
      showBaseline(readBaseline(file), options.json === true, io),
    );
  baseline
    .command("diff <a> <b>")
    .description("Say what moved between two baselines, in standard deviations as the judge counts them.")
    .option("--json", "the numbers as JSON")
    .addHelpText("after", "\nExamples:\n  tidemark baseline diff february.baseline.json march.baseline.json")
    .action((a: string, b: string, options: { json?: boolean }) =>
      showDiff(readBaseline(a), readBaseline(b), options.json === true, io),
    );
  baseline
    .command("merge <files...>")
    .description("Make one baseline of several periods that do not overlap.")
    .requiredOption("--out <file>", "where the merged baseline goes")
    .addHelpText(
      "after",
      `
Examples:
  tidemark baseline merge january.baseline.json march.baseline.json --out feature-specs/reco_user.baseline.json

All are of the same version of the spec. Season and memory of a statistic are those of its longest period; build one baseline over
all the data, with --exclude for what lies between, where the rows are still there.`,
    )
    .action((files: string[], options: { out: string }) => merge(files, options.out, io));
}

async function build(options: BuildOptions, io: Io): Promise<void> {
  const view = readSpec(options.spec);
  const range = timeRangeOf(options.fromTime, options.toTime);
  const excluded = (options.exclude ?? []).map((text) => excludedOf(text, view.window.sizeMs));
  const { eventTime, format } = view.source;
  const decoder = createDecoder({ hints: hintsOf(view), format, limits: defaultLimits });
  const source = await openData(options, view, io, (message) => firstEventTime(message, decoder, eventTime));
  const progress = createProgress(io, "reading");
  const open = async function* (): AsyncGenerator<Batch> {
    for await (const message of messagesOf(source, io.signal)) {
      for (const batch of batchesIn(message, decoder)) yield* without(batch, eventTime, excluded);
    }
    if (io.signal.aborted) throw new Fault("interrupted", "baseline build: interrupted");
  };
  try {
    const baseline = await builtOf(
      options,
      buildBaseline(view, open, {
        limits: defaultLimits,
        toolVersion: version,
        ...(range === undefined ? {} : { from: range.from, to: range.to }),
        onProgress: ({ rows }) =>
          progress.update(() => ({ rows, eventTime: undefined, share: source.share() })),
      }),
    );
    progress.clear();
    tellMissing(baseline, io);
    writeBaseline(baseline, options.out, io);
  } finally {
    progress.clear();
  }
}

/** With what to look at, when there was no row at all. */
async function builtOf({ topic, exclude }: BuildOptions, built: Promise<Baseline>): Promise<Baseline> {
  try {
    return await built;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "input.empty" || error.hint !== undefined) throw error;
    const hint =
      exclude !== undefined
        ? "--exclude leaves out all of them"
        : topic === undefined
          ? "the input holds no rows"
          : emptyRangeHint;
    throw new Fault("input.empty", error.message, { cause: error, hint });
  }
}

/** A renamed column would leave its field without a baseline, in silence. @throws Fault `input.format` when no field is there */
function tellMissing({ fields }: Baseline, io: Io): void {
  const missing = [...fields].flatMap(([name, { profile }]) =>
    profile.rows > 0 && profile.rules.get("missing")?.count === profile.rows ? [name] : [],
  );
  if (missing.length === 0) return;
  const names = missing.slice(0, namesTold).join(", ") + (missing.length > namesTold ? ", …" : "");
  if (missing.length === fields.size)
    throw new Fault("input.format", `no row has any field of the spec: ${names}`, {
      hint: "are these the data of another view? `tidemark profile FILE` shows their columns",
    });
  io.stderr(
    `tidemark: no row has a column for ${names}: nothing is known of ${missing.length === 1 ? "it" : "them"}\n`,
  );
}

/** `A..B` as whole windows: a window of which a part is bad is no reference. @throws Fault `usage` */
function excludedOf(text: string, sizeMs: number): TimeRange {
  const [from, to] = text.split("..").map((part) => parseInstant(part));
  if (from === undefined || to === undefined || !(from < to))
    throw new Fault("usage", `--exclude ${text}: no range of times`, {
      hint: "for example 2026-02-10T04:00Z..2026-02-10T09:00Z",
    });
  return { from: Math.floor(from / sizeMs) * sizeMs, to: Math.ceil(to / sizeMs) * sizeMs };
}

/** The rows outside every range, in pieces. */
function without(
  batch: Batch,
  eventTime: string | undefined,
  ranges: readonly TimeRange[],
): readonly Batch[] {
  let parts: readonly Batch[] = [batch];
  for (const { from, to } of ranges) {
    parts = parts.flatMap((part) => [
      ...rowsInRange(part, eventTime, undefined, { from: Number.NEGATIVE_INFINITY, to: from }),
      ...rowsInRange(part, eventTime, undefined, { from: to, to: Number.POSITIVE_INFINITY }),
    ]);
  }
  return parts;
}

async function merge(files: readonly string[], out: string, io: Io): Promise<void> {
  if (files.length < 2)
    throw new Fault("usage", `baseline merge: ${files.length} baseline`, { hint: "give two or more" });
  const parts = files.map((file) => ({ file, baseline: readBaseline(resolve(io.cwd, file)) }));
  const merged = mergeBaselines(parts);
  writeBaseline(merged, out, io);
  const known = new Set(
    [...merged.fields].flatMap(([name, { tracks }]) =>
      [...(tracks?.keys() ?? [])].map((signal) => `${name} ${signal}`),
    ),
  );
  const parted = new Map<string, string[]>();
  for (const { baseline } of parts)
    for (const [name, { tracks }] of baseline.fields)
      for (const signal of tracks?.keys() ?? [])
        if (!known.has(`${name} ${signal}`))
          parted.set(name, [...new Set([...(parted.get(name) ?? []), signal])]);
  for (const [name, signals] of parted)
    io.stderr(
      `tidemark: ${name}: ${signals.join(", ")} ${signals.length === 1 ? "lies" : "lie"} on another level in one period than in another; warnings of it are learnt from live windows\n`,
    );
}

function writeBaseline(baseline: Baseline, file: string, io: Io): void {
  const out = resolve(io.cwd, file);
  writeFileSync(`${out}.tmp`, formatBaseline(baseline));
  renameSync(`${out}.tmp`, out);
  io.stderr(
    `${file}: ${count(baseline.rows)} rows in ${count(baseline.windows)} windows of ${formatDuration(baseline.windowMs)}, ${isoTime(baseline.from)} to ${isoTime(baseline.to)}\n`,
  );
  const drifts = baseline.drifts ?? [];
  for (const drift of drifts.slice(0, driftsTold))
    io.stderr(`tidemark: the data drift: ${driftText(drift)}\n`);
  if (drifts.length === 0) return;
  const short = missingCycles(baseline.from, baseline.to).length > 0;
  const more = drifts.length > driftsTold ? `${drifts.length - driftsTold} more in \`baseline show\`; ` : "";
  io.stderr(
    `tidemark: ${more}leave a bad stretch out with --exclude${short ? "; or it is part of a daily or weekly pattern that the data are too short to show" : ""}\n`,
  );
}
