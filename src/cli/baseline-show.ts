import type { Baseline, FieldBaseline } from "../judge/baseline.ts";
import type { BaselineDrift } from "../judge/baseline-drift.ts";
import { missingCycles, type Season, seasonAt } from "../judge/season.ts";
import { formatDuration, isoTime } from "../model/time.ts";
import { slicesOf } from "../pipeline/survey.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { top, total } from "../sketch/categories.ts";
import { quantile } from "../sketch/histogram.ts";
import { formatJson, formatTable, type Io } from "./io.ts";
import { count, number, paintFor, printable } from "./paint.ts";
import { sparkline } from "./profile.ts";

/** Characters of a picture of a distribution. */
const pictureWidth = 24;
const hourMs = 3_600_000;
/** 1970-01-05, a Monday. */
const monday = 4 * 24 * hourMs;
/** A terminal narrower than this gets lines that are too long, rather than nothing. */
const narrowest = 40;

interface FieldLine {
  readonly field: string;
  readonly type: string;
  readonly nullShare: number;
  readonly typical: string;
  /** Shares of equal slices between the 1st and the 99th percentile; of text, of its most frequent values. */
  readonly distribution: readonly number[];
  readonly statistics: Readonly<Record<string, { mean: number; sd: number }>>;
  /** What hour and day do to a signal, hour by hour from midnight, or from Monday's (UTC). */
  readonly patterns: readonly {
    readonly signal: string;
    readonly cycle: "day" | "week";
    readonly hours: readonly number[];
  }[];
}

/** What a baseline holds, for people and machines. */
export function showBaseline(baseline: Baseline, json: boolean, io: Io): void {
  const lines = [...baseline.fields].map(([field, known]) => lineOf(field, known));
  if (json) {
    io.stdout(formatJson(toJson(baseline, lines)));
    return;
  }
  const { featureView, rows, windows, windowMs, from, to, periods = [], drifts = [] } = baseline;
  const width = Math.max(narrowest, io.columns ?? Number.POSITIVE_INFINITY);
  const paint = paintFor({ env: io.env, isTTY: io.columns !== undefined });
  const head = `${featureView}: ${count(rows)} rows, ${count(windows)} windows of ${formatDuration(windowMs)}, ${isoTime(from)} to ${isoTime(to)}`;
  const parts = [
    paint.bold(head),
    ...periods.map(
      (period) => `  ${isoTime(period.from)} to ${isoTime(period.to)}: ${count(period.rows)} rows`,
    ),
    ...cycleNote(baseline),
    ...drifts.map((drift) => paint.yellow(`! the data drift: ${printable(driftText(drift))}`)),
    "",
    fitted(lines, width).trimEnd(),
    ...patternLines(lines, width),
  ];
  io.stdout(`${parts.join("\n")}\n`);
}

/** `user_location pattern_rate, 2026-03-03 04:20 to 08:20 UTC: 96.6% … (38 SD)` */
export function driftText({ field, statistic, kind, since, until, shift, summary }: BaselineDrift): string {
  const minute = (time: number): string => isoTime(time).slice(0, 16).replace("T", " ");
  const when = {
    step: `from ${minute(since)} on`,
    slope: "all the way",
    episode: `${minute(since)} to ${minute(until)}`,
  }[kind];
  return `${field ?? "a pair of fields"} ${statistic}, ${when}: ${summary} (${number(shift)} SD)`;
}

function lineOf(field: string, { profile, statistics, tracks }: FieldBaseline): FieldLine {
  return {
    field,
    type: profile.type,
    nullShare: profile.rows === 0 ? 0 : profile.nulls / profile.rows,
    typical: typicalOf(profile),
    distribution: distributionOf(profile),
    statistics: Object.fromEntries([...statistics].map(([name, { mean, sd }]) => [name, { mean, sd }])),
    patterns: [...(tracks ?? [])].flatMap(([signal, { season }]) =>
      season === undefined ? [] : [{ signal, cycle: season.cycle, hours: hoursOf(season) }],
    ),
  };
}

function hoursOf(season: Season): readonly number[] {
  const hours = season.cycle === "day" ? 24 : 7 * 24;
  return Array.from({ length: hours }, (_, hour) =>
    Number(seasonAt(season, monday + hour * hourMs + hourMs / 2).toPrecision(6)),
  );
}

/** A field as a few words: quantiles, the most frequent values, or a share. */
export function typicalOf({ type, body }: FieldProfile): string {
  const shown =
    type === "timestamp" ? (time: number): string => isoTime(Math.round(time)).slice(0, 10) : number;
  switch (body.kind) {
    case "numeric":
      return body.moments.count === 0
        ? "no values"
        : [0.05, 0.5, 0.95].map((q) => shown(quantile(body.histogram, q))).join(" … ");
    case "string": {
      const all = total(body.categories);
      return top(body.categories, 3)
        .map(({ value, count: n }) => `${printable(value)} ${((100 * n) / all).toFixed(1)}%`)
        .join(" · ");
    }
    case "bool":
      return `${((100 * body.trues) / Math.max(1, body.trues + body.falses)).toFixed(1)}% true`;
    case "embedding":
      return `${body.dimensions} dimensions, norm ${number(body.norms.mean)}`;
  }
}

