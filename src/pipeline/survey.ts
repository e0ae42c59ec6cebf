import { fits } from "../check/type.ts";
import { addToSample, createSample, sampleFrames } from "../judge/sample.ts";
import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import { bareField, type FeatureView, type FieldSpec, type FieldType } from "../model/feature-view.ts";
import { jsonNumber } from "../model/json-number.ts";
import type { Limits } from "../model/limits.ts";
import { mergeFields } from "../profile/merge.ts";
import { loadNumbers } from "../profile/numbers.ts";
import type { FieldProfile, NumericBody } from "../profile/profile.ts";
import { createProfiler, type PartitionState, type Profiler } from "../profile/profiler.ts";
import { tileRows } from "../profile/tile.ts";
import { type CategoryCount, isExact, size, top, total } from "../sketch/categories.ts";
import { type Distinct, estimateDistinct } from "../sketch/distinct.ts";
import { cdf, quantile } from "../sketch/histogram.ts";
import { deviation } from "../sketch/moments.ts";

/** Rows that are kept back until the frames (where buckets are finest) are known. */
const sampleRows = 20_000;
const binsDefault = 32;
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
  /** Shares of equal slices of [p01, p99], or of each whole number when they are few; empty when that is one point. */
  readonly histogram: readonly number[];
}

export interface Survey {
  add(batch: Batch): void;
  /** The fields in the order in which they first appear. */
  fields(): readonly SurveyedField[];
  readonly rows: number;
}

/**
 * A profile of any rows in one pass and bounded memory. The first 20,000 rows say around which centre the sketches of their fields
 * are finest; a column that appears later is profiled from there on (its own first batch says where). Numbers that are whole
 * in one batch and not in another are numbers; text among numbers is counted as of a wrong type.
 *
 * @throws Fault `decode.limit` from `add` when there are more than `limits.fields` columns in all
 */
export function createSurvey(
  limits: Limits,
  { topValues = topValuesDefault }: { readonly topValues?: number } = {},
): Survey {
  const columns = new Map<string, Known>();
  const parts: Part[] = [];
  let waiting: Batch[] = [];
  let rows = 0;

  /** Profiles the columns of `sample` that no part takes, in a part of their own. */
  const extend = (sample: readonly Batch[]): void => {
    const found = new Map<string, FieldSpec>();
    for (const batch of sample) {
      for (const [name, column] of batch.columns) {
        const type = fieldTypeOf(column);
        if (type === null || homeOf(parts, name, column) !== undefined) continue;
        const own = found.get(name)?.type;
        const dimensions = column.kind === "list" ? column.size : undefined;
        if (own === undefined) found.set(name, { ...plainField, name, type, dimensions });
        else if (!fits(own, column) && isNumeric(own) && isNumeric(type))
          found.set(name, { ...plainField, name, type: "float64" });
      }
    }
    if (found.size === 0) return;
    // numbers that turn out not to be whole
    const again = [...found.values()].map((field) =>
      parts.some(({ fields }) => fields.has(field.name)) ? { ...field, type: "float64" as const } : field,
    );
    parts.push(createPart(again, sample, parts, limits));
  };

  const absorb = (batch: Batch): void => {
    for (const part of parts) {
      const own = [...batch.columns].filter(([name, column]) => homeOf(parts, name, column) === part);
      if (own.length === 0) continue;
      const taken = own.map(([name, column]) => [name, widened(part, name, column)] as const);
      part.profiler.fold(
        part.state,
        { rows: batch.rows, columns: new Map(taken) },
        { timestamp: 0, position: "" },
      );
    }
  };

  const begin = (): void => {
    extend(waiting);
    for (const batch of waiting) absorb(batch);
    waiting = [];
  };

  return {
    add(batch) {
      for (const [name, column] of batch.columns) note(columns, name, column);
      if (columns.size > limits.fields)
        throw new DecodeError("limit", `${columns.size} columns in all, at most ${limits.fields}`);
      const early = rows < sampleRows;
      rows += batch.rows;
      if (early) {
        waiting.push(batch);
        if (rows >= sampleRows) begin();
        return;
      }
      extend([batch]);
      absorb(batch);
    },
    fields() {
      begin();
      return [...columns].map(([name, known]) =>
        surveyOf(name, known, profileIn(parts, name), rows, topValues),
      );
    },
    get rows() {
      return rows;
    },
  };
}

/** What is known of a column from all batches; no column itself, which would keep its batch. */
interface Known {
  readonly type: FieldType | null;
  readonly declared: string;
}

function note(columns: Map<string, Known>, name: string, column: Column): void {
  const known = columns.get(name);
  const type = fieldTypeOf(column);
  if (known === undefined || known.type === null) columns.set(name, { type, declared: column.declared });
  else if (type !== null && type !== known.type && isNumeric(type) && isNumeric(known.type))
    columns.set(name, { ...known, type: isWhole(type) && isWhole(known.type) ? "int64" : "float64" });
}

const isNumeric = (type: FieldType): boolean => /^(u?int|float)\d+$/.test(type);
const isWhole = (type: FieldType | null): boolean => type !== null && /^u?int\d+$/.test(type);

/** Columns that came together, and their profiler. */
interface Part {
  readonly fields: ReadonlyMap<string, FieldSpec>;
  readonly profiler: Profiler;
  readonly state: PartitionState;
}

