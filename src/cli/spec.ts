import { existsSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { eventTimeAt } from "../judge/sample.ts";
import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { defaultLimits } from "../model/limits.ts";
import { parseDuration } from "../model/time.ts";
import { createSurvey, type Survey } from "../pipeline/survey.ts";
import { rowsInRange, type TimeRange } from "../pipeline/time-range.ts";
import { readFileBatches } from "../source/file.ts";
import { compareSpecs } from "../spec/diff.ts";
import { inferSpec, mappingValuesMax } from "../spec/infer.ts";
import { SpecError } from "../spec/issue.ts";
import { specJsonSchema } from "../spec/json-schema.ts";
import { addTime, createPace, type Pace } from "../spec/pace.ts";
import { parseSpec } from "../spec/parse.ts";
import { defineForeign } from "./foreign.ts";
import { expandInputs, timeRangeOf } from "./inputs.ts";
import { Exit, formatJson, formatTable, type Io } from "./io.ts";
import { count } from "./paint.ts";
import { createProgress } from "./progress.ts";
import { readSpec } from "./views.ts";

interface InitOptions {
  readonly input: readonly string[];
  readonly name: string;
  readonly eventTime?: string;
  readonly window?: string;
  readonly topic?: string;
  readonly fromTime?: string;
  readonly toTime?: string;
  readonly out?: string;
}

export function addSpec(program: Command, io: Io): void {
  const spec = program
    .command("spec")
    .description("What a feature view should look like: infer it, check it, compare it.");
  spec
    .command("init")
    .description("Infer a spec from data.")
    .requiredOption("--input <files...>", ".arrow, .parquet, .csv, .jsonl, or globs")
    .requiredOption("--name <name>", "of the feature view")
    .option("--event-time <column>", "column with the event time; needless when only one holds times")
    .option(
      "--window <size>",
      "window size; the shortest of 1m, 5m, 15m, 1h, 6h, 1d with some 100 rows without it",
    )
    .option("--topic <topic>", "Kafka topic that carries it")
    .option("--from-time <time>", "skip rows before this event time (ISO 8601 or epoch ms)")
    .option("--to-time <time>", "skip rows at or after this event time")
    .option("--out <file>", "where the spec goes; standard output without it")
    .addHelpText(
      "after",
      `
Examples:
  tidemark spec init --input clean.parquet --name reco_user --event-time event_time --out feature-specs/reco_user.yaml
  tidemark spec init --input 'days/*.csv' --name orders --event-time created_at --window 10m`,
    )
    .action((options: InitOptions) => init(options, io));
  spec
    .command("check <files...>")
    .description("Say what is wrong with specs: file:line:column, code, message. Exit 2 when anything is.")
    .option("--json", "issues as JSON")
    .addHelpText("after", "\nExamples:\n  tidemark spec check feature-specs/*.yaml")
    .action((files: string[], options: { json?: boolean }) => check(files, options.json === true, io));
  spec
    .command("diff <old> <new>")
    .description("Say what changed and whether it is compatible. Exit 1 when it is breaking.")
    .option("--json", "changes as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  tidemark spec diff main/reco_user.yaml feature-specs/reco_user.yaml",
    )
    .action((before: string, after: string, options: { json?: boolean }) =>
      diff(before, after, options.json === true, io),
    );
  spec
    .command("schema")
    .description("Print the JSON Schema of specs, for editors.")
    .addHelpText("after", "\nExamples:\n  tidemark spec schema > feature-specs/schema.json")
    .action(() => io.stdout(formatJson(specJsonSchema())));
  defineForeign(spec, io);
}

async function init(options: InitOptions, io: Io): Promise<void> {
  if (options.window !== undefined && !((parseDuration(options.window) ?? 0) > 0)) {
    throw new Fault("usage", `--window ${options.window}: no duration`, { hint: "for example 30s, 1m, 1h" });
  }
  const range = timeRangeOf(options.fromTime, options.toTime);
  const files = expandInputs(options.input, io);
  const { survey, pace, eventTime } = await read(files, options.eventTime, range, io);
  const columns = survey.fields();
  const names = files.map((file) => basename(file));
  const text = inferSpec(columns, {
    name: options.name,
    eventTime,
    window: options.window,
    pace,
    topic: options.topic,
    source: `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""} (${count(survey.rows)} rows)`,
  });
  // what we write has to be a spec: a name that is none is found here, not at the first run
  parseSpec(text, {
    file: options.out ?? "the inferred spec",
    readText: () => {
      throw new TypeError("an inferred spec names no file");
    },
  });
  if (options.out === undefined) {
    io.stdout(text);
    return;
  }
  writeFileSync(resolve(io.cwd, options.out), text);
  io.stderr(`${options.out}: ${count(columns.length - 1)} fields from ${count(survey.rows)} rows\n`);
}

/** One pass over the rows in range. */
async function read(
  files: readonly string[],
  named: string | undefined,
  range: TimeRange | undefined,
  io: Io,
): Promise<{ survey: Survey; pace: Pace; eventTime: string }> {
  const survey = createSurvey(defaultLimits, { topValues: mappingValuesMax + 1 });
  const pace = createPace();
  const progress = createProgress(io, "reading");
  let eventTime = named;
  try {
    for (const file of files) {
      for await (const batch of readFileBatches(file, { hints: undefined, limits: defaultLimits })) {
        if (io.signal.aborted) throw new Fault("interrupted", "spec init: interrupted");
        eventTime ??= timeColumnOf(batch);
        const parts = range === undefined ? [batch] : rowsInRange(batch, eventTime, undefined, range);
        for (const part of parts) {
          survey.add(part);
          addTimes(pace, part, eventTime);
        }
        progress.update(() => ({ rows: survey.rows, eventTime: undefined }));
      }
    }
  } finally {
    progress.clear();
  }
  if (survey.rows === 0 || eventTime === undefined)
    throw new Fault("input.empty", "spec init: the input holds no rows", {
      ...(range === undefined ? {} : { hint: "no event time lies in [--from-time, --to-time)" }),
    });
  const names = survey.fields().map(({ name }) => name);
  if (!names.includes(eventTime)) {
    throw new Fault("usage", `--event-time ${eventTime}: no such column`, {
      hint: `there are ${names.slice(0, 20).join(", ")}`,
    });
  }
  return { survey, pace, eventTime };
}

function addTimes(pace: Pace, batch: Batch, eventTime: string): void {
  const column = batch.columns.get(eventTime);
  for (let row = 0; row < batch.rows; row++) {
    const time = eventTimeAt(column, row);
    if (time !== undefined) addTime(pace, time);
  }
}

/** The column with the event time when it need not be asked for. */
function timeColumnOf({ columns }: Batch): string {
  const times = [...columns].filter(([, { kind }]) => kind === "timestamp").map(([name]) => name);
  const [only, another] = times;
  if (only !== undefined && another === undefined) return only;
  throw new Fault("usage", "spec init: which column holds the event time?", {
    hint:
      only === undefined
        ? `none is of a time's type: name one by --event-time; there are ${[...columns.keys()].slice(0, 20).join(", ")}`
        : `name one of ${times.slice(0, 20).join(", ")} by --event-time`,
  });
}

function check(files: readonly string[], json: boolean, io: Io): void {
  const results = files.map((file) => {
    if (!existsSync(resolve(io.cwd, file))) throw new Fault("spec.missing", `${file}: no such file`);
    try {
      return { file, view: readSpec(file), issues: [] };
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      return { file, view: undefined, issues: error.issues, text: error.message };
    }
  });
  const bad = results.filter(({ view }) => view === undefined);
  if (json) {
    io.stdout(
      formatJson(
        results.map(({ file, view, issues }) => ({
          file,
          ok: view !== undefined,
          fingerprint: view?.fingerprint ?? null,
          issues,
        })),
      ),
    );
  } else {
    for (const { file, view, text } of results) {
      if (view === undefined) io.stdout(`${text ?? ""}\n`);
      else
        io.stdout(
          `${file}: ok, ${view.name} v${view.version}, ${view.fields.length} fields, ${view.fingerprint}\n`,
        );
    }
  }
  if (bad.length > 0) throw new Exit(2);
}

function diff(before: string, after: string, json: boolean, io: Io): void {
  const difference = compareSpecs(readSpec(before), readSpec(after));
  const { featureView, from, to, compatibility, changes, rollback, rollForward } = difference;
  if (json) io.stdout(formatJson(difference));
  else if (changes.length === 0) io.stdout("no field changed\n");
  else {
    const rows = changes.map((change) => [
      change.field,
      change.compatibility,
      change.rollback ? "yes" : "no",
      change.change,
    ]);
    const same = from === to ? `; both say version ${to}: raise it\n` : "\n";
    io.stdout(`${formatTable([["field", "compatible", "rollback", "change"], ...rows])}\n`);
    io.stdout(`${featureView} v${from} → v${to}: ${compatibility}${same}`);
    io.stdout(`roll back     ${rollback.reason}\nroll forward  ${rollForward.reason}\n`);
  }
  if (compatibility === "breaking") throw new Exit(1);
}
