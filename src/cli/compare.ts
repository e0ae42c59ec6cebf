import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Fault } from "../model/fault.ts";
import type { Summary } from "../pipeline/summary.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { count, printable, span } from "./paint.ts";

/** What is read of a line of alerts.jsonl. */
export interface AlertLine {
  readonly time: string;
  readonly status: "firing" | "resolved";
  readonly alertname: string;
  readonly field: string | null;
  readonly statistic: string;
  readonly segment: { readonly field: string; readonly value: string } | null;
  readonly summary: string;
  readonly fingerprint: string;
}

interface Side {
  readonly dir: string;
  readonly summary: Summary;
  /** The first firing of each alert. */
  readonly alerts: ReadonlyMap<string, AlertLine>;
}

/** Two runs side by side: what both found, and what only one did. */
export function compareRuns(dirs: readonly string[], json: boolean, io: Io): void {
  const [a, b] = dirs.map((dir) => readSide(dir, io));
  if (a === undefined || b === undefined || dirs.length !== 2)
    throw new Fault("usage", "--compare takes two directories of replays");
  const only = (one: Side, other: Side): AlertLine[] =>
    [...one.alerts.values()].filter(({ fingerprint }) => !other.alerts.has(fingerprint));
  const both = [...a.alerts.values()].flatMap((alert) => {
    const same = b.alerts.get(alert.fingerprint);
    return same === undefined ? [] : [{ alert, laterMs: Date.parse(same.time) - Date.parse(alert.time) }];
  });
  const fields = [...new Set([...Object.keys(a.summary.fields), ...Object.keys(b.summary.fields)])].flatMap(
    (name) => {
      const [left, right] = [a.summary.fields[name], b.summary.fields[name]];
      return left?.status === right?.status
        ? []
        : [{ field: name, a: left?.status ?? null, b: right?.status ?? null }];
    },
  );
  if (json) {
    io.stdout(
      formatJson({
        a: { dir: a.dir, summary: a.summary },
        b: { dir: b.dir, summary: b.summary },
        onlyA: only(a, b),
        onlyB: only(b, a),
        both: both.map(({ alert, laterMs }) => ({ ...alert, bLaterSeconds: laterMs / 1_000 })),
        fields,
      }),
    );
    return;
  }
  io.stdout(formatTable([["", a.dir, b.dir], ...figures(a.summary, b.summary)], [1, 2]));
  for (const [side, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const alone = only(side, other);
    if (alone.length === 0) continue;
    io.stdout(`\nonly in ${side.dir}:\n${formatTable(alone.map(lineOf))}`);
  }
  const moved = both.filter(({ laterMs }) => laterMs !== 0);
  io.stdout(`\n${count(both.length - moved.length)} alerts in both at the same time\n`);
  for (const { alert, laterMs } of moved)
    io.stdout(
      `  ${placeOf(alert)}: ${span(Math.abs(laterMs))} ${laterMs > 0 ? "later" : "earlier"} in ${b.dir}\n`,
    );
  for (const { field, a: left, b: right } of fields)
    io.stdout(`  ${field}: ${left ?? "absent"} in ${a.dir}, ${right ?? "absent"} in ${b.dir}\n`);
}

function figures(a: Summary, b: Summary): string[][] {
  const row = (name: string, of: (summary: Summary) => string): string[] => [name, of(a), of(b)];
  return [
    row("spec", ({ spec, version }) => `${version}, ${spec.slice(7, 15)}`),
    row("rows", ({ rows }) => count(rows)),
    row("windows", ({ windows }) => count(windows)),
    row("critical", ({ alerts }) => count(alerts.critical)),
    row("warning", ({ alerts }) => count(alerts.warning)),
    row("breaker opened", ({ breaker }) => breaker.openedAt?.slice(0, 19) ?? "never"),
    row("breaker at the end", ({ breaker }) => breaker.state),
    row("openings", ({ breaker }) => count(breaker.openings)),
  ];
}

function lineOf(alert: AlertLine): string[] {
  return ["", alert.time.slice(0, 19).replace("T", " "), placeOf(alert), printable(alert.summary)];
}

function placeOf({ alertname, field, statistic, segment }: AlertLine): string {
  const where = segment === null ? "" : ` ${segment.field}:${segment.value}`;
  return printable(`${alertname} ${field ?? "all fields"} ${statistic}${where}`);
}

function readSide(dir: string, io: Io): Side {
  const path = resolve(io.cwd, dir);
  const summary = JSON.parse(readText(join(path, "summary.json"))) as Summary;
  const alerts = new Map<string, AlertLine>();
  for (const alert of readAlerts(path))
    if (alert.status === "firing" && !alerts.has(alert.fingerprint)) alerts.set(alert.fingerprint, alert);
  return { dir, summary, alerts };
}

/** Every line of `alerts.jsonl`. @throws Fault `input.missing` */
export function readAlerts(dir: string): readonly AlertLine[] {
  return readText(join(dir, "alerts.jsonl"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AlertLine);
}

export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Fault("input.missing", `${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: "name a directory that `tidemark replay --out` wrote to its end",
    });
  }
}
