import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type { Done } from "./campaign.ts";
import type { Report } from "./report.ts";

/** What is known of one seed's campaign: how far it has come, or what came of it. */
export type Entry =
  | { readonly seed: number; readonly minute: number; readonly done: Done }
  | { readonly seed: number; readonly report: Report };

/** Written as it happens, so that a run that is cut short still says what was done. */
export function appendEntry(file: string, entry: Entry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function readEntries(file: string): readonly Entry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Entry);
}

/** One line a campaign, the newest entry of each, and their sum. */
export function tableOf(entries: readonly Entry[]): string {
  const newest = [...new Map(entries.map((entry) => [entry.seed, entry])).values()];
  const rows = newest.map((entry) => ("report" in entry ? judgedRow(entry.report) : cutRow(entry)));
  const reports = newest.flatMap((entry) => ("report" in entry ? [entry.report] : []));
  const done = newest.map((entry) => ("report" in entry ? entry.report : entry.done));
  const sum = (of: (report: Report) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const total = row([
    `${newest.length} campaigns`,
    sum(({ minutes }) => minutes),
    ...harmOf({
      kills: add(done, "kills"),
      brokerKills: add(done, "brokerKills"),
      rebalances: add(done, "rebalances"),
      freezes: add(done, "freezes"),
      cuts: add(done, "cuts"),
    }),
    sum(({ rows: all }) => all).toLocaleString("en"),
    sum(({ windows }) => windows),
    `${sum(({ lost }) => lost)}, ${sum(({ double }) => double)}`,
    `${sum(({ incidents }) => incidents)}, ${sum(({ pages }) => pages)}`,
    recoveryOf(
      Math.max(0, ...reports.map(({ recovery }) => recovery.longestMs)),
      sum(({ recovery }) => recovery.over10s),
      sum(({ recovery }) => recovery.of),
    ),
    sum(({ wrong }) => wrong.length),
  ]);
  return [row(head), row(head.map(() => "---")), ...rows, total].join("\n");
}

const head = [
  ...["seed", "minutes", "kills", "broker kills", "rebalances", "of these freezes", "cuts"],
  ...["rows", "windows", "lost, double", "incidents, pages", "kill → verdict", "wrong"],
];

function judgedRow(report: Report): string {
  const { longestMs, over10s, of } = report.recovery;
  return row([
    report.seed,
    report.minutes,
    ...harmOf(report),
    report.rows.toLocaleString("en"),
    report.windows,
    `${report.lost}, ${report.double}`,
    `${report.incidents}, ${report.pages}`,
    recoveryOf(longestMs, over10s, of),
    report.wrong.length,
  ]);
}

function cutRow({ seed, minute, done }: Extract<Entry, { minute: number }>): string {
  return row([seed, `${minute}, then cut short`, ...harmOf(done), ...Array.from({ length: 6 }, () => "")]);
}

function harmOf({ kills, brokerKills, rebalances, freezes, cuts }: Done): readonly number[] {
  return [kills, brokerKills, rebalances, freezes, cuts];
}

function add(done: readonly Done[], what: keyof Done): number {
  return done.reduce((total, each) => total + each[what], 0);
}

function recoveryOf(longestMs: number, over10s: number, of: number): string {
  return `${(longestMs / 1_000).toFixed(1)} s at most; ${over10s} of ${of} over 10 s`;
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}
