import type { Command } from "commander";
import { Fault } from "../model/fault.ts";
import { defaultLimits } from "../model/limits.ts";
import { isoTime } from "../model/time.ts";
import type { Receiver } from "../pipeline/ports.ts";
import { createSurvey, type Survey, type SurveyedField } from "../pipeline/survey.ts";
import { createFileSource } from "../source/file.ts";
import { expandInputs } from "./inputs.ts";
import { Exit, formatJson, formatTable, type Io } from "./io.ts";
import { count, number, printable, span } from "./paint.ts";
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
  let share = 0;
  const source = createFileSource({
    files,
    hints: undefined,
    limits: defaultLimits,
    follow: false,
    onProgress: (done, of) => {
      share = done / of;
    },
  });
  const draw = (): void => progress.update(() => ({ rows: survey.rows, eventTime: undefined, share }));
  try {
    await source.run(surveying(survey, draw), io.signal);
  } finally {
    progress.clear();
  }
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

const header = [
  "field",
  "type",
  "nulls",
  "distinct",
  "mean",
  "sd",
  "min",
  "p05",
  "median",
  "p95",
  "max",
  "distribution",
];

/** All but the name, the type and the picture stand to the right. */
const alignRight = header.map((_, column) => column).slice(2, -1);

const noNumbers = ["", "", "", "", "", "", ""];

function tableOf(rows: number, files: number, fields: readonly SurveyedField[]): string {
  const head = `${count(rows)} rows, ${fields.length} fields, ${files} ${files === 1 ? "file" : "files"}`;
  return `${head}\n\n${formatTable([header, ...fields.map(rowOf)], alignRight)}`;
}

function rowOf(field: SurveyedField): string[] {
  const { numeric, bool, embedding, type } = field;
  const held = field.rows - field.missing;
  const base = [
    printable(field.name).slice(0, 40),
    type ?? `(${field.declared})`,
    field.nulls === 0 ? "0" : percent(field.nulls / held),
    field.distinct === null ? "–" : count(field.distinct),
  ];
  const odd = oddities(field);
  if (numeric !== undefined) {
    const { mean, sd, min, max, quantiles, histogram } = numeric;
    const { p05 = null, p50 = null, p95 = null } = quantiles;
    const values = [mean, min, p05, p50, p95, max];
    const show = type === "timestamp" ? instants(min, max) : numberOrDash;
    const [shownMean = "", ...others] = values.map(show);
    const shownSd = type === "timestamp" && sd !== null ? span(sd) : numberOrDash(sd);
    return [...base, shownMean, shownSd, ...others, sparkline(histogram) + odd];
  }
  if (embedding !== undefined) {
    const { mean, sd, norm, dimensions } = embedding;
    const text = `${dimensions} dimensions${norm === null ? "" : `, norm ${number(norm)}`}`;
    return [...base, numberOrDash(mean), numberOrDash(sd), ...noNumbers.slice(2), text + odd];
  }
  const values = Math.max(held - field.nulls - field.misfits, 1);
  if (bool !== undefined) return [...base, ...noNumbers, `${percent(bool.trues / values)} true${odd}`];
  const top = (field.top ?? []).map(
    ({ value, count: times }) => `${printable(value).slice(0, 20) || '""'} ${percent(times / values)}`,
  );
  return [...base, ...noNumbers, (field.exact === false ? "≥ " : "") + top.join(" · ") + odd];
}

const numberOrDash = (value: number | null): string => (value === null ? "–" : number(value));

const dayMs = 86_400_000;

/** Days when they span more than ten of them, else minutes. */
function instants(min: number | null, max: number | null): (value: number | null) => string {
  const length = (max ?? 0) - (min ?? 0) > 10 * dayMs ? 10 : 16;
  return (value) => (value === null ? "–" : isoTime(Math.round(value)).slice(0, length).replace("T", " "));
}

function oddities({ numeric, embedding, misfits, missing, rows }: SurveyedField): string {
  const { nan, infinite } = numeric ?? embedding ?? { nan: 0, infinite: 0 };
  const found = [
    nan > 0 ? `${count(nan)} NaN` : "",
    infinite > 0 ? `${count(infinite)} infinite` : "",
    misfits > 0 ? `${count(misfits)} of a wrong type` : "",
    missing > 0 ? `absent from ${percent(missing / rows)} of the rows` : "",
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
