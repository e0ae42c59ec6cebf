import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { defaultLimits } from "../model/limits.ts";
import { isoTime } from "../model/time.ts";
import type { Receiver } from "../pipeline/ports.ts";
import { createSurvey, type Survey, type SurveyedField } from "../pipeline/survey.ts";
import { createFileSource } from "../source/file.ts";
import { expandInputs } from "./inputs.ts";
import { Exit, formatJson, formatTable, type Io } from "./io.ts";
import { count, number, printable } from "./paint.ts";
import { createProgress } from "./progress.ts";

export function addProfile(program: Command, io: Io): void {
  program
    .command("profile")
    .description("Say what is in files of rows: types, nulls, distinct values, distribution. No spec needed.")
    .argument("<files...>", ".arrow, .parquet, .csv, .jsonl, or globs; profiled together")
    .option("--json", "print one JSON object instead of a table")
    .addHelpText(
      "after",
      `
Examples:
  tidemark profile events.parquet
  tidemark profile 'day-*/*.arrow' --json | jq '.fields[] | select(.nulls > 0)'`,
    )
    .action((files: readonly string[], options: { readonly json?: boolean }) => profile(files, options, io));
}

async function profile(
  patterns: readonly string[],
  options: { readonly json?: boolean },
  io: Io,
): Promise<void> {
  const files = expandInputs(patterns, io);
  const survey = createSurvey(defaultLimits);
  const progress = createProgress(io, "profiling");
  const source = createFileSource({ files, hints: undefined, limits: defaultLimits, follow: false });
  await source.run(
    surveying(survey, () => progress.update(() => ({ rows: survey.rows, eventTime: undefined }))),
    io.signal,
  );
  progress.clear();
  if (io.signal.aborted) throw new Exit(130);
  if (survey.rows === 0) throw new Fault("input.empty", `${patterns.join(", ")}: no rows`);
  const fields = survey.fields();
  io.stdout(
    options.json === true
      ? formatJson({ files, rows: survey.rows, fields })
      : tableOf(survey.rows, files.length, fields),
  );
}

/** Files decode as they are read, so a bad one stops here with its own error. */
function surveying(survey: Survey, onBatch: () => void): Receiver {
  return {
    assigned: async () => undefined,
    async receive(_partition, messages) {
      for (const { body } of messages) {
        if (body.kind === "undecodable") throw body.error;
        if (body.kind !== "batch") throw new TypeError("a file source gave bytes");
        survey.add(body.batch);
        onBatch();
      }
    },
    lost: async () => undefined,
    counted: async () => undefined,
    ended: async () => undefined,
    revoked: async () => undefined,
    checkpoint: async () => new Map(),
  };
}

const header = ["field", "type", "nulls", "distinct", "mean", "sd", "min", "median", "max", "distribution"];

/** All but the name, the type and the picture stand to the right. */
const alignRight = header.map((_, column) => column).slice(2, -1);

function tableOf(rows: number, files: number, fields: readonly SurveyedField[]): string {
  const head = `${count(rows)} rows, ${fields.length} fields, ${files} ${files === 1 ? "file" : "files"}`;
  return `${head}\n\n${formatTable([header, ...fields.map(rowOf)], alignRight)}`;
}

function rowOf(field: SurveyedField): string[] {
  const { numeric, bool, embedding, type } = field;
  const show =
    type === "timestamp" ? dateOf : (value: number | null) => (value === null ? "–" : number(value));
  const base = [
    printable(field.name).slice(0, 40),
    type ?? `(${field.declared})`,
    field.nulls + field.missing === 0 ? "0" : percent((field.nulls + field.missing) / field.rows),
    field.distinct === null ? "–" : count(field.distinct),
  ];
  if (numeric !== undefined) {
    const sd =
      numeric.sd === null
        ? "–"
        : type === "timestamp"
          ? `${number(numeric.sd / 1_000)} s`
          : number(numeric.sd);
    const shown = [numeric.mean, numeric.min, numeric.quantiles["p50"] ?? null, numeric.max].map(show);
    const [mean = "", min = "", median = "", max = ""] = shown;
    return [...base, mean, sd, min, median, max, sparkline(numeric.histogram) + oddities(field)];
  }
  if (embedding !== undefined) {
    const [mean, sd] = [show(embedding.mean), show(embedding.sd)];
    const norm = embedding.norm === null ? "" : `, norm ${number(embedding.norm)}`;
    return [...base, mean, sd, "", "", "", `${embedding.dimensions} dimensions${norm}${oddities(field)}`];
  }
  if (bool !== undefined) {
    const share = bool.trues / Math.max(bool.trues + bool.falses, 1);
    return [...base, "", "", "", "", "", `${percent(share)} true${oddities(field)}`];
  }
  const values = (field.top ?? []).map(({ value, count: times }) => {
    const share = percent(times / Math.max(field.rows - field.nulls, 1));
    return `${printable(value).slice(0, 20) || '""'} ${share}`;
  });
  return [...base, "", "", "", "", "", values.join(" · ") + oddities(field)];
}

function oddities({ numeric, embedding, misfits }: SurveyedField): string {
  const { nan, infinite } = numeric ?? embedding ?? { nan: 0, infinite: 0 };
  const found = [
    nan > 0 ? `${count(nan)} NaN` : "",
    infinite > 0 ? `${count(infinite)} infinite` : "",
    misfits > 0 ? `${count(misfits)} of a wrong type` : "",
  ].filter((text) => text !== "");
  return found.length === 0 ? "" : `  ! ${found.join(", ")}`;
}

const levels = "▁▂▃▄▅▆▇█";

/** One character a bin; a bin with anything in it is never blank. */
export function sparkline(shares: readonly number[]): string {
  const highest = Math.max(...shares, 0);
  if (highest === 0) return "";
  return shares
    .map((share) => (share <= 0 ? " " : levels[Math.min(Math.floor((share / highest) * 8), 7)]))
    .join("");
}

function percent(share: number): string {
  return share > 0 && share < 0.0005 ? "<0.1%" : `${(share * 100).toFixed(1)}%`;
}

function dateOf(value: number | null): string {
  return value === null ? "–" : isoTime(Math.round(value)).slice(0, 16).replace("T", " ");
}
