import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import { type EventTime, formatDuration, isoTime } from "../model/time.ts";
import { type Alert, type BreakerStateName, segmentKey, type Verdict } from "../model/verdict.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { classicalTable } from "./classical.ts";
import { distributionChart } from "./distribution.ts";
import type { FieldFindings, Findings } from "./findings.ts";
import { clock, count, escapeHtml, number, percent, shiftText, span, timeTag, when } from "./html.ts";
import { numbersTable } from "./numbers.ts";
import { reportStyle, reportStyleHash } from "./report-style.ts";
import { statusRank } from "./status.ts";
import { distributionLegend } from "./style.ts";
import { shiftLine, windowStrip } from "./timeline.ts";

/** Fields that get pictures; the others stand in the table of counts. */
const picturedFields = 120;

export interface ReportInput {
  readonly view: FeatureView;
  /** What the run was judged against; undefined without a baseline. */
  readonly baseline:
    | {
        readonly rows: number;
        readonly windows: number;
        readonly from: EventTime;
        readonly to: EventTime;
        readonly spec: string;
        readonly toolVersion: string;
      }
    | undefined;
  readonly baselineFields: ReadonlyMap<string, FieldProfile>;
  readonly findings: Findings;
  readonly summary: ReportSummary;
  /** The command that makes the same report again, as a shell reads it. */
  readonly command: string;
  readonly toolVersion: string;
}

/** What is needed of `summary.json`; times in ISO 8601. */
export interface ReportSummary {
  /** The run was interrupted. */
  readonly partial: boolean;
  readonly rows: number;
  readonly profiled: number;
  readonly late: number;
  readonly rejected: number;
  readonly deadLettered: number;
  readonly windows: number;
  readonly alerts: { readonly warning: number; readonly critical: number };
  readonly breaker: {
    readonly state: BreakerStateName;
    readonly openedAt: string | null;
    readonly closedAt: string | null;
    readonly openings: number;
    readonly reasons: readonly { readonly summary: string }[];
  };
}

/**
 * `report.html`: one file that needs nothing else, no script, no network. It opens to the answer (what opened, when, by
 * what, what else moved), then shows the evidence field by field, the worst first.
 */
