import type { FeatureView, FieldSpec, FieldType } from "../../src/model/feature-view.ts";
import type { JudgedWindow, Segment, Verdict } from "../../src/model/verdict.ts";

/** A field as the spec's defaults leave it. */
export function fieldSpec(name: string, type: FieldType, own: Partial<FieldSpec> = {}): FieldSpec {
  return {
    name,
    type,
    nullable: true,
    mapping: undefined,
    pattern: undefined,
    range: undefined,
    finite: false,
    max: undefined,
    taints: undefined,
    limit: undefined,
    trendWarnBeforeMs: undefined,
    maxEmptyRate: undefined,
    dimensions: undefined,
    derive: undefined,
    drift: { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" },
    ...own,
  };
}

export function featureView(fields: readonly FieldSpec[], own: Partial<FeatureView> = {}): FeatureView {
  return {
    name: "reco_user",
    version: 4,
    owner: "reco-platform",
    models: [],
    source: { topic: undefined, format: "auto", eventTime: "event_time", requestId: undefined },
    window: { sizeMs: minute, latenessMs: 30_000, minRows: 50 },
    segments: [],
    fields,
    drift: { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" },
    breaker: { openAfter: 1, closeAfter: 3, minRows: 50 },
    fingerprint: "sha256:test",
    ...own,
  };
}

export const minute = 60_000;

export function verdict(own: Partial<Verdict> = {}): Verdict {
  return {
    field: "age",
    statistic: "location",
    status: "ok",
    hard: false,
    rows: 1_000,
    observed: 0,
    expected: 0,
    unit: 1,
    shift: 0,
    evidence: 0,
    summary: "age is fine",
    ...own,
  };
}

export const breach = (own: Partial<Verdict> = {}): Verdict =>
  verdict({
    status: "critical",
    observed: 5,
    shift: 5,
    evidence: 300,
    summary: "age lies 5 standard deviations above its baseline",
    ...own,
  });

/** The judgement of minute `number`: final, unless `asOf` lies inside it. */
export function judgedMinute(
  number: number,
  verdicts: readonly Verdict[],
  own: { readonly segment?: Segment; readonly asOf?: number; readonly rows?: number } = {},
): JudgedWindow {
  const window = { start: number * minute, end: (number + 1) * minute };
  return {
    featureView: "reco_user",
    spec: "sha256:test",
    segment: own.segment ?? null,
    window,
    final: own.asOf === undefined,
    rows: own.rows ?? 1_000,
    late: 0,
    asOf: own.asOf ?? window.end,
    verdicts,
  };
}
