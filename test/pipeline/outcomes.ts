import type { FeatureView, FieldSpec } from "../../src/model/feature-view.ts";
import type { Alert, Breaker, BreakerTransition, JudgedWindow, Verdict } from "../../src/model/verdict.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";

/** Hand-made outcomes for tests of what reads them. */
export const noon = Date.parse("2026-03-03T12:00:00Z");
const minuteMs = 60_000;
const drift = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" } as const;

export function fieldOf(name: string): FieldSpec {
  return {
    name,
    type: "float64",
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
    drift,
  };
}

export function viewOf(...names: readonly string[]): FeatureView {
  return {
    name: "reco_user",
    version: 4,
    owner: undefined,
    models: [],
    source: { topic: undefined, format: "auto", eventTime: undefined, requestId: undefined },
    window: { sizeMs: minuteMs, latenessMs: 0, minRows: 50 },
    segments: ["node"],
    fields: names.map(fieldOf),
    drift,
    breaker: { openAfter: 1, closeAfter: 3, minRows: 50 },
    fingerprint: "sha256:00",
  };
}

export function verdictOf(field: string, change: Partial<Verdict> = {}): Verdict {
  return {
    field,
    statistic: "location",
    status: "ok",
    hard: false,
    rows: 100,
    observed: 0,
    expected: 0,
    unit: 1,
    shift: 0,
    evidence: 0,
    summary: "",
    ...change,
  };
}

export function judgedOf(
  minute: number,
  verdicts: readonly Verdict[],
  change: Partial<JudgedWindow> = {},
): Outcome {
  const window = { start: noon + minute * minuteMs, end: noon + (minute + 1) * minuteMs };
  const judged: JudgedWindow = {
    featureView: "reco_user",
    spec: "sha256:00",
    segment: null,
    window,
    final: true,
    rows: 100,
    late: 0,
    asOf: window.end,
    verdicts,
    ...change,
  };
  const profile: WindowProfile = {
    featureView: "reco_user",
    spec: "sha256:00",
    segment: judged.segment,
    window,
    rows: 100,
    late: 0,
    firstEvent: window.start + 1_000,
    lastEvent: window.end - 1_000,
    fields: new Map(),
  };
  return { kind: "judged", judged, profile };
}

export function alertOf(change: Partial<Alert> = {}): Outcome {
  const alert: Alert = {
    time: noon,
    status: "firing",
    severity: "critical",
    alertname: "TidemarkDefaultCase",
    featureView: "reco_user",
    field: "user_location",
    statistic: "default_rate",
    segment: null,
    window: { start: noon, end: noon + minuteMs },
    rows: 100,
    observed: 0.99,
    expected: 0.002,
    unit: 0.025,
    shift: 39.5,
    evidence: 400,
    summary: "99% of user_location are outside the mapping",
    fingerprint: "f00d",
    startsAt: noon,
    ...change,
  };
  return { kind: "alert", alert };
}

export function movedOf(
  from: BreakerTransition["from"],
  to: BreakerTransition["to"],
  time: number,
  segment: Breaker["segment"] = null,
): Outcome {
  const reasons = [{ field: "user_location", statistic: "default_rate", summary: "99%" }] as const;
  const transition: BreakerTransition = { time, from, to, reasons, rows: 60 };
  return { kind: "breaker", breaker: breakerOf(to, segment), transition };
}

export function breakerOf(state: Breaker["state"], segment: Breaker["segment"] = null): Breaker {
  return {
    featureView: "reco_user",
    segment,
    state,
    since: noon,
    openedAt: state === "closed" ? null : noon,
    reasons: [],
    breaches: 0,
    cleans: 0,
    lastBreach: null,
    history: [],
  };
}
