import { renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { createDecoder } from "../decode/decode.ts";
import type { Baseline } from "../judge/baseline.ts";
import { buildBaseline } from "../judge/baseline-build.ts";
import { formatBaseline } from "../judge/baseline-file.ts";
import { missingCycles } from "../judge/season.ts";
import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { formatDuration, isoTime, parseInstant } from "../model/time.ts";
import { rowsInRange, type TimeRange } from "../pipeline/time-range.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { top, total } from "../sketch/categories.ts";
import { quantile } from "../sketch/histogram.ts";
import { batchesIn, firstEventTime, messagesOf } from "./batches.ts";
import { addDataOptions, type DataOptions, openData, rangeHelp } from "./data.ts";
import { timeRangeOf } from "./inputs.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { count, number } from "./paint.ts";
import { createProgress } from "./progress.ts";
import { version } from "./version.ts";
import { readBaseline, readSpec } from "./views.ts";

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
    .description("Print a baseline as a table.")
    .option("--json", "the numbers as JSON")
    .addHelpText("after", "\nExamples:\n  tidemark baseline show feature-specs/reco_user.baseline.json")
    .action((file: string, options: { json?: boolean }) =>
      show(readBaseline(file), options.json === true, io),
    );
  baseline
    .command("diff <a> <b>")
    .description("Say what moved between two baselines.")
    .option("--json", "the numbers as JSON")
    .addHelpText("after", "\nExamples:\n  tidemark baseline diff february.baseline.json march.baseline.json")
    .action((a: string, b: string, options: { json?: boolean }) =>
      diff(readBaseline(a), readBaseline(b), options.json === true, io),
    );
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
    const baseline = await buildBaseline(view, open, {
      limits: defaultLimits,
      toolVersion: version,
      ...(range === undefined ? {} : { from: range.from, to: range.to }),
      onProgress: ({ rows }) =>
        progress.update(() => ({ rows, eventTime: undefined, share: source.share() })),
    });
    const out = resolve(io.cwd, options.out);
    writeFileSync(`${out}.tmp`, formatBaseline(baseline));
    renameSync(`${out}.tmp`, out);
    progress.clear();
    io.stderr(
      `${options.out}: ${count(baseline.rows)} rows in ${count(baseline.windows)} windows of ${formatDuration(baseline.windowMs)}, ${isoTime(baseline.from)} to ${isoTime(baseline.to)}\n`,
    );
  } finally {
    progress.clear();
  }
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

interface FieldLine {
  readonly field: string;
  readonly type: string;
  readonly nullShare: number;
  readonly typical: string;
  readonly statistics: Readonly<Record<string, { mean: number; sd: number }>>;
}

function linesOf(baseline: Baseline): FieldLine[] {
  return [...baseline.fields].map(([field, { profile, statistics }]) => ({
    field,
    type: profile.type,
    nullShare: profile.rows === 0 ? 0 : profile.nulls / profile.rows,
    typical: typicalOf(profile),
    statistics: Object.fromEntries([...statistics].map(([name, { mean, sd }]) => [name, { mean, sd }])),
  }));
}

function typicalOf({ body }: FieldProfile): string {
  switch (body.kind) {
    case "numeric":
      return body.moments.count === 0
        ? "no values"
        : [0.05, 0.5, 0.95].map((q) => number(quantile(body.histogram, q))).join(" … ");
    case "string": {
      const all = total(body.categories);
      return top(body.categories, 3)
        .map(({ value, count: n }) => `${value} ${((100 * n) / all).toFixed(1)}%`)
        .join(" · ");
    }
    case "bool":
      return `${((100 * body.trues) / Math.max(1, body.trues + body.falses)).toFixed(1)}% true`;
    case "embedding":
      return `${body.dimensions} dimensions, norm ${number(body.norms.mean)}`;
  }
}

function show(baseline: Baseline, json: boolean, io: Io): void {
  const { featureView, spec, rows, windows, windowMs, from, to, toolVersion } = baseline;
  const lines = linesOf(baseline);
  if (json) {
    io.stdout(
      formatJson({
        featureView,
        spec,
        toolVersion,
        rows,
        windows,
        windowMs,
        from: isoTime(from),
        to: isoTime(to),
        fields: lines,
      }),
    );
    return;
  }
  io.stdout(
    `${featureView}: ${count(rows)} rows, ${count(windows)} windows of ${formatDuration(windowMs)}, ${isoTime(from)} to ${isoTime(to)}\n${cycleNote(baseline)}\n`,
  );
  const table = lines.map(({ field, type, nullShare, typical, statistics }) => [
    field,
    type,
    `${(100 * nullShare).toFixed(1)}%`,
    typical,
    Object.entries(statistics)
      .map(([name, { sd }]) => `${name} ±${number(sd)}`)
      .join(", "),
  ]);
  io.stdout(`${formatTable([["field", "type", "nulls", "typical", "window to window"], ...table], [2])}\n`);
}

/** Of what the data are too short for: a pattern is learnt when they hold its cycle twice. */
function cycleNote({ from, to, fields }: Baseline): string {
  const missing = missingCycles(from, to);
  if (missing.length === 0) return "";
  const trending = [...fields.values()].filter(({ tracks }) =>
    [...(tracks?.values() ?? [])].some(({ trend }) => trend !== undefined),
  ).length;
  const followed =
    trending === 0 ? "" : `; ${trending} fields do not stay where they are and are followed as trends`;
  const wanted =
    missing.length === 2
      ? "a daily or weekly pattern (2 days and 2 weeks are"
      : "a weekly pattern (2 weeks are";
  return `too short to learn ${wanted} wanted)${followed}\n`;
}

function diff(a: Baseline, b: Baseline, json: boolean, io: Io): void {
  const rows = [...new Set([...a.fields.keys(), ...b.fields.keys()])].map((field) => ({
    field,
    ...moved(a.fields.get(field)?.profile, b.fields.get(field)?.profile),
  }));
  if (json) {
    io.stdout(formatJson(rows));
    return;
  }
  const table = rows.map(({ field, before, after, movedSd }) => [
    field,
    before,
    after,
    movedSd === null ? "" : `${number(movedSd)} SD`,
  ]);
  io.stdout(`${formatTable([["field", "before", "after", "moved"], ...table], [3])}\n`);
}

function moved(
  before: FieldProfile | undefined,
  after: FieldProfile | undefined,
): { before: string; after: string; movedSd: number | null } {
  const texts = {
    before: before === undefined ? "absent" : typicalOf(before),
    after: after === undefined ? "absent" : typicalOf(after),
  };
  const [a, b] = [before?.body, after?.body];
  if (a?.kind !== "numeric" || b?.kind !== "numeric" || a.moments.count < 2)
    return { ...texts, movedSd: null };
  const sd = Math.sqrt(a.moments.m2 / a.moments.count);
  return { ...texts, movedSd: sd === 0 ? null : (b.moments.mean - a.moments.mean) / sd };
}
