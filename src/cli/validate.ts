import { type FileHandle, open } from "node:fs/promises";
import { relative, resolve } from "node:path";
import type { Command } from "commander";
import { type RowError, validateBatch } from "../check/validate.ts";
import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { type FeatureView, hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { readFileBatches } from "../source/file.ts";
import { expandInputs } from "./inputs.ts";
import { Exit, formatJson, formatTable, type Io } from "./io.ts";
import { count, printable } from "./paint.ts";
import { createProgress } from "./progress.ts";
import { hiddenFields, recordOf } from "./row-record.ts";
import { readSpec } from "./views.ts";

/** Errors printed one by one; all of them are counted, and all rejected rows go to the rejects file. */
const shownMax = 20;

interface ValidateOptions {
  readonly spec: string;
  readonly input: readonly string[];
  readonly rejects?: string;
  readonly json?: boolean;
}

export function addValidate(program: Command, io: Io): void {
  program
    .command("validate")
    .description("Check files row by row against a spec. Exit 1 when any row is rejected.")
    .requiredOption("--spec <file>", "spec of the feature view")
    .requiredOption("--input <files...>", ".arrow, .parquet, .csv, .jsonl, or globs")
    .option("--rejects <file>", "where rejected rows go, with the reasons: JSON, a row a line")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `
Examples:
  tidemark validate --spec feature-specs/reco_user.yaml --input monday.parquet
  tidemark validate --spec feature-specs/reco_user.yaml --input 'days/*.csv' --rejects rejects.jsonl`,
    )
    .action((options: ValidateOptions) => validate(options, io));
}

interface Tally {
  rows: number;
  rejectedRows: number;
  /** By field and code as `field|code`. */
  readonly counts: Map<string, number>;
  readonly shown: (RowError & { readonly file: string })[];
}

async function validate(options: ValidateOptions, io: Io): Promise<void> {
  const view = readSpec(resolve(io.cwd, options.spec));
  const files = expandInputs(options.input, io);
  const rejects = options.rejects === undefined ? undefined : await openRejects(options.rejects, io);
  const tally: Tally = { rows: 0, rejectedRows: 0, counts: new Map(), shown: [] };
  const progress = createProgress(io, "validating");
  try {
    for (const file of files) {
      const name = relative(io.cwd, file);
      let before = 0;
      for await (const batch of readFileBatches(file, { hints: hintsOf(view), limits: defaultLimits })) {
        if (io.signal.aborted) throw new Fault("interrupted", "validate: interrupted");
        await add(tally, view, batch, { name, before, rejects });
        before += batch.rows;
        progress.update(() => ({ rows: tally.rows, eventTime: undefined }));
      }
    }
  } finally {
    progress.clear();
    await rejects?.close();
  }
  if (tally.rows === 0) throw new Fault("input.empty", `${options.input.join(", ")}: no rows`);
  io.stdout(options.json === true ? formatJson(bodyOf(tally, view)) : textOf(tally, view, files.length));
  if (options.rejects !== undefined && tally.rejectedRows > 0)
    io.stderr(`${options.rejects}: ${count(tally.rejectedRows)} rejected rows\n`);
  if (tally.rejectedRows > 0) throw new Exit(1);
}

interface Place {
  readonly name: string;
  /** Rows of the file before this batch. */
  readonly before: number;
  readonly rejects: FileHandle | undefined;
}

async function add(tally: Tally, view: FeatureView, batch: Batch, place: Place): Promise<void> {
  const { name, before, rejects } = place;
  const maxErrors = rejects === undefined ? shownMax - tally.shown.length : Number.POSITIVE_INFINITY;
  const result = validateBatch(view, batch, { maxErrors });
  tally.rows += batch.rows;
  tally.rejectedRows += result.rejectedRows;
  for (const [key, more] of result.counts) tally.counts.set(key, (tally.counts.get(key) ?? 0) + more);
  for (const error of result.errors.slice(0, shownMax - tally.shown.length))
    tally.shown.push({ ...error, row: before + error.row, file: name });
  if (rejects === undefined || result.rejectedRows === 0) return;
  const lines: string[] = [];
  const hidden = hiddenFields(view);
  for (const [row, errors] of Map.groupBy(result.errors, (error) => error.row)) {
    const reasons = errors.map(({ row: _row, ...error }) => error);
    lines.push(
      JSON.stringify({
        file: name,
        row: before + row,
        errors: reasons,
        record: recordOf(batch, row, hidden),
      }),
    );
  }
  await rejects.write(`${lines.join("\n")}\n`);
}

async function openRejects(path: string, { cwd }: Io): Promise<FileHandle> {
  try {
    return await open(resolve(cwd, path), "w");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("sink.rejected", `--rejects ${path}: ${reason}`, { cause });
  }
}

interface Kind {
  readonly field: string;
  readonly code: string;
  readonly count: number;
}

/** The most frequent first. */
function kindsOf({ counts }: Tally): readonly Kind[] {
  return [...counts]
    .map(([key, times]) => {
      const bar = key.lastIndexOf("|");
      return { field: key.slice(0, bar), code: key.slice(bar + 1), count: times };
    })
    .sort((a, b) => b.count - a.count);
}

function bodyOf(tally: Tally, view: FeatureView): object {
  const { rows, rejectedRows, shown } = tally;
  const { name: featureView, version, fingerprint } = view;
  return { featureView, version, fingerprint, rows, rejectedRows, counts: kindsOf(tally), errors: shown };
}

function textOf(tally: Tally, view: FeatureView, files: number): string {
  const { rows, rejectedRows, shown } = tally;
  const where = `${count(rows)} rows of ${files} ${files === 1 ? "file" : "files"}`;
  const against = `${view.name} v${view.version}`;
  if (rejectedRows === 0) return `${where} keep the spec of ${against}\n`;
  const share = ((100 * rejectedRows) / rows).toPrecision(3);
  const kinds = kindsOf(tally).map(({ field, code, count: times }) => [printable(field), code, count(times)]);
  const byFile = Map.groupBy(shown, ({ file }) => file);
  const lines = [...byFile].flatMap(([file, errors]) =>
    errors.map(({ row, code, detail }) => `${file} row ${row}  ${code}  ${printable(detail)}\n`),
  );
  const all = [...tally.counts.values()].reduce((sum, times) => sum + times, 0);
  const more = all > shown.length ? `and ${count(all - shown.length)} more\n` : "";
  return [
    `${count(rejectedRows)} of ${where} break the spec of ${against} (${share}%)\n\n`,
    formatTable([["field", "code", "cells"], ...kinds], [2]),
    "\n",
    ...lines,
    more,
  ].join("");
}
