import { rolloutsOf } from "../../judge/rollout.ts";
import { formatDuration } from "../../model/time.ts";
import { type Alert, segmentKey } from "../../model/verdict.ts";
import type { Board, ViewStatus } from "../../pipeline/board.ts";
import { twice } from "../../report/figure.ts";
import { clock, count, escapeHtml, span, timeTag } from "../../report/html.ts";
import { statusOf } from "../../report/status.ts";
import { windowStrip } from "../../report/timeline.ts";
import { fieldTable } from "./fields.ts";

/** Windows drawn; older ones are at `/v1/windows`. */
const windowsShown = 240;
const alertsShown = 30;
const segmentsShown = 60;
const [versionsShown, shardsShown] = [5, 8];
const states = {
  closed: { word: "closed", gate: "the gate answers 200: fine to ask the model" },
  "half-open": { word: "half-open", gate: "the gate answers 200 again, on probation" },
  open: { word: "OPEN", gate: "the gate answers 503: don’t ask the model" },
} as const;

/** The whole page, rendered on the server: it says what it has to say without a script. */
export function renderDashboard(board: Board, version: string): string {
  const views = board.views();
  const alerts = board.activeAlerts();
  const open = views.filter(({ breaker }) => breaker.state === "open").length;
  const title = open > 0 ? `● ${open} open · tidemark` : "tidemark";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="${icon(open > 0 ? "b91c26" : "2a7a57")}">
<link rel="stylesheet" href="/dashboard.css">
<script src="/dashboard.js" defer></script>
</head>
<body>
<header>
<div><h1>tidemark</h1><p>where each feature normally stands, and when it no longer does</p></div>
<nav aria-label="other faces"><a href="/health">health</a> <a href="/metrics">metrics</a> <a href="/openapi.json">API</a> <small>v${escapeHtml(version)}</small> <span id="live" class="pill" role="status">reload to update</span></nav>
</header>
<main id="board">
${troubles(board)}${views.length === 0 ? `<p class="calm">No feature view is watched: there is no spec.</p>` : ""}${views.length > 1 ? overview(views) : ""}
${views.map((status) => viewSection(status, alerts)).join("\n")}
</main>
</body>
</html>
`;
}

/** A tide line in a colour. */
function icon(colour: string): string {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='8' fill='%23${colour}'/><path d='M2 9q3-4 6 0t6 0' fill='none' stroke='white' stroke-width='2'/></svg>`;
  return `data:image/svg+xml,${svg.replaceAll("<", "%3C").replaceAll(">", "%3E").replaceAll(" ", "%20")}`;
}

function troubles(board: Board): string {
  const all = [...board.troubles()];
  if (!board.ready()) all.unshift(["starting", "the state has not been restored yet"]);
  if (all.length === 0) return "";
  const items = all.map(([name, text]) => `<li><b>${escapeHtml(name)}</b> ${escapeHtml(text)}</li>`);
  return `<section class="troubles" aria-label="tidemark itself is not well"><h2>tidemark itself is not well</h2><ul>${items.join("")}</ul></section>`;
}

function overview(views: readonly ViewStatus[]): string {
  const items = views.map(({ view, breaker }) => {
    const name = escapeHtml(view.name);
    return `<li class="${breaker.state}"><span class="lamp" aria-hidden="true"></span><a href="#${anchorOf(view.name)}">${name}</a> ${states[breaker.state].word}</li>`;
  });
  return `<nav class="overview" aria-label="feature views"><ul>${items.join("")}</ul></nav>`;
}

function anchorOf(name: string): string {
  return `view-${encodeURIComponent(name)}`;
}

function viewSection(status: ViewStatus, alerts: readonly Alert[]): string {
  const { view, breaker, counts, baseline, lastEvent } = status;
  const own = alerts.filter(({ featureView }) => featureView === view.name);
  const heading = anchorOf(view.name);
  const owner = view.owner === undefined ? "" : ` · ${escapeHtml(view.owner)}`;
  const models = view.models.map(
    ({ name, version, gitSha }) =>
      `${escapeHtml(name)} ${escapeHtml(version ?? "")} <code>${escapeHtml(gitSha ?? "no git hash")}</code>`,
  );
  return `<section class="view" aria-labelledby="${heading}">
<div class="top ${breaker.state}">
<div><h2 id="${heading}">${escapeHtml(view.name)} <small>version ${view.version}${owner}</small></h2>
<p class="reason">${reasonOf(status)}</p>
${otherReasons(status)}</div>
<div class="breaker"><p><span class="lamp" aria-hidden="true"></span>breaker <strong>${states[breaker.state].word}</strong></p>
<p class="soft"><a href="/v1/gate/${encodeURIComponent(view.name)}">${states[breaker.state].gate}</a></p></div>
</div>
<dl class="counts">
${tile("profiled", counts.profiled)}${tile("late", counts.late)}${tile("rejected", counts.rejected, true)}${tile("dead letters", counts.deadLettered, true)}${tile("alerts firing", own.length, true)}
<div><dt>last event</dt><dd>${lastEvent === undefined ? "none yet" : timeTag(lastEvent)}</dd></div>
<div><dt>baseline</dt><dd>${baseline === undefined ? "none: only hard rules" : `${count(baseline.rows)} rows <small>${span(baseline.to - baseline.from)}</small>`}</dd></div>
${models.length === 0 ? "" : `<div><dt>feeds</dt><dd class="models">${models.join("<br>")}</dd></div>`}
</dl>
${rollouts(status)}
${timeline(status)}
${segmentList(status)}
${alertList(own, view.name)}
${fieldTable(status)}
</section>`;
}

