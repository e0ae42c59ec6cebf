import { segmentKey, type Verdict } from "../model/verdict.ts";
import { breakable, count, escapeHtml, percent, timeTag } from "./html.ts";
import { distanceOf, type ReportInput } from "./report-input.ts";
import type { SegmentFindings } from "./segment-findings.ts";
import { shiftBar } from "./timeline.ts";

/** Fields that stand side by side, and values of one segment field. */
const [fieldsMax, valuesMax] = [6, 60];

/** Which model version, which node: state and shift side by side, over the windows in which each field was bad. */
export function segmentTables(input: ReportInput): string {
  const { view, findings } = input;
  const [whole, ...segments] = findings.segments;
  if (whole === undefined || segments.length === 0) return "";
  const fields = [...whole.compared.keys()].slice(0, fieldsMax);
  const tables = view.segments.map((name) => {
    const own = segments.filter(({ segment }) => segment?.field === name);
    return own.length === 0 ? "" : segmentTable(input, name, whole, own, fields);
  });
  const explained =
    fields.length === 0
      ? "No field was critical in any of them."
      : "The rows of all windows in which a field was critical, put together and judged as one window: a single window of one segment has few rows.";
  return `<section id="segments"><h2>Which model version, which node</h2><p class="soft">${explained}</p>${tables.join("\n")}</section>`;
}

function segmentTable(
  { view, sigma }: ReportInput,
  name: string,
  whole: SegmentFindings,
  segments: readonly SegmentFindings[],
  fields: readonly string[],
): string {
  const lines = new Map(view.fields.map(({ name: field, drift }) => [field, sigma ?? drift.sigma]));
  const rows = [whole, ...segments.slice(0, valuesMax)].map((segment) => {
    const cells = fields.map((field) => comparedCell(segment.compared.get(field), lines.get(field) ?? 2));
    const value = segment.segment === null ? "all" : segment.segment.value;
    return `<tr${segment.segment === null ? ' class="all"' : ""}><th scope="row">${breakable(value)}</th><td class="number">${count(segment.rows)} <small>${percent(segment.rows / Math.max(1, whole.rows))}</small></td><td>${stateOf(segment)}</td>${cells.join("")}</tr>`;
  });
  const left = segments.length - valuesMax;
  const more = left > 0 ? `<p class="soft">and ${count(left)} more values of ${escapeHtml(name)}</p>` : "";
  return `<div class="scroll" role="region" tabindex="0" aria-label="by ${escapeHtml(name)}"><table class="segments"><thead><tr><th scope="col">${breakable(name)}</th><th scope="col" class="number">rows</th><th scope="col">breaker</th>${fields.map((field) => `<th scope="col">${breakable(field)}</th>`).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>${more}`;
}

function stateOf({ state, openedAt }: SegmentFindings): string {
  if (openedAt === undefined) return `<span class="pill ok">stayed closed</span>`;
  const pill = state === "open" ? "critical" : "warning";
  return `<span class="pill ${pill}">${state === "closed" ? "opened" : state}</span> <small>${timeTag(openedAt)}</small>`;
}

function comparedCell(verdict: Verdict | undefined, sigma: number): string {
  if (verdict === undefined) return `<td class="soft">–</td>`;
  const { status, shift, statistic, rows } = verdict;
  if (status === "insufficient") return `<td class="soft">${count(rows)} rows: too few</td>`;
  return `<td class="compared ${status}"><b>${distanceOf(verdict, sigma)}</b>${shiftBar(shift, sigma, { width: 80, height: 12 })}<small>${statistic}<span class="unseen">, ${status}</span></small></td>`;
}

/** `model_version:v4.1`, for text without tables. */
export function nameOf({ segment }: Pick<SegmentFindings, "segment">): string {
  return segment === null ? "all" : segmentKey(segment);
}
