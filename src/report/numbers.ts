import type { FieldSpec } from "../model/feature-view.ts";
import type { FieldProfile, NumericBody } from "../profile/profile.ts";
import { quantile } from "../sketch/histogram.ts";
import { deviation } from "../sketch/moments.ts";
import { categoryRows } from "./distribution.ts";
import { count, escapeHtml, number, percent, when } from "./html.ts";

const valuesShown = 10;

/** The numbers behind a picture, for those who cannot see it or don't trust it: baseline and window side by side. */
export function numbersTable(
  field: FieldSpec,
  baseline: FieldProfile | undefined,
  current: FieldProfile | undefined,
): string {
  const rows = rowsOf(field, baseline, current);
  if (rows.length === 0) return "";
  const lines = rows.map(
    ([name, before, now]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td class="number">${escapeHtml(before)}</td><td class="number">${escapeHtml(now)}</td></tr>`,
  );
  return `<details><summary>numbers</summary><div class="scroll" role="region" tabindex="0" aria-label="numbers of ${escapeHtml(field.name)}"><table><thead><tr><th scope="col">${escapeHtml(field.name)}</th><th scope="col" class="number">baseline</th><th scope="col" class="number">window</th></tr></thead><tbody>${lines.join("")}</tbody></table></div></details>`;
}

type Row = readonly [name: string, before: string, now: string];

function rowsOf(
  field: FieldSpec,
  baseline: FieldProfile | undefined,
  current: FieldProfile | undefined,
): readonly Row[] {
  const profiles = [baseline, current] as const;
  const row = (name: string, read: (profile: FieldProfile) => string): Row => {
    const [before, now] = profiles.map((profile) => (profile === undefined ? "" : read(profile)));
    return [name, before ?? "", now ?? ""];
  };
  if (baseline === undefined && current === undefined) return [];
  const general = [
    row("rows", ({ rows }) => count(rows)),
    row("nulls", ({ nulls, rows }) => `${count(nulls)} (${percent(nulls / Math.max(1, rows))})`),
  ];
  return [...general, ...ownRows(field, profiles, row)];
}

function ownRows(
  field: FieldSpec,
  [baseline, current]: readonly [FieldProfile | undefined, FieldProfile | undefined],
  row: (name: string, read: (profile: FieldProfile) => string) => Row,
): readonly Row[] {
  const kind = current?.body.kind ?? baseline?.body.kind;
  switch (kind) {
    case undefined:
      return [];
    case "numeric": {
      const text = field.type === "timestamp" ? when : number;
      const read = (of: (body: NumericBody) => string) => (profile: FieldProfile) =>
        profile.body.kind === "numeric" && profile.body.moments.count > 0 ? of(profile.body) : "";
      return [
        row(
          "mean",
          read(({ moments }) => text(moments.mean)),
        ),
        ...(field.type === "timestamp"
          ? []
          : [
              row(
                "standard deviation",
                read(({ moments }) => number(deviation(moments))),
              ),
            ]),
        row(
          "minimum",
          read(({ moments }) => text(moments.min)),
        ),
        ...[0.01, 0.25, 0.5, 0.75, 0.99].map((q) =>
          row(
            `${q * 100}% lie below`,
            read(({ histogram }) => text(quantile(histogram, q))),
          ),
        ),
        row(
          "maximum",
          read(({ moments }) => text(moments.max)),
        ),
        row(
          "NaN",
          read(({ nan }) => count(nan)),
        ),
        row(
          "infinite",
          read((body) => count(body.positiveInfinity + body.negativeInfinity)),
        ),
      ];
    }
    case "string": {
      const [before, now] = [baseline?.body, current?.body];
      const rows = categoryRows(
        field,
        before?.kind === "string" ? before : undefined,
        now?.kind === "string" ? now : undefined,
        valuesShown,
      );
      return rows.map(({ value, before: was, now: is, unknown }) => [
        `“${value}”${unknown ? " (not in the mapping)" : ""}`,
        was === undefined ? "" : percent(was),
        is === undefined ? "" : percent(is),
      ]);
    }
    case "bool":
      return [
        row("true", ({ body }) =>
          body.kind === "bool" ? percent(body.trues / Math.max(1, body.trues + body.falses)) : "",
        ),
      ];
    case "embedding":
      return [
        row("vectors", ({ body }) => (body.kind === "embedding" ? count(body.vectors) : "")),
        row("mean over dimensions", ({ body }) =>
          body.kind === "embedding" && body.vectors > 0
            ? number(body.means.reduce((sum, mean) => sum + mean, 0) / body.dimensions)
            : "",
        ),
        row("mean length", ({ body }) => (body.kind === "embedding" ? number(body.norms.mean) : "")),
        row("with NaN", ({ body }) => (body.kind === "embedding" ? count(body.nan) : "")),
        row("with infinity", ({ body }) =>
          body.kind === "embedding" ? count(body.positiveInfinity + body.negativeInfinity) : "",
        ),
      ];
  }
}
