import { bareField, type DriftPolicy, type FeatureView, type FieldSpec } from "../model/feature-view.ts";
import type { Baseline, FieldBaseline } from "./baseline.ts";

const drift: DriftPolicy = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto" };

/**
 * The spec as far as a baseline shows it: enough to ask of other data everything that the baseline knows. A rule whose values the
 * baseline does not hold (which mapping, which pattern) was counted when it was built; here it only says that there is one.
 */
export function viewOfBaseline(baseline: Baseline): FeatureView {
  return {
    name: baseline.featureView,
    version: 0,
    owner: undefined,
    models: [],
    source: { topic: undefined, format: "auto", eventTime: undefined, requestId: undefined },
    window: { sizeMs: baseline.windowMs, latenessMs: 0, minRows: 1 },
    segments: [],
    fields: [...baseline.fields].map(([name, field]) => specOf(name, field)),
    drift,
    breaker: { openAfter: 1, closeAfter: 1, minRows: 1 },
    fingerprint: baseline.spec,
  };
}

function specOf(name: string, { profile, statistics }: FieldBaseline): FieldSpec {
  const { body } = profile;
  const mapped = body.kind === "string" && body.mappingHits + body.mappingMisses > 0;
  return {
    ...bareField,
    name,
    type: profile.type,
    mapping: mapped ? { values: [], maxDefaultRate: 1 } : undefined,
    range: statistics.has("range_rate") ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] : undefined,
    pattern: statistics.has("pattern_rate") ? "" : undefined,
    max: statistics.has("max_rate") ? Number.POSITIVE_INFINITY : undefined,
    maxEmptyRate: statistics.has("empty_rate") ? 1 : undefined,
    dimensions: body.kind === "embedding" ? body.dimensions : undefined,
    drift,
  };
}
