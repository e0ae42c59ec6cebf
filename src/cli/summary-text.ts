import type { FieldSummary, Summary } from "../pipeline/summary.ts";
import { count, number, type Paint, printable, span } from "./paint.ts";

const incidentsShown = 5;

/** A summary for people: where every row went, what the breaker did, what was wrong with which field. */
export function summaryText(summary: Summary, paint: Paint): string {
  const { rows, profiled, late, rejected, deadLettered, windows, alerts, from, to } = summary;
  const lines: [string, string][] = [
    ...(summary.partial
      ? ([["partial", paint.yellow("interrupted: of the part that was read")]] as [string, string][])
      : []),
    [
      "events",
      `${count(rows)} read = ${count(profiled)} profiled + ${count(late)} late + ${count(rejected)} rejected + ${count(deadLettered)} dead-lettered`,
    ],
    ...rejectedLines(summary),
    [
      "windows",
      `${count(windows)} closed${from === null || to === null ? "" : `, ${minute(from)} – ${minute(to)}`}`,
    ],
    ["breaker", breakerText(summary, paint)],
    [
      "alerts",
      alerts.critical + alerts.warning === 0
        ? "none"
        : `${count(alerts.critical)} critical, ${count(alerts.warning)} warning`,
    ],
    ...incidentLines(summary),
    ["fields", fieldsText(summary, paint)],
  ];
  return lines.map(([name, text]) => `  ${paint.bold(name.padEnd(9))} ${text}\n`).join("");
}

/** Rows that no window took would be missed by nobody. */
function rejectedLines({ rejected, rows, rejectedExample }: Summary): [string, string][] {
  if (rejectedExample === undefined) return [];
  const { value, requestId, position } = rejectedExample;
  const where = [
    requestId === undefined ? [] : [`request ${requestId}`],
    position === undefined ? [] : [`at ${position}`],
  ];
  const share = number((100 * rejected) / Math.max(1, rows));
  const text = `${share}% of rows, the first: ${[value, ...where.flat()].join(", ")}`;
  return [["rejected", printable(text)]];
}

/** What moved first, where more than one thing did. */
function incidentLines({ incidents }: Summary): [string, string][] {
  return incidents
    .filter(({ others }) => others.length > 0)
    .slice(0, incidentsShown)
    .map(({ since: at, first, others }) => [
      "incident",
      `${minute(at)}  ${first.field ?? "the view"} (${first.statistic}) moved first, then ${others.slice(0, 4).join(", ")}${others.length > 4 ? ` and ${others.length - 4} more` : ""}`,
    ]);
}

function breakerText({ breaker }: Summary, paint: Paint): string {
  if (breaker.openedAt === null) return paint.green("closed throughout");
  const [reason] = breaker.reasons;
  const why = reason === undefined ? "" : `, by ${reason.field ?? "the view"} ${reason.statistic}`;
  const opened = `${paint.red("opened")} ${second(breaker.openedAt)}${why}`;
  const again = breaker.openings > 1 ? ` (${breaker.openings} times)` : "";
  if (breaker.closedAt === null) return `${opened}${again}; ${paint.red(`${breaker.state} at the end`)}`;
  const openMs = Date.parse(breaker.closedAt) - Date.parse(breaker.openedAt);
  return `${opened}${again}\n${" ".repeat(12)}${paint.green("closed")} ${second(breaker.closedAt)}, after ${span(openMs)}`;
}

function fieldsText({ fields }: Summary, paint: Paint): string {
  const all = Object.entries(fields);
  const bad = all
    .filter(([, { status }]) => status === "critical" || status === "warning")
    .toSorted(([, a], [, b]) => since(a).localeCompare(since(b)));
  const untold = all.filter(([, { status }]) => status === "insufficient").length;
  const well = all.length - bad.length - untold;
  const head = [`${well} well`, ...(untold > 0 ? [`${untold} with too few rows to tell`] : [])].join(", ");
  if (bad.length === 0) return paint.green(head);
  const width = Math.max(...bad.map(([name]) => name.length));
  const statistics = Math.max(...bad.map(([, { statistic }]) => statistic?.length ?? 0));
  const lines = bad.map(([name, field]) => {
    const colour = field.status === "critical" ? paint.red : paint.yellow;
    return `\n${" ".repeat(12)}${colour(name.padEnd(width))}  ${(field.statistic ?? "").padEnd(statistics)}  ${minute(since(field))}  ${printable(field.summary ?? "")}`;
  });
  return `${head}, ${bad.length} not:${lines.join("")}`;
}

function since({ firstCriticalAt, firstWarningAt }: FieldSummary): string {
  return firstCriticalAt ?? firstWarningAt ?? "";
}

/** `2026-03-03T04:14:22.000Z` → `2026-03-03 04:14`. */
function minute(iso: string): string {
  return iso.slice(0, 16).replace("T", " ");
}

function second(iso: string): string {
  return iso.slice(0, 19).replace("T", " ");
}

/** `2.4 SD`; a hard rule has no distance. */
export function shiftText(shift: number): string {
  return `${number(shift)} SD`;
}
