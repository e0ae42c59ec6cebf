import { renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Baseline } from "../judge/baseline.ts";
import { buildBaseline } from "../judge/baseline-build.ts";
import { formatBaseline } from "../judge/baseline-file.ts";
import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { formatDuration, isoTime } from "../model/time.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { top, total } from "../sketch/categories.ts";
import { quantile } from "../sketch/histogram.ts";
import { readFileBatches } from "../source/file.ts";
import { expandInputs, timeRangeOf } from "./inputs.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { count, number } from "./paint.ts";
import { createProgress } from "./progress.ts";
import { version } from "./version.ts";
import { readBaseline, readSpec } from "./views.ts";

interface BuildOptions {
  readonly spec: string;
  readonly input?: readonly string[];
  readonly fromTime?: string;
  readonly toTime?: string;
  readonly out: string;
}

export function addBaseline(program: Command, io: Io): void {
  const baseline = program
    .command("baseline")
    .description("What is normal: build it, look at it, compare it.");
  baseline
    .command("build")
    .description("Build a baseline from clean data.")
    .requiredOption("--spec <file>", "the feature view")
    .option("--input <files...>", ".arrow, .parquet, .csv, .jsonl, or globs, in event-time order")
    .option("--from-time <time>", "skip windows before this event time (ISO 8601 or epoch ms)")
    .option("--to-time <time>", "skip windows that end after this event time")
    .requiredOption("--out <file>", "for `run`: beside the spec, as NAME.baseline.json")
    .addHelpText(
      "after",
      `
Examples:
  tidemark baseline build --spec feature-specs/reco_user.yaml --input clean.arrow --out feature-specs/reco_user.baseline.json
  tidemark baseline build --spec s.yaml --input 'days/*.parquet' --to-time 2026-03-01 --out s.baseline.json`,
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
  const files = expandInputs(options.input ?? [], io);
  if (files.length === 0)
    throw new Fault("usage", "baseline build: no --input", { hint: "name files or globs of clean data" });
  const progress = createProgress(io, "reading");
  const open = async function* (): AsyncGenerator<Batch> {
    for (const file of files) {
      for await (const batch of readFileBatches(file, { hints: hintsOf(view), limits: defaultLimits })) {
        if (io.signal.aborted) throw new Fault("interrupted", "baseline build: interrupted");
        yield batch;
      }
    }
  };
  try {
    const baseline = await buildBaseline(view, open, {
      limits: defaultLimits,
      toolVersion: version,
      ...(range === undefined ? {} : { from: range.from, to: range.to }),
      onProgress: ({ rows }) => progress.update(() => ({ rows, eventTime: undefined })),
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
    `${featureView}: ${count(rows)} rows, ${count(windows)} windows of ${formatDuration(windowMs)}, ${isoTime(from)} to ${isoTime(to)}\n\n`,
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