export function renderReport(input: ReportInput): string {
  const { view, findings, toolVersion } = input;
  const fields = fieldsOf(input);
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
<main>
${answer(input)}
${moved(fields)}
${timeline(input)}
${alertTable(findings)}
${pictures(input, fields)}
${quality(input)}
${provenance(input)}
</main>
</body>
</html>
`;
}

interface Field {
  readonly spec: FieldSpec;
  readonly findings: FieldFindings;
}

/** The worst first; among the critical ones what broke first, because the others often follow from it. */
function fieldsOf({ view, findings }: ReportInput): readonly Field[] {
  const never = Number.POSITIVE_INFINITY;
  const farthest = ({ shifts }: FieldFindings): number => Math.max(0, ...shifts.filter(Number.isFinite));
  return view.fields
    .flatMap((spec) => {
      const found = findings.fields.get(spec.name);
      return found === undefined ? [] : [{ spec, findings: found }];
    })
    .sort(({ findings: a }, { findings: b }) => {
      const first = (a.firstCriticalAt ?? never) - (b.firstCriticalAt ?? never);
      return statusRank[b.status] - statusRank[a.status] || first || farthest(b) - farthest(a);
    });
}

function headline({ summary: { breaker } }: ReportInput): string {
  if (breaker.openedAt === null) return "the breaker stayed closed";
  return breaker.closedAt === null ? `breaker ${breaker.state}` : "the breaker opened, and closed again";
}

function answer(input: ReportInput): string {
  const { view, summary } = input;
  const { breaker, windows, rows } = summary;
  const [reason] = breaker.reasons;
  const state = breaker.openedAt === null ? "closed" : breaker.closedAt === null ? breaker.state : "again";
  const opened = breaker.openedAt === null ? undefined : Date.parse(breaker.openedAt);
  const closed = breaker.closedAt === null ? undefined : Date.parse(breaker.closedAt);
  const story =
    opened === undefined
      ? `Nothing opened it in ${count(windows)} windows of ${formatDuration(view.window.sizeMs)}.`
      : `Opened ${timeTag(opened)}${closed === undefined ? ` and was ${breaker.state} at the end` : `, closed ${timeTag(closed)}, after ${span(closed - opened)}`}${breaker.openings > 1 ? `; it opened ${breaker.openings} times` : ""}.`;
  return `<header class="answer ${state}">
<p class="soft">tidemark report · ${escapeHtml(view.name)} version ${view.version}${view.owner === undefined ? "" : ` · ${escapeHtml(view.owner)}`}</p>
<h1>${capital(headline(input))}</h1>
<p class="story">${story}</p>
${summary.partial ? '<p class="story"><b>This run was interrupted: the report is of the part that was read.</b></p>' : ""}
${reason === undefined || opened === undefined ? "" : `<p class="story"><b>${escapeHtml(reason.summary)}</b></p>`}
<dl class="counts">
<div><dt>rows read</dt><dd>${count(rows)}</dd></div>
<div><dt>profiled</dt><dd>${count(summary.profiled)}</dd></div>
<div><dt>late</dt><dd>${count(summary.late)}</dd></div>
<div><dt>rejected</dt><dd>${count(summary.rejected)}</dd></div>
<div><dt>dead letters</dt><dd>${count(summary.deadLettered)}</dd></div>
<div><dt>windows</dt><dd>${count(windows)}</dd></div>
<div><dt>alerts</dt><dd>${count(summary.alerts.critical)} critical, ${count(summary.alerts.warning)} warning</dd></div>
</dl>
</header>`;
}

function capital(text: string): string {
  return escapeHtml(text.charAt(0).toUpperCase() + text.slice(1));
}

/** What moved, when, how far: one line a field. */
function moved(fields: readonly Field[]): string {
  const bad = fields.filter(({ findings }) => statusRank[findings.status] > statusRank.ok);
  const untold = fields.filter(({ findings }) => findings.status === "insufficient").length;
  const well = fields.length - bad.length - untold;
  const rest = `${well} of ${fields.length} fields stood where they normally stand${untold > 0 ? `; ${untold} had too few rows to tell` : ""}.`;
  if (bad.length === 0) return `<section><h2>What moved</h2><p class="calm">Nothing. ${rest}</p></section>`;
  const rows = bad.map(({ spec, findings }) => {
    const { worst, status, firstCriticalAt, criticalWindows } = findings;
    const since = firstCriticalAt === undefined ? "" : timeTag(firstCriticalAt);
    return `<tr><th scope="row"><a href="#${anchorOf(spec)}">${escapeHtml(spec.name)}</a></th><td><span class="pill ${status}">${status}</span></td><td>${since}</td><td>${worst === undefined ? "" : `${escapeHtml(worst.verdict.summary)} <small>${worst.verdict.statistic}</small>`}</td><td class="number">${worst === undefined ? "" : distanceOf(worst.verdict, spec)}</td><td class="number">${count(criticalWindows)}</td></tr>`;
  });
  return `<section><h2>What moved, the first to break on top</h2><div class="scroll" role="region" tabindex="0" aria-label="what moved"><table>
<thead><tr><th scope="col">field</th><th scope="col">status</th><th scope="col">first critical</th><th scope="col">at its worst</th><th scope="col" class="number">shift</th><th scope="col" class="number">critical windows</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div><p class="soft">${rest}</p></section>`;
}

/** A hard rule is broken at any distance. */
function distanceOf({ hard, shift }: Verdict, { drift }: FieldSpec): string {
  return hard && shift < drift.sigma ? "hard rule" : shiftText(shift);
}

function anchorOf({ name }: FieldSpec): string {
  return `field-${encodeURIComponent(name)}`;
}

function timeline({ view, findings }: ReportInput): string {
  const { cells, transitions } = findings;
  const [first] = cells;
  if (first === undefined) return "";
  const whole = transitions
    .filter(({ breaker }) => breaker.segment === null)
    .map(({ transition }) => transition);
  const segments = new Map<string, number>();
  for (const { breaker, transition } of transitions) {
    if (breaker.segment === null || transition.to !== "open") continue;
    const key = segmentKey(breaker.segment);
    if (!segments.has(key)) segments.set(key, transition.time);
  }
  const own = [...segments].map(
    ([key, time]) => `<li><code>${escapeHtml(key)}</code> <small>${clock(time)}</small></li>`,
  );
  const each = first.windows > 1 ? `, ${first.windows} to a bar` : "";
  return `<section><h2>Window by window</h2>
${windowStrip(cells, whole, { width: 1060, height: 64 })}
<ul class="legend"><li><i class="ok"></i>ok</li><li><i class="warning"></i>warning</li><li><i class="critical"></i>critical</li><li><i></i>too few rows to tell</li><li>▼ the breaker moved</li><li>windows of ${formatDuration(view.window.sizeMs)}${each}, UTC</li></ul>
${own.length === 0 ? "" : `<p class="soft">Segments that opened for themselves:</p><ul class="chips">${own.join("")}</ul>`}</section>`;
}

/** One line an alert: when it fired, and until when. */
function alertTable({ alerts, alertsLeftOut }: Findings): string {
  if (alerts.length === 0) return "";
  const ends = Map.groupBy(
    alerts.filter(({ status }) => status === "resolved"),
    ({ fingerprint }) => fingerprint,
  );
  const fired = alerts.filter(({ status }) => status === "firing");
  const rows = fired.map((alert) => {
    const end = ends.get(alert.fingerprint)?.find(({ time }) => time >= alert.time)?.time;
    const until =
      end === undefined ? "still firing" : `${timeTag(end)} <small>${span(end - alert.time)}</small>`;
    const place = alert.segment === null ? "" : `<br><small>${escapeHtml(segmentKey(alert.segment))}</small>`;
    return `<tr><th scope="row">${alert.alertname}<br><span class="pill ${alert.severity}">${alert.severity}</span></th><td>${escapeHtml(alert.field ?? "all fields")}${place}</td><td>${timeTag(alert.time)}</td><td>${until}</td><td>${escapeHtml(alert.summary)}${exampleOf(alert)}</td></tr>`;
  });
  const more =
    alertsLeftOut > 0 ? `<p class="soft">and ${count(alertsLeftOut)} more lines in alerts.jsonl</p>` : "";
  return `<section><h2>Alerts</h2><details open><summary>${count(fired.length)} fired</summary><div class="scroll" role="region" tabindex="0" aria-label="alerts"><table><thead><tr><th scope="col">alert</th><th scope="col">where</th><th scope="col">from</th><th scope="col">until</th><th scope="col">what was seen when it fired</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>${more}</details></section>`;
}

function exampleOf({ example }: Alert): string {
  if (example?.requestId === undefined) return "";
  return ` <small>in request <code>${escapeHtml(example.requestId)}</code></small>`;
}

function pictures(input: ReportInput, fields: readonly Field[]): string {
  const shown = fields.slice(0, picturedFields);
  const left = fields.length - shown.length;
  return `<section><h2>Field by field</h2><ul class="legend">${distributionLegend}<li>dashed: the breaker’s line</li></ul>
<div class="fields">${shown.map((field) => fieldCard(input, field)).join("\n")}</div>
${left > 0 ? `<p class="soft">${count(left)} more fields, all well, have no picture.</p>` : ""}</section>`;
}

function fieldCard({ baselineFields, findings: { cells } }: ReportInput, { spec, findings }: Field): string {
  const { worst, status, shifts } = findings;
  const size = { width: 480, height: 130 };
  const before = baselineFields.get(spec.name);
  const points = cells.map(({ window }, at) => {
    const shift = shifts[at];
    return { time: window.start, shift: shift === undefined || Number.isNaN(shift) ? undefined : shift };
  });
  const name = escapeHtml(spec.name);
  const words = { ok: "The farthest window", insufficient: "No window had enough rows" } as const;
  const intro = status === "ok" || status === "insufficient" ? words[status] : "The worst window";
  const window =
    worst === undefined
      ? ""
      : `: ${when(worst.window.start)}–${clock(worst.window.end)}, ${count(worst.rows)} rows, ${distanceOf(worst.verdict, spec)} in ${worst.verdict.statistic}`;
  return `<article id="${anchorOf(spec)}" class="${status}">
<h3>${name} <small>${spec.type}</small> <span class="pill ${status}">${status}</span></h3>
<p>${escapeHtml(worst === undefined || status === "ok" ? "" : worst.verdict.summary)}</p>
<p class="soft">${intro}${window}</p>
<div class="charts">${distributionChart(spec, before, worst?.profile, { size, axis: true })}
${shiftLine(points, { name: spec.name, sigma: spec.drift.sigma, size, axis: true })}</div>
${numbersTable(spec, before, worst?.profile)}${classicalTable(spec, before, worst?.profile)}
</article>`;
}

/** Every row that broke a rule of the spec, whatever a verdict made of it. */
function quality({ view, findings }: ReportInput): string {
  const rules = new Set([...findings.fields.values()].flatMap(({ rules: own }) => [...own.keys()]));
  const columns = [...rules].sort();
  const told = view.fields.filter(({ name }) => {
    const field = findings.fields.get(name);
    return field !== undefined && (field.nulls > 0 || field.rules.size > 0);
  });
  const rest = `${view.fields.length - told.length} of ${view.fields.length} fields have no null and break no rule.`;
  if (told.length === 0) return `<section><h2>Data quality</h2><p class="calm">${rest}</p></section>`;
  const rows = told.map(({ name, type }) => {
    const field = findings.fields.get(name);
    const cells = columns.map((rule) => {
      const hit = field?.rules.get(rule);
      if (hit === undefined || hit.count === 0) return `<td class="number soft">0</td>`;
      const value = hit.example === undefined ? "" : `<br><small>${escapeHtml(hit.example.value)}</small>`;
      return `<td class="number"><b>${count(hit.count)}</b>${value}</td>`;
    });
    return `<tr><th scope="row">${escapeHtml(name)} <small>${type}</small></th><td class="number">${count(field?.rows ?? 0)}</td><td class="number">${count(field?.nulls ?? 0)} <small>${percent((field?.nulls ?? 0) / Math.max(1, field?.rows ?? 0))}</small></td>${cells.join("")}</tr>`;
  });
  return `<section><h2>Data quality</h2><details open><summary>Rows that break a rule of the spec, over all closed windows, with the first offending value</summary><div class="scroll" role="region" tabindex="0" aria-label="data quality"><table class="quality"><thead><tr><th scope="col">field</th><th scope="col" class="number">rows</th><th scope="col" class="number">nulls</th>${columns.map((rule) => `<th scope="col" class="number">${rule}</th>`).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div></details><p class="soft">${rest}</p></section>`;
}

/** What was judged, against what, by which tool, and how to do it again. */
function provenance({ view, baseline, command, toolVersion, findings: { cells } }: ReportInput): string {
  const [first, last] = [cells[0], cells.at(-1)];
  const models = view.models.map(({ name, version, gitSha, weights }) =>
    [name, version, gitSha, weights].filter((part) => part !== undefined).join(" "),
  );
  const lines: [string, string][] = [
    ["spec", `${view.name} version ${view.version}, ${view.fingerprint}`],
    [
      "baseline",
      baseline === undefined
        ? "none: only hard rules were judged"
        : `${count(baseline.rows)} rows in ${count(baseline.windows)} windows, ${isoTime(baseline.from)} to ${isoTime(baseline.to)}, built by tidemark ${baseline.toolVersion} with ${baseline.spec === view.fingerprint ? "this spec" : `another spec, ${baseline.spec}`}`,
    ],
    ...(first === undefined || last === undefined
      ? []
      : ([["data", `windows from ${isoTime(first.window.start)} to ${isoTime(last.window.end)}`]] as [
          string,
          string,
        ][])),
    ...(models.length === 0 ? [] : ([["models", models.join("; ")]] as [string, string][])),
    ["line", `${number(view.drift.sigma)} standard deviations, at least ${count(view.breaker.minRows)} rows`],
    ["tool", `tidemark ${toolVersion}`],
  ];
  const items = lines.map(([name, text]) => `<div><dt>${name}</dt><dd>${escapeHtml(text)}</dd></div>`);
  return `<section><h2>How this was made</h2><dl class="made">${items.join("")}</dl>
<p class="soft">The same verdicts again, to the bit:</p><pre>${escapeHtml(command)}</pre></section>`;
}