function createPart(
  specs: readonly FieldSpec[],
  sample: readonly Batch[],
  others: readonly Part[],
  limits: Limits,
): Part {
  const view = viewOf(specs);
  const rows = createSample(view);
  for (const batch of sample) addToSample(rows, batch, view, () => true);
  const frames = new Map(sampleFrames(rows));
  for (const { name } of specs) {
    const body = profileIn(others, name)?.body;
    if (body?.kind === "numeric") frames.set(name, body.histogram.frame); // or the two would not merge
  }
  const profiler = createProfiler({ view, frames, limits });
  return { fields: new Map(specs.map((field) => [field.name, field])), profiler, state: profiler.start() };
}

/** The part that profiles a column: one whose type it has, else one that it can be widened to, else (a wrong type) the first of its name. */
function homeOf(parts: readonly Part[], name: string, column: Column): Part | undefined {
  const own = parts.filter(({ fields }) => fields.has(name));
  const typeIn = (part: Part): FieldType => part.fields.get(name)?.type ?? "string";
  const exact = own.find((part) => fits(typeIn(part), column));
  if (exact !== undefined) return exact;
  const type = fieldTypeOf(column);
  if (type === null || !isNumeric(type) || !own.some((part) => isNumeric(typeIn(part)))) return own[0];
  return own.find((part) => typeIn(part) === "float64");
}

/** The column as its part declares it: whole numbers of 64 bits, or any that came as a dictionary, as doubles. */
function widened({ fields }: Part, name: string, column: Column): Column {
  const own = fields.get(name)?.type;
  const type = fieldTypeOf(column);
  if (own !== "float64" || type === null || !isNumeric(type) || fits(own, column)) return column;
  const values = new Float64Array(column.rows);
  for (let from = 0; from < column.rows; from += tileRows) {
    const size = Math.min(tileRows, column.rows - from);
    loadNumbers(column, from, size, values.subarray(from, from + size));
  }
  const { rows, validity, validityOffset, nullCount, declared } = column;
  return { kind: "numeric", type: "float64", values, rows, validity, validityOffset, nullCount, declared };
}

/** What all parts know of a field; rows in which it was absent from its batch are not among its rows. */
function profileIn(parts: readonly Part[], name: string): FieldProfile | undefined {
  const found = parts.flatMap(({ profiler, state }) => profiler.open(state)[0]?.fields.get(name) ?? []);
  const present = found.map((field) => {
    const { rows, rules } = field;
    return { ...field, rows: rows - (rules.get("missing")?.count ?? 0) };
  });
  if (present.length < 2) return present[0];
  return present.map((field): FieldProfile => ({ ...field, type: "float64" })).reduce(mergeFields);
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

/** One view over the fields, with one window for all time and no rule at all. */
function viewOf(fields: readonly FieldSpec[]): FeatureView {
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

const plainField = { ...bareField, drift };

function surveyOf(
  name: string,
  { type, declared }: Known,
  profile: FieldProfile | undefined,
  rows: number,
  topValues: number,
): SurveyedField {
  const base = {
    name,
    type,
    declared,
    rows,
    nulls: profile?.nulls ?? (type === null ? rows : 0),
    misfits: profile?.rules.get("type")?.count ?? 0,
    missing: profile === undefined ? 0 : rows - profile.rows,
    distinct: null,
  };
  if (profile === undefined) return base;
  const { body } = profile;
  switch (body.kind) {
    case "numeric":
      return {
        ...base,
        distinct: distinctOf(body.distinct, body.moments.count),
        numeric: numbersOf(body, isWhole(type)),
      };
    case "string":
      return {
        ...base,
        distinct: isExact(body.categories)
          ? size(body.categories)
          : distinctOf(body.distinct, total(body.categories)),
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

/** An estimate, but never more than there are values. */
function distinctOf(distinct: Distinct, values: number): number {
  return Math.min(Math.round(estimateDistinct(distinct)), values);
}

function numbersOf(body: NumericBody, whole: boolean): SurveyedNumbers {
  const { moments, histogram } = body;
  const some = moments.count > 0;
  const values = quantiles.map((q) => {
    if (!some) return null;
    const value = quantile(histogram, q, moments);
    return jsonNumber(whole ? Math.round(value) : value);
  });
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
    histogram: some ? slicesOf(body, values[0] ?? moments.min, values.at(-1) ?? moments.max) : [],
  };
}

/** Shares of equal slices of [low, high], at most `bins`; of few whole numbers, of each of them. Empty when that is one point. */
export function slicesOf(
  { moments, histogram, distinct }: NumericBody,
  low: number,
  high: number,
  bins: number = binsDefault,
): number[] {
  const { min, max } = moments;
  const whole = Number.isInteger(min) && Number.isInteger(max) && max - min < bins;
  const few = whole && Math.round(estimateDistinct(distinct)) <= max - min + 1;
  const [from, to, slices] = few ? [min - 0.5, max + 0.5, max - min + 1] : [low, high, bins];
  if (!(from < to) || slices === 1) return [];
  const edge = (slice: number): number => {
    // a value that stands at the very beginning belongs to the first slice
    const x = slice === 0 ? from - (to - from) * 1e-9 : from + ((to - from) * slice) / slices;
    return cdf(histogram, x, moments);
  };
  return Array.from({ length: slices }, (_, slice) => Math.max(0, edge(slice + 1) - edge(slice)));
}
