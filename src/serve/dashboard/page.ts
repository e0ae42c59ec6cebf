import type { FieldSpec } from "../../model/feature-view.ts";
import { formatDuration, isoTime } from "../../model/time.ts";
import { type Alert, segmentKey, type Verdict } from "../../model/verdict.ts";
import type { Board, ViewStatus } from "../../pipeline/board.ts";
import type { FieldProfile } from "../../profile/profile.ts";
import { categoryBars, histogramOverlay, shiftLine, windowStrip } from "../../report/charts.ts";
import { escapeHtml, number, percent } from "../../report/html.ts";
import { statusOf } from "../api.ts";

/** Windows drawn; older ones are at `/v1/windows`. */
const windowsShown = 180;
const alertsShown = 30;
const breakerWords = { closed: "closed", "half-open": "half-open", open: "OPEN" } as const;

/** The whole page, rendered on the server: it says what it has to say without a script. */
export function renderDashboard(board: Board, version: string): string {
  const views = board.views();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tidemark</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/dashboard.css">
<script src="/dashboard.js" defer></script>
</head>
<body>
<header><h1>tidemark</h1><p>${views.length} feature ${views.length === 1 ? "view" : "views"} · version ${escapeHtml(version)} · <a href="/metrics">metrics</a> · <a href="/health">health</a> · <a href="/openapi.json">API</a></p></header>
<main id="board">
${troubles(board)}
${views.map((status) => viewSection(status, board.activeAlerts())).join("\n")}
</main>
</body>
</html>
`;
}

function troubles(board: Board): string {
  const all = [...board.troubles()];
  if (all.length === 0) return "";
  const items = all.map(([name, text]) => `<li><b>${escapeHtml(name)}</b> ${escapeHtml(text)}</li>`);
  return `<section class="troubles" aria-label="troubles"><ul>${items.join("")}</ul></section>`;
}

function viewSection(status: ViewStatus, alerts: readonly Alert[]): string {
  const { view, breaker, counts, recent, baseline, lastEvent, segments } = status;
  const own = alerts.filter(({ featureView }) => featureView === view.name);
  const openSegments = [...segments].filter(([, { state }]) => state === "open").map(([key]) => key);
  const shown = recent
    .slice(-windowsShown)
    .map((judged) => ({ window: judged.window, status: statusOf(judged) }));
  return `<section class="view" aria-labelledby="view-${escapeHtml(view.name)}">
<div class="top ${breaker.state}">
<div><h2 id="view-${escapeHtml(view.name)}">${escapeHtml(view.name)} <small>v${view.version}${view.owner === undefined ? "" : ` · ${escapeHtml(view.owner)}`}</small></h2>
<p class="reason">${reasonOf(status)}</p></div>
<div class="breaker"><span class="lamp" aria-hidden="true"></span>breaker <strong>${breakerWords[breaker.state]}</strong></div>
</div>
<dl class="counts">
${count("profiled", counts.profiled)}${count("late", counts.late)}${count("rejected", counts.rejected)}${count("dead letters", counts.deadLettered)}
<div><dt>last event</dt><dd>${lastEvent === undefined ? "none yet" : when(lastEvent)}</dd></div>
<div><dt>baseline</dt><dd>${baseline === undefined ? "none: only hard rules" : `${number(baseline.rows)} rows`}</dd></div>
<div><dt>open segments</dt><dd>${openSegments.length === 0 ? "none" : escapeHtml(openSegments.join(", "))}</dd></div>
</dl>
<div class="strip">${windowStrip(shown, { width: 1080, height: 18 })}<p>${shown.length} closed windows of ${formatDuration(view.window.sizeMs)}${shown[0] === undefined ? "" : `, from ${when(shown[0].window.start)}`}</p></div>
${alertList(own)}
${fieldTable(status)}
</section>`;
}

function count(name: string, value: number): string {
  return `<div><dt>${name}</dt><dd>${value.toLocaleString("en-US")}</dd></div>`;
}

function reasonOf({ breaker }: ViewStatus): string {
  if (breaker.state === "closed")
    return breaker.history.length === 0
      ? "Nothing has opened it."
      : `Closed again since ${when(breaker.since)}.`;
  const [first, ...others] = breaker.reasons;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `Since ${when(breaker.since)}: ${escapeHtml(first?.summary ?? "")}${more}.`;
}

function alertList(alerts: readonly Alert[]): string {
  if (alerts.length === 0) return `<p class="calm">No alert fires.</p>`;
  const rows = alerts
    .slice(0, alertsShown)
    .map(({ alertname, field, severity, segment, startsAt, summary, example }) => {
      const seen = example === undefined ? "" : ` <code>${escapeHtml(example.value)}</code>`;
      return `<li class="${severity}"><b>${alertname}</b> ${escapeHtml(field ?? "whole view")}${segment === null ? "" : ` · ${escapeHtml(segmentKey(segment))}`} <span>${escapeHtml(summary)}${seen}</span> <time datetime="${isoTime(startsAt)}">${when(startsAt)}</time></li>`;
    });
  const more = alerts.length > alertsShown ? `<li>and ${alerts.length - alertsShown} more</li>` : "";
  return `<ul class="alerts" aria-label="active alerts">${rows.join("")}${more}</ul>`;
}

function fieldTable(status: ViewStatus): string {
  const rows = status.view.fields
    .map((field) => ({
      field,
      verdicts: (status.latest?.verdicts ?? []).filter((verdict) => verdict.field === field.name),
    }))
    .sort((a, b) => severity(b.verdicts) - severity(a.verdicts));
  return `<div class="scroll"><table><caption class="unseen">Fields of ${escapeHtml(status.view.name)}, the most shifted first</caption>
<thead><tr><th scope="col">field</th><th scope="col">status</th><th scope="col">shift</th><th scope="col">over time</th><th scope="col">default cases</th><th scope="col">distribution</th></tr></thead>
<tbody>${rows.map(({ field, verdicts }) => fieldRow(status, field, verdicts)).join("\n")}</tbody></table></div>`;
}

function severity(verdicts: readonly Verdict[]): number {
  return Math.max(
    -1,
    ...verdicts.map(({ status, shift }) => (status === "critical" ? 1_000 : 0) + Math.min(999, shift)),
  );
}

function worstOf(verdicts: readonly Verdict[]): Verdict | undefined {
  return verdicts.toSorted((a, b) => severity([b]) - severity([a]))[0];
}

function fieldRow(status: ViewStatus, field: FieldSpec, verdicts: readonly Verdict[]): string {
  const worst = worstOf(verdicts);
  const word = verdicts.length === 0 ? "insufficient" : statusOf({ verdicts });
  const { sigma } = field.drift;
  const shifts = status.recent
    .slice(-60)
    .map(({ verdicts: all }) => worstOf(all.filter((verdict) => verdict.field === field.name))?.shift);
  const defaults = verdicts.find(({ statistic }) => statistic === "default_rate");
  return `<tr><th scope="row">${escapeHtml(field.name)} <small>${field.type}</small></th>
<td><span class="status-${word} pill">${word}</span></td>
<td>${worst === undefined ? "" : shiftBar(worst, sigma)}</td>
<td>${shiftLine(shifts, sigma, { width: 150, height: 34 }, field.name)}</td>
<td>${defaults === undefined ? "" : percent(defaults.observed)}</td>
<td>${distribution(field, status.baselineFields.get(field.name), status.fields.get(field.name))}</td></tr>`;
}

function shiftBar({ shift, statistic, summary }: Verdict, sigma: number): string {
  const share = Math.min(1, shift / (2 * sigma));
  const label = shift >= 1_000 ? "> 999" : number(shift);
  return `<div class="bar" title="${escapeHtml(summary)}"><meter min="0" max="1" high="0.5" optimum="0" value="${share.toFixed(3)}" aria-label="shift of ${escapeHtml(statistic)}">${label}</meter> ${label} SD <small>${escapeHtml(statistic)}</small></div>`;
}

function distribution(
  field: FieldSpec,
  baseline: FieldProfile | undefined,
  current: FieldProfile | undefined,
): string {
  const [before, now] = [baseline?.body, current?.body];
  const size = { width: 220, height: 40 };
  if (field.type === "string") {
    const known = field.mapping === undefined ? undefined : new Set(field.mapping.values);
    return categoryBars(
      before?.kind === "string" ? before.categories : undefined,
      now?.kind === "string" ? now.categories : undefined,
      known === undefined ? undefined : (value) => known.has(value),
      size,
      field.name,
    );
  }
  if (now?.kind === "bool") return `${percent(now.trues / Math.max(1, now.trues + now.falses))} true`;
  if (now?.kind === "embedding") return `norm ${number(now.norms.mean)}, ${now.nan} NaN`;
  return histogramOverlay(
    before?.kind === "numeric" ? before.histogram : undefined,
    now?.kind === "numeric" ? now.histogram : undefined,
    size,
    field.name,
  );
}

/** `3 Mar 04:14`, in UTC. */
function when(time: number): string {
  const iso = isoTime(time);
  const month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][
    Number(iso.slice(5, 7)) - 1
  ];
  return `${Number(iso.slice(8, 10))} ${month ?? ""} ${iso.slice(11, 16)}`;
}
