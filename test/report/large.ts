import type { FieldSpec, FieldType } from "../../src/model/feature-view.ts";
import type { StatisticName } from "../../src/model/verdict.ts";
import { collectFindings } from "../../src/report/findings.ts";
import type { ReportInput } from "../../src/report/report-input.ts";
import { type Cell, profileOf, windowProfile } from "../judge/profiles.ts";
import { breach, featureView, fieldSpec, judgedMinute, minute, verdict } from "../judge/samples.ts";
import { alertOf } from "../pipeline/outcomes.ts";
import { inputOf } from "./input.ts";

const types: readonly FieldType[] = ["string", "float64", "embedding", "bool", "float64"];
const statistics: readonly StatisticName[] = [
  "location",
  "spread",
  "categories",
  "default_rate",
  "null_rate",
];
/** 80 characters of three bytes each. */
const long = (at: number): string => `${"値は長い".repeat(20)}`.slice(0, 76) + String(1_000 + at);

function specOf(at: number, of: readonly FieldType[]): FieldSpec {
  const type = of[at % of.length] ?? "bool";
  return fieldSpec(`feature_with_a_rather_long_name_${at}`, type, {
    ...(type === "string" ? { mapping: { values: ["a"], maxDefaultRate: 0.01 } } : {}),
    ...(type === "embedding" ? { dimensions: 64 } : {}),
  });
}

function cellsOf({ type }: FieldSpec): readonly Cell[] {
  if (type === "string") return Array.from({ length: 40 }, (_, at) => long(at));
  if (type === "bool") return [true, false, true];
  if (type === "embedding")
    return Array.from({ length: 20 }, (_, row) => Array.from({ length: 64 }, (_, at) => Math.sin(row * at)));
  return Array.from({ length: 300 }, (_, at) => 1_000 * Math.exp(Math.sin(at * 7.3)));
}

/** 50 fields, all of them bad in every statistic now and then over days, 100 segments, more alerts than are kept. */
export function largeInput(windows: number, of: readonly FieldType[] = types): ReportInput {
  const fields = Array.from({ length: 50 }, (_, at) => specOf(at, of));
  const view = featureView(fields, { segments: ["node", "model_version"] });
  const profiles = new Map(fields.map((field) => [field.name, profileOf(field, cellsOf(field))]));
  const collector = collectFindings(view, ({ fields: own }) =>
    [...own.keys()].map((field) => breach({ field, summary: long(0) })),
  );
  for (let at = 0; at < windows; at++) {
    const window = { start: at * minute, end: (at + 1) * minute };
    const told = fields.flatMap(({ name: field }, f) =>
      statistics.map((statistic, s) =>
        (at * 7 + f + s * 3) % 11 < 2
          ? breach({ field, statistic, shift: 2 + ((at * 31 + f * 7 + s) % 97) / 3, summary: long(s) })
          : verdict({ field, statistic, shift: ((at * 17 + f * 5 + s) % 41) / 23 }),
      ),
    );
    collector.judged(judgedMinute(at, told), { ...windowProfile(view, profiles), window });
    if (at > 0) continue;
    for (const field of view.segments)
      for (let value = 0; value < 50; value++) {
        const segment = { field, value: `value-${value}` };
        const profile = { ...windowProfile(view, profiles, segment), window };
        collector.judged(judgedMinute(at, [], { segment }), profile);
      }
  }
  for (let at = 0; at < 300; at++) {
    const own = { field: fields[at % 50]?.name ?? null, time: at * minute, summary: long(at) };
    const outcome = alertOf({ ...own, fingerprint: String(at) });
    if (outcome.kind === "alert") collector.alert(outcome.alert);
  }
  return { ...inputOf(), view, baselineFields: profiles, findings: collector.findings() };
}
