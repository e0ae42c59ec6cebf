import { formatDuration } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import { type FiredAlert, firedAlerts } from "./alert-table.ts";
import { count, dated, percent, span, visible } from "./html.ts";
import { provenanceLines } from "./provenance.ts";
import {
  affectedOf,
  distanceOf,
  headline,
  isBad,
  type ReportInput,
  restOf,
  runCourse,
  type Subject,
  sinceOf,
  subjectsOf,
} from "./report-input.ts";
import { nameOf } from "./segment-table.ts";

/** Rows of a table in a pull request; the report has all. */
const [fieldsMax, alertsMax, segmentsMax, comparedMax, eventsMax] = [20, 20, 30, 5, 20];

/** `report.md`, for a pull request or an incident ticket: state, when, what moved, how much, and how to see it again. */
export function renderMarkdown(input: ReportInput): string {
  const { view, findings, summary } = input;
  const subjects = subjectsOf(input);
  const bad = subjects.filter(({ findings: own }) => isBad(own));
  const affected = affectedOf(findings);
  const reason = summary.breaker.openedAt === null ? undefined : summary.breaker.reasons[0];
  const parts = [
    `# ${prose(view.name)}: ${headline(input)}`,
    story(input),
    reason === undefined ? "" : `**${prose(reason.summary)}**`,
    summary.partial ? "**This run was interrupted: the report is of the part that was read.**" : "",
    `${count(affected.windows)} of ${count(summary.windows)} windows of ${formatDuration(view.window.sizeMs)} were critical, with ${count(affected.rows)} rows (${percent(affected.rows / Math.max(1, summary.profiled))}). ${count(summary.alerts.critical)} critical and ${count(summary.alerts.warning)} warning alerts. ${count(summary.rows)} rows read = ${count(summary.profiled)} profiled + ${count(summary.late)} late + ${count(summary.rejected)} rejected + ${count(summary.deadLettered)} dead-lettered.`,
    "## What moved",
    bad.length === 0 ? "" : movedTable(bad),
    restOf(subjects),
    eventList(input),
    segmentTable(input),
    alertTable(firedAlerts(findings), findings.alertsLeftOut),
    "## How this was made",
    provenanceLines(input)
      .map(([name, text]) => `- ${name}: ${prose(text)}`)
      .join("\n"),
    "The same verdicts again, to the bit:",
    fenced(input.command),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function story({ summary: { breaker, windows } }: ReportInput): string {
  if (breaker.openedAt === null) return `Nothing opened it in ${count(windows)} windows.`;
  const [opened, closed] = [Date.parse(breaker.openedAt), Date.parse(breaker.closedAt ?? "")];
  const end = Number.isNaN(closed)
    ? ` and was ${breaker.state} at the end`
    : `, closed ${dated(closed)}, after ${span(closed - opened)}`;
  return `Opened ${dated(opened)} UTC${end}${breaker.openings > 1 ? `; it opened ${breaker.openings} times` : ""}.`;
}

function movedTable(bad: readonly Subject[]): string {
  const rows = bad.slice(0, fieldsMax).map(({ name, findings, sigma }) => {
    const { worst, status, criticalWindows, warningWindows } = findings;
    const since = sinceOf(findings);
    return [
      prose(name),
      status,
      since === undefined ? "" : dated(since),
      worst === undefined ? "" : `${prose(worst.verdict.summary)} (${worst.verdict.statistic})`,
      worst === undefined ? "" : distanceOf(worst.verdict, sigma),
      count(status === "critical" ? criticalWindows : warningWindows),
    ];
  });
  const left = bad.length - rows.length;
  const more = left > 0 ? `\n\nand ${count(left)} more fields` : "";
  return table(["field", "status", "known at", "at its worst", "shift", "windows"], rows, [4, 5]) + more;
}

function eventList(input: ReportInput): string {
  const events = runCourse(input)?.events.slice(0, eventsMax) ?? [];
  if (events.length === 0) return "";
  return `Events:\n\n${events.map(({ time, text }) => `- ${dated(time)}: ${prose(text)}`).join("\n")}`;
}

function segmentTable({ findings, view, sigma }: ReportInput): string {
  const [whole, ...segments] = findings.segments;
  if (whole === undefined || segments.length === 0) return "";
  const fields = [...whole.compared.keys()].slice(0, comparedMax);
  const lines = new Map(view.fields.map(({ name, drift }) => [name, sigma ?? drift.sigma]));
  const rows = [whole, ...segments.slice(0, segmentsMax)].map((segment) => [
    prose(nameOf(segment)),
    count(segment.rows),
    segment.openedAt === undefined ? "stayed closed" : `opened ${dated(segment.openedAt)}`,
    ...fields.map((field) => {
      const verdict = segment.compared.get(field);
      if (verdict === undefined || verdict.status === "insufficient") return "–";
      const distance = distanceOf(verdict, lines.get(field) ?? view.drift.sigma);
      return verdict.status === "critical" ? `**${distance}**` : distance;
    }),
  ]);
  const left = segments.length - segmentsMax;
  const more = left > 0 ? `\n\nand ${count(left)} more segments` : "";
  const head = ["segment", "rows", "breaker", ...fields.map(prose)];
  return `## Which model version, which node\n\n${table(head, rows, [1, ...fields.map((_, at) => at + 3)])}${more}`;
}

function alertTable(fired: readonly FiredAlert[], leftOut: number): string {
  if (fired.length === 0) return "";
  const rows = fired
    .slice(0, alertsMax)
    .map(({ alert, end }) => [
      `${alert.alertname} (${alert.severity})`,
      [alert.field ?? "all fields", ...(alert.segment === null ? [] : [segmentKey(alert.segment)])]
        .map(prose)
        .join(", "),
      dated(alert.time),
      end === undefined ? "still firing" : dated(end),
      prose(alert.summary),
      code(alert.fingerprint),
    ]);
  const left = fired.length - rows.length + leftOut;
  const more = left > 0 ? `\n\nand ${count(left)} more in alerts.jsonl` : "";
  const head = ["alert", "where", "from", "until", "what was seen when it fired", "id"];
  return `## Alerts\n\n${table(head, rows, [])}${more}`;
}

/** A pipe table; cells are Markdown already. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (numbers.includes(column) ? "--:" : "---"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/**
 * Text that stays text: no value of the data makes markup, a link, a mention or an issue's number of itself. What would be taken for
 * one has a zero-width space in it.
 */
export function prose(text: string): string {
  return visible(text)
    .replace(/[@#]|(?<=https?|ftp):(?=\/\/)|www(?=\.)/gi, "$&\u200b")
    .replace(/[\\`*[\]<>|~&#]/g, "\\$&")
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_");
}

/** Text in which every letter counts, to be copied: as code, which nothing in it can end. */
export function code(text: string): string {
  return `\`${visible(text).replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}

/** A block of code that no line of the text can end. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
