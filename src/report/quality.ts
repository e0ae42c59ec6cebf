import { breakable, count, escapeHtml, percent } from "./html.ts";
import type { ReportInput } from "./report-input.ts";

/** Every row that broke a rule of the spec, whatever a verdict made of it. */
export function qualityTable({ view, findings }: ReportInput): string {
  const rules = new Set([...findings.fields.values()].flatMap(({ rules: own }) => [...own.keys()]));
  const columns = [...rules].sort();
  const told = view.fields.filter(({ name }) => {
    const field = findings.fields.get(name);
    return field !== undefined && (field.nulls > 0 || field.rules.size > 0);
  });
  const rest = `${view.fields.length - told.length} of ${view.fields.length} fields have no null and break no rule.`;
  if (told.length === 0)
    return `<section id="quality"><h2>Data quality</h2><p class="calm">${rest}</p></section>`;
  const rows = told.map(({ name, type }) => {
    const field = findings.fields.get(name);
    const cells = columns.map((rule) => {
      const hit = field?.rules.get(rule);
      if (hit === undefined || hit.count === 0) return `<td class="number soft">0</td>`;
      const value = hit.example === undefined ? "" : `<br><small>${escapeHtml(hit.example.value)}</small>`;
      return `<td class="number"><b>${count(hit.count)}</b>${value}</td>`;
    });
    return `<tr><th scope="row">${breakable(name)} <small>${type}</small></th><td class="number">${count(field?.rows ?? 0)}</td><td class="number">${count(field?.nulls ?? 0)} <small>${percent((field?.nulls ?? 0) / Math.max(1, field?.rows ?? 0))}</small></td>${cells.join("")}</tr>`;
  });
  return `<section id="quality"><h2>Data quality</h2><details open><summary>Rows that break a rule of the spec, over all closed windows, with the first offending value</summary><div class="scroll" role="region" tabindex="0" aria-label="data quality"><table class="quality"><thead><tr><th scope="col">field</th><th scope="col" class="number">rows</th><th scope="col" class="number">nulls</th>${columns.map((rule) => `<th scope="col" class="number">${rule}</th>`).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div></details><p class="soft">${rest}</p></section>`;
}