function distributionOf({ body }: FieldProfile): readonly number[] {
  const rounded = (share: number): number => Number(share.toPrecision(4));
  if (body.kind === "string") {
    const all = Math.max(1, total(body.categories));
    return top(body.categories, pictureWidth).map(({ count: n }) => rounded(n / all));
  }
  if (body.kind !== "numeric" || body.moments.count === 0) return [];
  const [low, high] = [0.01, 0.99].map((q) => quantile(body.histogram, q, body.moments)) as [number, number];
  return slicesOf(body, low, high, pictureWidth).map(rounded);
}

function toJson(baseline: Baseline, fields: readonly FieldLine[]): object {
  const {
    featureView,
    spec,
    toolVersion,
    rows,
    windows,
    windowMs,
    from,
    to,
    periods,
    drifts = [],
  } = baseline;
  return {
    featureView,
    spec,
    toolVersion,
    rows,
    windows,
    windowMs,
    from: isoTime(from),
    to: isoTime(to),
    ...(periods === undefined
      ? {}
      : {
          periods: periods.map((period) => ({
            ...period,
            from: isoTime(period.from),
            to: isoTime(period.to),
          })),
        }),
    drifts: drifts.map((drift) => ({ ...drift, since: isoTime(drift.since), until: isoTime(drift.until) })),
    fields,
  };
}

/** The table, its last columns left out and the typical values cut short until it fits. */
function fitted(lines: readonly FieldLine[], width: number): string {
  const tableOf = (columns: number, typicalMax: number): string => {
    const rows = lines.map(({ field, type, nullShare, typical, distribution, statistics }) => [
      printable(field),
      type,
      `${(100 * nullShare).toFixed(1)}%`,
      typical.length > typicalMax ? `${typical.slice(0, typicalMax - 1)}…` : typical,
      sparkline(distribution),
      Object.entries(statistics)
        .map(([name, { sd }]) => `${name} ±${number(sd)}`)
        .join(", "),
    ]);
    const header = ["field", "type", "nulls", "typical", "distribution", "window to window"];
    return formatTable(
      [header, ...rows].map((row) => row.slice(0, columns)),
      [2],
    );
  };
  const fits = (text: string): boolean => text.split("\n").every((line) => line.length <= width);
  const tries: [columns: number, typicalMax: number][] = [
    [6, 200],
    [5, 200],
    [5, 24],
    [4, 24],
    [4, 12],
  ];
  const text = tries.map(([columns, most]) => tableOf(columns, most)).find(fits) ?? tableOf(2, 0);
  return text;
}

/** One line for each field that has a daily or weekly pattern: its first signal that has one. */
function patternLines(lines: readonly FieldLine[], width: number): readonly string[] {
  const rows = lines.flatMap(({ field, patterns }) => {
    const [first] = patterns;
    if (first === undefined) return [];
    const { signal, cycle, hours } = first;
    return [
      [printable(field), signal, cycle, sparkline(aboveLeast(cycle === "day" ? hours : everyFourth(hours)))],
    ];
  });
  if (rows.length === 0) return [];
  const table = formatTable([
    ["pattern of", "", "over the", "from midnight, or from Monday on (UTC)"],
    ...rows,
  ]);
  return [
    "",
    ...table
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(0, width)),
  ];
}

function everyFourth(hours: readonly number[]): readonly number[] {
  return hours.filter((_, hour) => hour % 4 === 2);
}

/** For a picture: the least as a little above nothing. */
function aboveLeast(values: readonly number[]): readonly number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => value - least + (most - least) / 100);
}

/** Of what the data are too short for: a pattern is learnt when they hold its cycle twice. */
function cycleNote({ from, to, periods, fields }: Baseline): readonly string[] {
  const [longest] = [...(periods ?? [{ from, to }])].sort((a, b) => b.to - b.from - (a.to - a.from));
  const missing = missingCycles(longest?.from ?? from, longest?.to ?? to);
  if (missing.length === 0) return [];
  const trending = [...fields.values()].filter(({ tracks }) =>
    [...(tracks?.values() ?? [])].some(({ trend }) => trend !== undefined),
  ).length;
  const followed =
    trending === 0 ? "" : `; ${trending} fields do not stay where they are and are followed as trends`;
  const wanted =
    missing.length === 2
      ? "a daily or weekly pattern (2 days and 2 weeks are"
      : "a weekly pattern (2 weeks are";
  return [`too short to learn ${wanted} wanted)${followed}`];
}
