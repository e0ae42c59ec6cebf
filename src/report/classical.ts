import type { FieldSpec } from "../model/feature-view.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { measureAll } from "../statistics/measure.ts";
import { pairOf } from "../statistics/pair.ts";
import { sampleOf } from "../statistics/profiled.ts";
import { classicalStatistics } from "../statistics/table.ts";
import { escapeHtml, number } from "./html.ts";

/** Every classical statistic of a window against the baseline that fits the field; empty where none does. */
export function classicalTable(
  field: FieldSpec,
  baseline: FieldProfile | undefined,
  current: FieldProfile | undefined,
): string {
  if (baseline === undefined || current === undefined || field.type === "timestamp") return "";
  const [reference, sample] = [sampleOf(baseline), sampleOf(current)];
  const pair = reference === undefined || sample === undefined ? undefined : pairOf(reference, sample);
  if (pair === undefined) return "";
  const measured = measureAll(pair);
  const rows = classicalStatistics.flatMap(({ name, title, units }) => {
    const found = measured.get(name);
    if (found === undefined) return [];
    const p = found.logP === undefined ? "" : number(Math.exp(found.logP));
    return `<tr><th scope="row">${name} <small>${escapeHtml(title)}</small></th><td class="number">${number(found.value)}</td><td>${units === "none" ? "" : escapeHtml(units)}</td><td class="number">${p}</td></tr>`;
  });
  return `<details><summary>classical statistics</summary><div class="scroll" role="region" tabindex="0" aria-label="classical statistics of ${escapeHtml(field.name)}"><table><thead><tr><th scope="col">${escapeHtml(field.name)}</th><th scope="col" class="number">value</th><th scope="col">unit</th><th scope="col" class="number">p-value</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></details>`;
}