/** Only what is split: that all rows belong to one version is what everybody expects. */
function rollouts({ view, fields }: ViewStatus): string {
  const split = rolloutsOf(view, fields).filter((rollout) => rollout.split);
  if (split.length === 0) return "";
  const items = split.map(({ column, versions }) => {
    const texts = versions.slice(0, versionsShown).map(({ version, linked, rows, shards }) => {
      const more = shards.length > shardsShown ? ` and ${shards.length - shardsShown} more` : "";
      const where = linked ? "linked" : `on ${shards.slice(0, shardsShown).join(", ")}${more}`;
      return `<code>${escapeHtml(version)}</code> ${count(rows)} rows, ${escapeHtml(where)}`;
    });
    const others = versions.length > versionsShown ? ` · and ${versions.length - versionsShown} more` : "";
    return `<li><b>${escapeHtml(column)}</b> ${texts.join(" · ")}${others}</li>`;
  });
  return `<div class="rollouts"><h3>Split rollout <small>in the newest closed window</small></h3><ul>${items.join("")}</ul></div>`;
}

function tile(name: string, value: number, isBad = false): string {
  return `<div><dt>${name}</dt><dd${isBad && value > 0 ? ' class="bad"' : ""}>${count(value)}</dd></div>`;
}

function reasonOf({ breaker }: ViewStatus): string {
  if (breaker.state === "closed") {
    return breaker.history.length === 0
      ? "Nothing has opened it."
      : `Closed again since ${timeTag(breaker.since)}.`;
  }
  const since = `Since ${timeTag(breaker.openedAt ?? breaker.since)}: `;
  return `${since}<b>${escapeHtml(breaker.reasons[0]?.summary ?? "opened by hand")}</b>`;
}

function otherReasons({ view, breaker }: ViewStatus): string {
  const others = breaker.state === "closed" ? [] : breaker.reasons.slice(1);
  if (others.length === 0) return "";
  const items = others.map(({ summary }) => `<li>${escapeHtml(summary)}</li>`).join("");
  return `<details id="reasons-${encodeURIComponent(view.name)}"><summary>and ${others.length} more reason${others.length === 1 ? "" : "s"}</summary><ul>${items}</ul></details>`;
}

function timeline({ view, recent, breaker }: ViewStatus): string {
  const shown = recent.slice(-windowsShown);
  const [first, last] = [shown[0], shown.at(-1)];
  if (first === undefined || last === undefined) {
    return `<p class="soft">No window of ${formatDuration(view.window.sizeMs)} has closed yet.</p>`;
  }
  const cells = shown.map((judged) => ({ window: judged.window, status: statusOf(judged) }));
  const strip = twice((width) => windowStrip(cells, breaker.history, { width, height: 52 }));
  return `<div class="strip"><h3>${shown.length} closed windows of ${formatDuration(view.window.sizeMs)}</h3>${strip}
<ul class="legend"><li><i class="ok"></i>ok</li><li><i class="warning"></i>warning</li><li><i class="critical"></i>critical</li><li><i></i>too few rows to tell</li><li>▼ the breaker moved</li></ul></div>`;
}

function segmentList({ segments }: ViewStatus): string {
  const notClosed = [...segments].filter(([, { state }]) => state !== "closed");
  if (segments.size === 0) return "";
  if (notClosed.length === 0) return `<p class="soft">All ${segments.size} segments are closed.</p>`;
  const chips = notClosed
    .slice(0, segmentsShown)
    .map(
      ([key, { state, since }]) =>
        `<li class="${state}"><span class="lamp" aria-hidden="true"></span>${escapeHtml(key)} <small>${state} since ${clock(since)}</small></li>`,
    );
  const more =
    notClosed.length > segmentsShown ? `<li>and ${notClosed.length - segmentsShown} more</li>` : "";
  return `<div class="segments"><h3>Segments that are not closed <small>${notClosed.length} of ${segments.size}</small></h3><ul>${chips.join("")}${more}</ul></div>`;
}

function alertList(alerts: readonly Alert[], view: string): string {
  if (alerts.length === 0) return `<p class="calm">No alert fires.</p>`;
  const rows = alerts.slice(0, alertsShown).map((alert) => {
    const { alertname, field, severity, segment, startsAt, summary } = alert;
    const place = segment === null ? "" : `<br><small>${escapeHtml(segmentKey(segment))}</small>`;
    return `<tr class="${severity}"><th scope="row">${alertname}</th><td>${escapeHtml(field ?? "all fields")}${place}</td><td>${escapeHtml(summary)}${exampleOf(alert)}</td><td>${timeTag(startsAt)}</td></tr>`;
  });
  const more =
    alerts.length > alertsShown
      ? `<p class="soft">and ${alerts.length - alertsShown} more at <a href="/v1/alerts">/v1/alerts</a></p>`
      : "";
  return `<h3>Firing</h3><div class="scroll" role="region" tabindex="0" aria-label="alerts of ${escapeHtml(view)}"><table class="alerts"><thead><tr><th scope="col">alert</th><th scope="col">where</th><th scope="col">what</th><th scope="col">since</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>${more}`;
}

/** An offending value, unless the sentence has named it, and the request that brought it. */
function exampleOf({ example, summary }: Alert): string {
  if (example === undefined) return "";
  const told = summary.includes(example.value.slice(0, 24));
  const value = told ? "" : `e.g. <code>${escapeHtml(example.value)}</code> `;
  const request =
    example.requestId === undefined ? "" : `in request <code>${escapeHtml(example.requestId)}</code>`;
  return ` <span class="example">${value}${request}</span>`;
}
