import type { FieldSpec } from "../model/feature-view.ts";
import { formatDuration, isoTime } from "../model/time.ts";
import { breakable, count, escapeHtml, number } from "./html.ts";
import type { ReportInput } from "./report-input.ts";

/** What was judged, against what, by which tool, and how to do it again. */
export function provenance(input: ReportInput): string {
  const items = provenanceLines(input).map(
    ([name, text]) => `<div><dt>${name}</dt><dd>${escapeHtml(text)}</dd></div>`,
  );
  const fields = input.view.fields.map(
    (field) =>
      `<tr><th scope="row">${breakable(field.name)}</th><td>${field.type}</td><td>${escapeHtml(rulesOf(field).join(", "))}</td></tr>`,
  );
  return `<section id="made"><h2>How this was made</h2><dl class="made">${items.join("")}</dl>
<details><summary>the spec, field by field</summary><div class="scroll" role="region" tabindex="0" aria-label="the spec"><table><thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">rules</th></tr></thead><tbody>${fields.join("\n")}</tbody></table></div></details>
<p class="soft">The same verdicts again, to the bit:</p><pre>${escapeHtml(input.command)}</pre></section>`;
}

/** Name and text, for every format that is read by people. */
export function provenanceLines(input: ReportInput): readonly (readonly [string, string])[] {
  const { view, baseline, files, toolVersion, sigma, findings } = input;
  const [first, last] = [findings.cells[0], findings.cells.at(-1)];
  const models = view.models.map(({ name, version, gitSha, weights }) =>
    [name, version, gitSha, weights].filter((part) => part !== undefined).join(" "),
  );
  const made =
    baseline === undefined
      ? "none: only hard rules were judged"
      : `${files.baseline}: ${count(baseline.rows)} rows in ${count(baseline.windows)} windows, ${isoTime(baseline.from)} to ${isoTime(baseline.to)}, built by tidemark ${baseline.toolVersion} with ${baseline.spec === view.fingerprint ? "this spec" : `another spec, ${baseline.spec}`}; ${files.baselineDigest}`;
  const line =
    sigma === undefined
      ? `${number(view.drift.sigma)} standard deviations`
      : `${number(sigma)} standard deviations, instead of the spec’s ${number(view.drift.sigma)}`;
  return [
    ["spec", `${files.spec}: ${view.name} version ${view.version}, ${view.fingerprint}`],
    ["baseline", made],
    ...(first === undefined || last === undefined
      ? []
      : [
          [
            "data",
            `windows of ${formatDuration(view.window.sizeMs)} from ${isoTime(first.window.start)} to ${isoTime(last.window.end)}`,
          ] as const,
        ]),
    ...(models.length === 0 ? [] : [["models", models.join("; ")] as const]),
    ["line", `${line}, at least ${count(view.breaker.minRows)} rows`],
    ["tool", `tidemark ${toolVersion}`],
  ];
}

/** What a spec asks of a field, in a few words each. */
export function rulesOf(field: FieldSpec): readonly string[] {
  const { mapping, range, pattern, max, limit, maxEmptyRate, dimensions, derive, drift, taints } = field;
  const rules = [
    field.nullable ? "" : "not null",
    mapping === undefined
      ? ""
      : `mapping of ${count(mapping.values.length)} values, at most ${number(100 * mapping.maxDefaultRate)}% others`,
    range === undefined ? "" : `from ${number(range[0])} to ${number(range[1])}`,
    pattern === undefined ? "" : `pattern ${pattern}`,
    field.finite ? "finite" : "",
    max === undefined
      ? ""
      : `at most ${number(max)}${taints === undefined ? "" : `, or its ${taints} is tainted`}`,
    limit === undefined ? "" : `limit ${number(limit)}`,
    maxEmptyRate === undefined ? "" : `at most ${number(100 * maxEmptyRate)}% empty`,
    dimensions === undefined ? "" : `${count(dimensions)} dimensions`,
    derive === undefined ? "" : `${derive.to} − ${derive.from}`,
    drift.statistic === undefined ? "" : `judged by ${drift.statistic.name}`,
    `line at ${number(drift.sigma)} SD`,
  ];
  return rules.filter((rule) => rule !== "");
}
