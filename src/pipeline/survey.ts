import { addToSample, createSample, sampleFrames } from "../judge/sample.ts";
import type { Batch, Column } from "../model/batch.ts";
import type { FeatureView, FieldSpec, FieldType } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import type { FieldProfile, NumericBody } from "../profile/profile.ts";
import { createProfiler, type PartitionState, type Profiler } from "../profile/profiler.ts";
import { type CategoryCount, isExact, top } from "../sketch/categories.ts";
import { estimateDistinct } from "../sketch/distinct.ts";
import { cdf, quantile } from "../sketch/histogram.ts";
import { deviation } from "../sketch/moments.ts";
import { jsonNumber } from "./summary.ts";

/** Rows that are kept back until the frames (where buckets are finest) are known. */
const sampleRows = 20_000;
const bins = 32;
const topValuesDefault = 5;
const quantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;

/** What is in some rows, without a spec. A number that does not exist (the mean of nothing) is null. */
export interface SurveyedField {
  readonly name: string;
  /** As a spec would declare it; null for a type that no spec has. */
  readonly type: FieldType | null;
  /** As the data declare it. */
  readonly declared: string;
  readonly rows: number;
  readonly nulls: number;
  /** Rows of a wrong type (a string among numbers), and rows whose batch lacks the column. */
  readonly misfits: number;
  readonly missing: number;
  readonly distinct: number | null;
  readonly numeric?: SurveyedNumbers;
  /** The most frequent values; counts are lower bounds when `exact` is false. */
  readonly top?: readonly CategoryCount[];
  readonly exact?: boolean;
  readonly bool?: { readonly trues: number; readonly falses: number };
  readonly embedding?: {
    readonly dimensions: number;
    readonly mean: number | null;
    readonly sd: number | null;
    readonly norm: number | null;
    readonly nan: number;
    readonly infinite: number;
  };
}

export interface SurveyedNumbers {
  readonly mean: number | null;
  readonly sd: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** By name: `p01` … `p99`. */
  readonly quantiles: Readonly<Record<string, number | null>>;
  readonly nan: number;
  readonly infinite: number;
  /** Shares of equal slices of [p01, p99]; empty when that is one point. */
  readonly histogram: readonly number[];
}

export interface Survey {
  add(batch: Batch): void;
  /** The fields in the order in which they first appear. */
  fields(): readonly SurveyedField[];
  readonly rows: number;
}

/**
 * A profile of any rows in one pass and bounded memory: the first 20,000 rows say which fields there are, and around
 * which centre their sketches are finest; a column that appears only later is not profiled.
 */
export function createSurvey(
  limits: Limits,
  { topValues = topValuesDefault }: { readonly topValues?: number } = {},
): Survey {
  const columns = new Map<string, Column>();
  let waiting: Batch[] = [];
  let rows = 0;
  let running: { profiler: Profiler; state: PartitionState } | undefined;

  const begin = (): { profiler: Profiler; state: PartitionState } => {
    const view = viewOf(columns);
    const sample = createSample(view);
    for (const batch of waiting) addToSample(sample, batch, view, () => true);
    const profiler = createProfiler({ view, frames: sampleFrames(sample), limits });
    const begun = { profiler, state: profiler.start() };
    for (const batch of waiting) fold(begun, batch);
    waiting = [];
    return begun;
  };

  return {
    add(batch) {
      rows += batch.rows;
      if (running !== undefined) {
        fold(running, batch);
        return;
      }
      for (const [name, column] of batch.columns) {
        const known = columns.get(name);
        if (known === undefined || known.kind === "null") columns.set(name, column);
      }
      waiting.push(batch);
      if (rows >= sampleRows) running = begin();
    },
    fields() {
      running ??= begin();
      const [profile] = running.profiler.open(running.state);
      return [...columns].map(([name, column]) =>
        surveyOf(name, column, profile?.fields.get(name), rows, topValues),
      );
    },
    get rows() {
      return rows;
    },
  };
}

function fold({ profiler, state }: { profiler: Profiler; state: PartitionState }, batch: Batch): void {
  profiler.fold(state, batch, { timestamp: 0, position: "" });
}

