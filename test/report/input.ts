import assert from "node:assert/strict";
import type { FieldSpec } from "../../src/model/feature-view.ts";
import type { Segment, Verdict } from "../../src/model/verdict.ts";
import type { FieldProfile, WindowProfile } from "../../src/profile/profile.ts";
import { collectFindings } from "../../src/report/findings.ts";
import type { ReportInput } from "../../src/report/report-input.ts";
import { type Cell, profileOf, windowProfile } from "../judge/profiles.ts";
import { breach, featureView, fieldSpec, judgedMinute, minute, verdict } from "../judge/samples.ts";
import { alertOf, movedOf } from "../pipeline/outcomes.ts";

/** What a page, a script, a shell and Markdown would each take for something else than text. */
export const evil = '</style><script>alert("x")</script>`|\n[a](http://evil.test)@all #1 \u202egnp.exe';
export const location = fieldSpec("user_location", "string", {
  mapping: { values: ["US"], maxDefaultRate: 0.01 },
});
export const age = fieldSpec("age", "float64");
export const embedding = fieldSpec("taste", "embedding", { dimensions: 2 });

export interface InputOptions {
  readonly change?: Partial<ReportInput>;
  readonly fields?: readonly FieldSpec[];
  readonly windows?: number;
  /** Windows `[from, to)` in which `user_location` is critical. */
  readonly bad?: readonly [number, number];
}

function cellsOf({ type }: FieldSpec): readonly Cell[] {
  if (type === "string") return ["US", evil, evil];
  if (type === "embedding") return [[0, 1], [1, 0], [3, 4]]; // biome-ignore format: vectors
  return [1, 2, 3.5];
}

/** A run of one-minute windows, in some of which `user_location` misses the model's mapping, on node a7 and not on a8. */
export function inputOf(options: InputOptions = {}): ReportInput {
  const { change = {}, fields = [age, location, embedding], windows = 12, bad = [4, 8] } = options;
  const view = featureView(fields, { fingerprint: "sha256:spec", segments: ["node"] });
  const profiles = new Map(fields.map((field) => [field.name, profileOf(field, cellsOf(field))]));
  const well = new Map([...profiles, ["user_location", profileOf(location, ["US", "US"])]]);
  const collector = collectFindings(view, ({ fields: own }) =>
    [...own].map(([name, profile]) => judgedLocation(name, profile)),
  );
  const profileAt = (at: number, own: typeof well, segment: Segment | null = null): WindowProfile => ({
    ...windowProfile(view, own, segment),
    window: { start: at * minute, end: (at + 1) * minute },
    firstEvent: at * minute + 5_000,
    lastEvent: at * minute + 50_000,
  });
  for (let at = 0; at < windows; at++) {
    const isBad = at >= bad[0] && at < bad[1];
    const told = fields.map(({ name }) =>
      isBad && name === "user_location"
        ? breach({ field: name, statistic: "default_rate", shift: 39.6, summary: `99% are ${evil}` })
        : verdict({ field: name, shift: 0.3 }),
    );
    if (at === bad[0])
      collector.judged(judgedMinute(at, told, { asOf: at * minute + 16_000 }), profileAt(at, profiles));
    collector.judged(judgedMinute(at, told), profileAt(at, isBad ? profiles : well));
    for (const value of ["a7", "a8"]) {
      const segment = { field: "node", value };
      collector.judged(
        judgedMinute(at, [], { segment, rows: 400 }),
        profileAt(at, isBad && value === "a7" ? profiles : well, segment),
      );
    }
  }
  for (const status of ["firing", "resolved"] as const) {
    const outcome = alertOf({ status, time: (status === "firing" ? bad[0] : bad[1] + 1) * minute });
    assert(outcome.kind === "alert");
    collector.alert(outcome.alert);
  }
  for (const [from, to, time] of [
    ["closed", "open", bad[0] * minute + 16_000],
    ["open", "closed", (bad[1] + 1) * minute],
  ] as const) {
    const moved = movedOf(from, to, time);
    assert(moved.kind === "breaker");
    collector.breaker(moved.breaker, moved.transition);
  }
  return {
    view,
    sigma: undefined,
    baseline: {
      rows: 26_182,
      windows: 144,
      from: -86_400_000,
      to: 0,
      spec: "sha256:spec",
      toolVersion: "0.1.0",
    },
    baselineFields: well,
    findings: collector.findings(),
    summary: {
      partial: false,
      rows: 5_204,
      profiled: 5_200,
      late: 1,
      rejected: 2,
      deadLettered: 1,
      windows,
      alerts: { warning: 0, critical: 1 },
      breaker: {
        state: "closed",
        openedAt: "1970-01-01T00:04:16.000Z",
        closedAt: "1970-01-01T00:09:00.000Z",
        openings: 1,
        reasons: [{ summary: "19.4% of user_location are outside the mapping" }],
      },
    },
    events: [{ time: 4 * minute, text: `deploy of ${evil}` }],
    files: { spec: "a.yaml", baseline: "a.baseline.json", baselineDigest: "sha256:base" },
    command: "tidemark replay --spec a.yaml --input 'b c.arrow' --out out",
    toolVersion: "0.1.0",
    ...change,
  };
}

function judgedLocation(name: string, { body, rows }: FieldProfile): Verdict {
  if (body.kind !== "string" || body.mappingMisses === 0) return verdict({ field: name, rows, shift: 0.1 });
  return breach({ field: name, statistic: "default_rate", rows, shift: 26, summary: "66% are unknown" });
}
