import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Fault } from "../model/fault.ts";
import type { Summary } from "../pipeline/summary.ts";
import { prose, table } from "../report/markdown.ts";
import type { PrintedFormat } from "./formats.ts";
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

/** What both found, and what only one did. */
interface Comparison {
  readonly a: Side;
  readonly b: Side;
  readonly onlyA: readonly AlertLine[];
  readonly onlyB: readonly AlertLine[];
  /** `laterMs`: by how much b was later. */
  readonly both: readonly { readonly alert: AlertLine; readonly laterMs: number }[];
  /** Fields whose status differs; null: the spec of that side does not have it. */
  readonly fields: readonly {
    readonly field: string;
    readonly a: string | null;
    readonly b: string | null;
  }[];
}

/** Two runs side by side. */
export function compareRuns(dirs: readonly string[], format: PrintedFormat, io: Io): void {
  const [a, b] = dirs.map((dir) => readSide(dir, io));
  if (a === undefined || b === undefined || dirs.length !== 2)
    throw new Fault("usage", "--compare takes two directories of replays");
  const printed = { json: comparisonJson, markdown: comparisonMarkdown, text: comparisonText };
  io.stdout(printed[format](comparisonOf(a, b)));
}

function comparisonOf(a: Side, b: Side): Comparison {
  const only = (one: Side, other: Side): AlertLine[] =>
    [...one.alerts.values()].filter(({ fingerprint }) => !other.alerts.has(fingerprint));
  const both = [...a.alerts.values()].flatMap((alert) => {
    const same = b.alerts.get(alert.fingerprint);
    return same === undefined ? [] : [{ alert, laterMs: Date.parse(same.time) - Date.parse(alert.time) }];
  });
  const names = new Set([...Object.keys(a.summary.fields), ...Object.keys(b.summary.fields)]);
  const fields = [...names].flatMap((field) => {
    const [left, right] = [a.summary.fields[field], b.summary.fields[field]];
    return left?.status === right?.status
      ? []
      : [{ field, a: left?.status ?? null, b: right?.status ?? null }];
  });
  return { a, b, onlyA: only(a, b), onlyB: only(b, a), both, fields };
}

function comparisonJson({ a, b, both, ...rest }: Comparison): string {
  return formatJson({
    a: { dir: a.dir, summary: a.summary },
    b: { dir: b.dir, summary: b.summary },
    ...rest,
    both: both.map(({ alert, laterMs }) => ({ ...alert, bLaterSeconds: laterMs / 1_000 })),
  });
}

function comparisonText(comparison: Comparison): string {
  const { a, b } = comparison;
  const parts = alone(comparison).map(
    ({ dir, lines }) =>
      `\nonly in ${dir}:\n${formatTable(lines.map((line) => ["", ...line.map(printable)]))}`,
  );
  return [
    formatTable([["", a.dir, b.dir], ...figures(a.summary, b.summary)], [1, 2]),
    ...parts,
    `\n${sameText(comparison)}\n`,
    ...differencesOf(comparison).map((line) => `  ${printable(line)}\n`),
  ].join("");
}

function comparisonMarkdown(comparison: Comparison): string {
  const { a, b } = comparison;
  const head = ["time", "alert", "what was seen"];
  const parts = alone(comparison).map(
    ({ dir, lines }) =>
      `## Only in ${prose(dir)}\n\n${table(
        head,
        lines.map((line) => line.map(prose)),
        [],
      )}`,
  );
  const all = [
    `# ${prose(a.dir)} and ${prose(b.dir)}`,
    table(["", prose(a.dir), prose(b.dir)], figures(a.summary, b.summary), [1, 2]),
    ...parts,
    `${sameText(comparison)}.`,
    differencesOf(comparison)
      .map((line) => `- ${prose(line)}`)
      .join("\n"),
  ];
  return `${all.filter((part) => part !== "").join("\n\n")}\n`;
}

/** What only one of the two has; a side that has nothing alone is left out. */
function alone({ a, b, onlyA, onlyB }: Comparison): readonly { dir: string; lines: string[][] }[] {
  const sides = [
    { dir: a.dir, lines: onlyA.map(lineOf) },
    { dir: b.dir, lines: onlyB.map(lineOf) },
  ];
  return sides.filter(({ lines }) => lines.length > 0);
}

function sameText({ both }: Comparison): string {
  const same = both.filter(({ laterMs }) => laterMs === 0).length;
  return `${count(same)} ${same === 1 ? "alert" : "alerts"} in both at the same time`;
}

/** A line for each alert that came at another time, and for each field that fared otherwise. */
function differencesOf({ a, b, both, fields }: Comparison): readonly string[] {
  const moved = both.filter(({ laterMs }) => laterMs !== 0);
  return [
    ...moved.map(
      ({ alert, laterMs }) =>
        `${placeOf(alert)}: ${span(Math.abs(laterMs))} ${laterMs > 0 ? "later" : "earlier"} in ${b.dir}`,
    ),
    ...fields.map(
      ({ field, a: left, b: right }) =>
        `${field}: ${left ?? "absent"} in ${a.dir}, ${right ?? "absent"} in ${b.dir}`,
    ),
  ];
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
  return [alert.time.slice(0, 19).replace("T", " "), placeOf(alert), alert.summary];
}

function placeOf({ alertname, field, statistic, segment }: AlertLine): string {
  const where = segment === null ? "" : ` ${segment.field}:${segment.value}`;
  return `${alertname} ${field ?? "all fields"} ${statistic}${where}`;
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