/** The type that a spec would declare for a column. */
export function fieldTypeOf(column: Column): FieldType | null {
  switch (column.kind) {
    case "numeric":
      return column.type === "float16" || column.type === "decimal" ? "float64" : column.type;
    case "int64":
      return column.signed ? "int64" : "uint64";
    case "utf8":
      return "string";
    case "dictionary":
      return fieldTypeOf(column.dictionary);
    case "bool":
    case "timestamp":
      return column.kind;
    case "list":
      return "embedding";
    case "null":
    case "unsupported":
      return null;
  }
}

const drift = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "off" } as const;

/** One view over the columns, with one window for all time and no rule at all. */
function viewOf(columns: ReadonlyMap<string, Column>): FeatureView {
  const fields = [...columns].flatMap(([name, column]): FieldSpec[] => {
    const type = fieldTypeOf(column);
    if (type === null) return [];
    const dimensions = column.kind === "list" ? column.size : undefined;
    return [{ ...bareField, name, type, dimensions }];
  });
  return {
    name: "survey",
    version: 1,
    owner: undefined,
    models: [],
    source: { topic: undefined, format: "auto", eventTime: undefined, requestId: undefined },
    window: { sizeMs: 1, latenessMs: 0, minRows: 1 },
    segments: [],
    fields,
    drift,
    breaker: { openAfter: 1, closeAfter: 1, minRows: 1 },
    fingerprint: "survey",
  };
}

const bareField: Omit<FieldSpec, "name" | "type"> = {
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

function surveyOf(
  name: string,
  column: Column,
  profile: FieldProfile | undefined,
  rows: number,
  topValues: number,
): SurveyedField {
  const base = {
    name,
    type: fieldTypeOf(column),
    declared: column.declared,
    rows,
    nulls: profile?.nulls ?? (column.kind === "null" ? rows : 0),
    misfits: profile?.rules.get("type")?.count ?? 0,
    missing: profile?.rules.get("missing")?.count ?? 0,
    distinct: null,
  };
  if (profile === undefined) return base;
  const { body } = profile;
  switch (body.kind) {
    case "numeric":
      return { ...base, distinct: Math.round(estimateDistinct(body.distinct)), numeric: numbersOf(body) };
    case "string":
      return {
        ...base,
        distinct: Math.round(estimateDistinct(body.distinct)),
        top: top(body.categories, topValues),
        exact: isExact(body.categories),
      };
    case "bool":
      return { ...base, bool: { trues: body.trues, falses: body.falses } };
    case "embedding": {
      const some = body.vectors > 0;
      const meanOf = (values: Float64Array): number =>
        values.reduce((sum, value) => sum + value, 0) / values.length;
      const variances = body.m2s.map((m2) => m2 / Math.max(body.vectors - 1, 1));
      return {
        ...base,
        embedding: {
          dimensions: body.dimensions,
          mean: some ? jsonNumber(meanOf(body.means)) : null,
          sd: some ? jsonNumber(Math.sqrt(meanOf(variances))) : null,
          norm: some ? jsonNumber(body.norms.mean) : null,
          nan: body.nan,
          infinite: body.positiveInfinity + body.negativeInfinity,
        },
      };
    }
  }
}

function numbersOf(body: NumericBody): SurveyedNumbers {
  const { moments, histogram } = body;
  const some = moments.count > 0;
  /** A sketch may overshoot the extremes by its error; the extremes themselves are exact. */
  const within = (value: number): number | null =>
    some ? jsonNumber(Math.min(Math.max(value, moments.min), moments.max)) : null;
  const values = quantiles.map((q) => within(quantile(histogram, q)));
  const [low, high] = [values[0] ?? 0, values.at(-1) ?? 0];
  const edges = Array.from({ length: bins + 1 }, (_, bin) =>
    cdf(histogram, low + ((high - low) * bin) / bins),
  );
  return {
    mean: some ? jsonNumber(moments.mean) : null,
    sd: some ? jsonNumber(deviation(moments)) : null,
    min: some ? moments.min : null,
    max: some ? moments.max : null,
    quantiles: Object.fromEntries(
      quantiles.map((q, index) => [`p${String(q * 100).padStart(2, "0")}`, values[index] ?? null]),
    ),
    nan: body.nan,
    infinite: body.positiveInfinity + body.negativeInfinity,
    histogram: low < high ? edges.slice(1).map((edge, bin) => edge - (edges[bin] as number)) : [],
  };
}
