import type { FieldSpec } from "../../model/feature-view.ts";
import type { JudgedWindow, Verdict } from "../../model/verdict.ts";
import type { ViewStatus } from "../../pipeline/board.ts";
import { distributionChart } from "../../report/distribution.ts";
import { clock, count, escapeHtml, percent, shiftText, when } from "../../report/html.ts";
import { statusOf, statusRank, worstOf } from "../../report/status.ts";
import { distributionLegend } from "../../report/style.ts";
import { shiftBar, shiftLine } from "../../report/timeline.ts";

/** Fields drawn, the worst first; the others are at `/v1/verdicts`. */
const fieldsShown = 200;
/** Windows of a sparkline. */
const shiftsShown = 72;

interface Row {
  readonly field: FieldSpec;
  readonly verdicts: readonly Verdict[];
  readonly shifts: readonly { readonly time: number; readonly shift: number | undefined }[];
}

/** Every field: what is worst about it now, how that came, and what its values look like against the baseline. */
export function fieldTable(status: ViewStatus): string {
  const judged = shownWindow(status);
  const rows = rowsOf(status, judged).sort(bySeverity);
  const name = escapeHtml(status.view.name);
  const more =
    rows.length > fieldsShown
      ? `<p class="soft">and ${count(rows.length - fieldsShown)} more fields at <a href="/v1/verdicts?view=${encodeURIComponent(status.view.name)}">/v1/verdicts</a></p>`
      : "";
  return `<div class="heading"><h3>Fields <small>${judged === undefined ? "nothing judged yet" : windowText(judged)}</small></h3><ul class="legend">${distributionLegend}</ul></div>
<div class="scroll" role="region" tabindex="0" aria-label="fields of ${name}"><table class="fields">
<thead><tr><th scope="col">field</th><th scope="col">status</th><th scope="col">shift <small>in SD of the baseline</small></th><th scope="col">over time</th><th scope="col" class="number">default cases</th><th scope="col">distribution</th></tr></thead>
<tbody>${rows
    .slice(0, fieldsShown)
    .map((row) => fieldRow(status, row))
    .join("\n")}</tbody></table></div>${more}`;
}

/** The judgement that the fields are shown by: that of an open window only when it is critical already. */
function shownWindow({ latest, recent }: ViewStatus): JudgedWindow | undefined {
  if (latest !== undefined && !latest.final && statusOf(latest) === "critical") return latest;
  return recent.at(-1) ?? latest;
}

/** `Tue 3 Mar 08:00–08:20, 104 rows`. */
function windowText({ window, rows, final }: JudgedWindow): string {
  return `${when(window.start)}–${clock(window.end)}, ${count(rows)} rows${final ? "" : " so far"}`;
}

function rowsOf({ view, recent }: ViewStatus, judged: JudgedWindow | undefined): Row[] {
  const now = Map.groupBy(judged?.verdicts ?? [], ({ field }) => field);
  const past = recent.slice(-shiftsShown).map(({ window, verdicts }) => {
    const shifts = new Map<string | null, number>();
    for (const { field, shift, status } of verdicts) {
      if (status !== "insufficient") shifts.set(field, Math.max(shifts.get(field) ?? 0, shift));
    }
    return { time: window.start, shifts };
  });
  return view.fields.map((field) => ({
    field,
    verdicts: now.get(field.name) ?? [],
    shifts: past.map(({ time, shifts }) => ({ time, shift: shifts.get(field.name) })),
  }));
}

/** What is wrong now stands first, then what was far off lately, then the rest as the spec has it. */
function bySeverity(a: Row, b: Row): number {
  const byStatus = statusRank[statusOf(b)] - statusRank[statusOf(a)];
  return byStatus || recentlyFar(b) - recentlyFar(a);
}

function recentlyFar({ field, shifts }: Row): number {
  return shifts.filter(({ shift }) => shift !== undefined && shift >= field.drift.sigma).length;
}

function fieldRow(status: ViewStatus, { field, verdicts, shifts }: Row): string {
  const { sigma } = field.drift;
  const worst = worstOf(verdicts);
  const word = verdicts.length === 0 ? "insufficient" : statusOf({ verdicts });
  const size = { width: 160, height: 36 };
  const defaults = verdicts.find(({ statistic }) => statistic === "default_rate");
  const picture = { size: { width: 270, height: 42 }, axis: false };
  const chart = distributionChart(
    field,
    status.baselineFields.get(field.name),
    status.fields.get(field.name),
    picture,
  );
  return `<tr><th scope="row">${escapeHtml(field.name)} <small>${field.type}</small></th>
<td><span class="pill ${word}">${word}</span></td>
<td>${worst === undefined ? "" : shiftCell(worst, sigma)}</td>
<td>${shiftLine(shifts, { name: field.name, sigma, size })}</td>
<td class="number">${defaults === undefined ? "" : percent(defaults.observed)}</td>
<td>${chart}${nonFiniteOf(status, field)}</td></tr>`;
}

function shiftCell({ shift, statistic, status, summary }: Verdict, sigma: number): string {
  const told = status === "ok" || status === "insufficient" ? "" : `<small>${escapeHtml(summary)}</small>`;
  return `<div class="shift">${shiftBar(shift, sigma, { width: 96, height: 14 })}<span>${shiftText(shift)}</span><small>${statistic}</small></div>${told}`;
}

function nonFiniteOf({ fields }: ViewStatus, { name }: FieldSpec): string {
  const body = fields.get(name)?.body;
  if (body?.kind !== "numeric" && body?.kind !== "embedding") return "";
  const infinite = body.positiveInfinity + body.negativeInfinity;
  if (body.nan + infinite === 0) return "";
  return `<small class="bad">${count(body.nan)} NaN, ${count(infinite)} infinite</small>`;
}
