import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Baseline } from "../judge/baseline.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type EventTime, parseInstant } from "../model/time.ts";
import { judgeAgain, type Label, type WhatIf } from "../pipeline/what-if.ts";
import { table } from "../report/markdown.ts";
import { openProfileLog } from "../sink/profile-log.ts";
import type { PrintedFormat } from "./formats.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { count, number, span } from "./paint.ts";

/** Values of one sweep. */
const valuesMax = 200;

export interface Sweep {
  readonly sigmas: readonly number[];
}

/** `sigma=1.5..4:0.25` → 1.5, 1.75 … 4. @throws Fault `usage` */
export function sweepOf(text: string): Sweep {
  const match = /^sigma=(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text);
  const [from = 0, to = 0, step = 0] = (match ?? []).slice(1).map(Number);
  if (match === null || from <= 0 || to < from || step <= 0)
    throw new Fault("usage", `--sweep ${text}: no sweep`, { hint: "for example sigma=1.5..4:0.25" });
  const values = Math.floor((to - from) / step + 1e-9) + 1;
  if (values > valuesMax) throw new Fault("usage", `--sweep ${text}: ${values} values, at most ${valuesMax}`);
  return { sigmas: Array.from({ length: values }, (_, at) => Number((from + at * step).toPrecision(12))) };
}

export interface SweepOptions {
  readonly view: FeatureView;
  readonly baseline: Baseline;
  /** Of an earlier replay, with its profiles. */
  readonly dir: string;
  readonly sweep: Sweep;
  readonly labels: string | undefined;
  readonly format: PrintedFormat;
}

/** Judges the profiles in `dir` once for each value, writes `sweep.json` there and prints it. */
export async function runSweep(options: SweepOptions, io: Io): Promise<void> {
  const { view, baseline, dir, sweep, format } = options;
  const labels = options.labels === undefined ? undefined : readLabels(options.labels, io);
  const log = await openProfileLog(resolve(io.cwd, dir));
  try {
    if (log.header.featureView !== view.name)
      throw new Fault(
        "baseline.mismatch",
        `${dir}: profiles of "${log.header.featureView}", spec of "${view.name}"`,
      );
    if (log.header.spec !== view.fingerprint)
      io.stderr(
        `tidemark: ${dir}: profiled with another version of the spec: what its rules (mapping, pattern, range …) counted stays as it was; replay the rows to count anew\n`,
      );
    const { windows, values } = await judgeAgain(view, baseline, sweep.sigmas, log.profiles(), labels);
    const result = { featureView: view.name, windows, labels: labels?.length ?? null, values };
    writeFileSync(join(resolve(io.cwd, dir), "sweep.json"), formatJson(result));
    const { head, rows, numbers } = sweepTable(values);
    const printed = {
      json: () => formatJson(result),
      markdown: () => `${table(head, rows, numbers)}\n`,
      text: () => formatTable([head, ...rows], numbers),
    };
    io.stdout(printed[format]());
    if (format === "text")
      io.stderr(`${count(windows)} windows judged ${count(values.length)} times, without reading a row\n`);
  } finally {
    await log.close();
  }
}

function sweepTable(values: readonly WhatIf[]): {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly numbers: readonly number[];
} {
  const labelled = values.some(({ recall }) => recall !== undefined);
  const head = ["sigma", "alerts", "a day", "breaker opened", "first alert", "delay"];
  const rows = values.map((value) => [
    number(value.sigma),
    count(value.alerts),
    number(value.alertsPerDay),
    `${count(value.openings)}×`,
    value.firstAlertAt?.slice(0, 19).replace("T", " ") ?? "never",
    value.delaySeconds === null ? "" : value.delaySeconds === 0 ? "0" : span(value.delaySeconds * 1_000),
    ...(labelled ? [`${number(100 * (value.recall ?? 0))}%`, count(value.falseAlerts ?? 0)] : []),
  ]);
  return {
    head: [...head, ...(labelled ? ["recall", "false alerts"] : [])],
    rows,
    numbers: [0, 1, 2, 3, 6, 7],
  };
}

/**
 * `[{"start","end","fields"?}]`, or an object with such a list as `windows` or `truth`; times in ISO 8601 or epoch ms, or as
 * `start_us` and `end_us`.
 */
function readLabels(file: string, io: Io): readonly Label[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(resolve(io.cwd, file), "utf8"));
  } catch (cause) {
    throw new Fault("input.missing", `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const holder = parsed as { windows?: unknown; truth?: unknown } | null;
  const list = Array.isArray(parsed) ? parsed : (holder?.windows ?? holder?.truth);
  if (!Array.isArray(list))
    throw new Fault("input.format", `${file}: no list of labels`, {
      hint: '[{"start":"2026-03-03T04:14:00Z","end":"2026-03-03T08:14:00Z","fields":["user_location"]}]',
    });
  return list.map((each: unknown, index) =>
    labelOf((each ?? {}) as Record<string, unknown>, `${file}[${index}]`),
  );
}

function labelOf(label: Record<string, unknown>, place: string): Label {
  const time = (name: "start" | "end"): EventTime => {
    const micros = label[`${name}_us`];
    if (typeof micros === "number") return micros / 1_000;
    const value = label[name];
    const instant =
      typeof value === "number" ? value : typeof value === "string" ? parseInstant(value) : undefined;
    if (instant !== undefined) return instant;
    throw new Fault("input.format", `${place}: no time in ${name}`);
  };
  const fields = label["fields"] ?? label["features"] ?? null;
  if (fields !== null && !(Array.isArray(fields) && fields.every((field) => typeof field === "string")))
    throw new Fault("input.format", `${place}: fields are a list of names`);
  return { start: time("start"), end: time("end"), fields: fields as string[] | null };
}
