import { alertTable } from "./alert-table.ts";
import type { Course } from "./course.ts";
import { fieldCard } from "./field-card.ts";
import { count, dated, escapeHtml, percent, span, timeTag } from "./html.ts";
import { movedTable } from "./moved.ts";
import { overTime, overview } from "./over-time.ts";
import { provenance } from "./provenance.ts";
import { qualityTable } from "./quality.ts";
import {
  affectedOf,
  headline,
  isBad,
  type ReportInput,
  runCourse,
  type Subject,
  subjectsOf,
} from "./report-input.ts";
import { reportStyle, reportStyleHash } from "./report-style.ts";
import { segmentTables } from "./segment-table.ts";
import { distributionLegend } from "./style.ts";

/** Fields that get pictures; the others stand in the table of counts. */
const picturedFields = 120;
/** Names in the first sentence. */
const namesMax = 6;

/**
 * `report.html`: one file that needs nothing else, no script, no network. It opens to the answer (what opened, when, by
 * what, what else moved), then shows the evidence field by field, the worst first.
 */
export function renderReport(input: ReportInput): string {
  const { view, findings, toolVersion } = input;
  const subjects = subjectsOf(input);
  const course = runCourse(input);
  const sections = [
    movedTable(subjects),
    course === undefined ? "" : overTime(course, subjects, input),
    segmentTables(input),
    alertTable(findings),
    pictures(input, course, subjects),
    qualityTable(input),
    provenance(input),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${reportStyleHash}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="tidemark ${escapeHtml(toolVersion)}">
<title>${escapeHtml(view.name)}: ${escapeHtml(headline(input))}</title>
<link rel="icon" href="data:,">
<style>${reportStyle}</style>
</head>
<body>
<a class="skip" href="#moved">skip to what moved</a>
<main>
${answer(input, course, subjects)}
${sections.join("\n")}
</main>
</body>
</html>
`;
}

function answer(input: ReportInput, course: Course | undefined, subjects: readonly Subject[]): string {
  const { view, summary } = input;
  const { breaker } = summary;
  const [reason] = breaker.reasons;
  const state = breaker.openedAt === null ? "closed" : breaker.closedAt === null ? breaker.state : "again";
  const head = headline(input);
  return `<header class="answer ${state}">
<p class="soft">tidemark report · ${escapeHtml(view.name)} version ${view.version}${view.owner === undefined ? "" : ` · ${escapeHtml(view.owner)}`}${period(input)}</p>
<h1>${escapeHtml(head.charAt(0).toUpperCase() + head.slice(1))}</h1>
<p class="story">${story(input)}</p>
${summary.partial ? '<p class="story"><b>This run was interrupted: the report is of the part that was read.</b></p>' : ""}
${reason === undefined || breaker.openedAt === null ? "" : `<p class="story"><b>${escapeHtml(reason.summary)}</b></p>`}
<p class="story">${order(subjects)}</p>
${course === undefined ? "" : overview(course, input)}
${counts(input)}
<nav aria-label="in this report">${contents(input)}</nav>
</header>`;
}

function story({ view, summary: { breaker, windows } }: ReportInput): string {
  if (breaker.openedAt === null)
    return `Nothing opened it in ${count(windows)} windows of ${escapeHtml(view.name)}.`;
  const opened = Date.parse(breaker.openedAt);
  const closed = breaker.closedAt === null ? undefined : Date.parse(breaker.closedAt);
  const end =
    closed === undefined
      ? ` and was ${breaker.state} at the end`
      : `, closed ${timeTag(closed)}, after ${span(closed - opened)}`;
  return `Opened ${timeTag(opened)}${end}${breaker.openings > 1 ? `; it opened ${breaker.openings} times` : ""}.`;
}

/** The one place that names the year: everywhere else it would be noise. */
function period({ findings: { cells } }: ReportInput): string {
  const [first, last] = [cells[0], cells.at(-1)];
  return first === undefined || last === undefined
    ? ""
    : ` · ${dated(first.window.start).slice(0, 16)} to ${dated(last.window.end).slice(0, 16)} UTC`;
}

/** What moved first, and what followed. */
function order(subjects: readonly Subject[]): string {
  const [first, ...others] = subjects
    .filter(({ findings }) => isBad(findings))
    .map(({ name }) => escapeHtml(name));
  if (first === undefined) return "No field moved.";
  if (others.length === 0) return `${first} moved, nothing else did.`;
  const named = others.slice(0, namesMax);
  const left = others.length - named.length;
  return `${first} moved first, then ${named.join(", ")}${left > 0 ? ` and ${left} more` : ""}.`;
}

function counts({ summary, findings }: ReportInput): string {
  const { rows, profiled, late, rejected, deadLettered, windows, alerts } = summary;
  const bad = affectedOf(findings);
  const share = bad.windows === 0 ? "" : ` <small>${percent(bad.rows / Math.max(1, profiled))}</small>`;
  return `<dl class="counts">
<div><dt>critical windows</dt><dd>${count(bad.windows)} of ${count(windows)}</dd></div>
<div><dt>rows in them</dt><dd>${count(bad.rows)}${share}</dd></div>
<div><dt>alerts</dt><dd>${count(alerts.critical)} critical, ${count(alerts.warning)} warning</dd></div>
<div><dt>rows read</dt><dd>${count(rows)}</dd></div>
<div><dt>profiled</dt><dd>${count(profiled)}</dd></div>
<div><dt>late</dt><dd>${count(late)}</dd></div>
<div><dt>rejected</dt><dd>${count(rejected)}</dd></div>
<div><dt>dead letters</dt><dd>${count(deadLettered)}</dd></div>
</dl>`;
}

function contents({ findings }: ReportInput): string {
  const links: [string, string, boolean][] = [
    ["moved", "What moved", true],
    ["time", "Over time", findings.cells.length > 0],
    ["segments", "Versions and nodes", findings.segments.length > 1],
    ["alerts", "Alerts", findings.alerts.length > 0],
    ["fields", "Field by field", true],
    ["quality", "Data quality", true],
    ["made", "How this was made", true],
  ];
  const items = links.filter(([, , there]) => there).map(([id, text]) => `<a href="#${id}">${text}</a>`);
  return items.join(" ");
}

function pictures(input: ReportInput, course: Course | undefined, subjects: readonly Subject[]): string {
  const shown = subjects.slice(0, picturedFields);
  const left = subjects.length - shown.length;
  const [bad, well] = [
    shown.filter(({ findings }) => isBad(findings)),
    shown.filter(({ findings }) => !isBad(findings)),
  ];
  const cards = (some: readonly Subject[]): string =>
    some.map((subject) => fieldCard(input, course, subject)).join("\n");
  return `<section id="fields"><h2>Field by field</h2><ul class="legend">${distributionLegend}<li>dashed: the breaker’s line</li><li><i class="open"></i>breaker open</li><li><i class="half-open"></i>half-open</li><li>bars on the floor: critical (tall), warning (low)</li><li>▼ an alert began</li></ul>
${cards(bad)}
${well.length === 0 ? "" : `<div class="well">${cards(well)}</div>`}
${left > 0 ? `<p class="soft">${count(left)} more fields, all well, have no picture.</p>` : ""}</section>`;
}
