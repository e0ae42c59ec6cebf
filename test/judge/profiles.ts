import type { Baseline, FieldBaseline } from "../../src/judge/baseline.ts";
import { addReading, createHistory, type GrowingHistory, toHistory } from "../../src/judge/history.ts";
import { prepareGauges } from "../../src/judge/judge.ts";
import { createSeen } from "../../src/judge/statistic.ts";
import type { FeatureView, FieldSpec } from "../../src/model/feature-view.ts";
import { getOrInsert } from "../../src/model/maps.ts";
import type { Segment } from "../../src/model/verdict.ts";
import type { FieldBody, FieldProfile, RuleName, WindowProfile } from "../../src/profile/profile.ts";
import { addCategory, createCategories } from "../../src/sketch/categories.ts";
import { createDistinct, distinct } from "../../src/sketch/distinct.ts";
import { addValues, createHistogram, type Frame, unitFrame } from "../../src/sketch/histogram.ts";
import { addColumn, createMoments } from "../../src/sketch/moments.ts";
import { addDoubles } from "../sketch/columns.ts";
import { minute } from "./samples.ts";

/** A cell as a feature store sends it. */
export type Cell = number | string | boolean | null | readonly number[];

/** What the profiler makes of cells, without Arrow: the rooms below are tested on their own. */
export function profileOf(field: FieldSpec, cells: readonly Cell[], frame: Frame = unitFrame): FieldProfile {
  const rules: FieldProfile["rules"] = new Map();
  const hit = (rule: RuleName, value: string): void => {
    const known = rules.get(rule);
    if (known === undefined) rules.set(rule, { count: 1, example: { value, eventTime: 7_000 } });
    else known.count += 1;
  };
  for (const cell of cells) countRules(field, cell, hit);
  const nulls = cells.filter((cell) => cell === null).length;
  return { type: field.type, rows: cells.length, nulls, rules, body: bodyOf(field, cells, frame) };
}

export function windowProfile(
  view: FeatureView,
  fields: ReadonlyMap<string, FieldProfile>,
  segment: Segment | null = null,
): WindowProfile {
  const rows = Math.max(0, ...[...fields.values()].map((field) => field.rows));
  return {
    featureView: view.name,
    spec: view.fingerprint,
    segment,
    window: { start: 0, end: minute },
    rows,
    late: 0,
    firstEvent: 5_000,
    lastEvent: 50_000,
    fields,
  };
}

/** A baseline of one profile a field, and of the windows in which its statistics varied. */
export function baselineOf(
  view: FeatureView,
  references: ReadonlyMap<string, FieldProfile>,
  windows: readonly ReadonlyMap<string, FieldProfile>[] = [],
): Baseline {
  const fields = new Map<string, FieldBaseline>();
  for (const field of view.fields) {
    const profile = references.get(field.name);
    if (profile === undefined) continue;
    const growing = new Map<string, GrowingHistory>();
    for (const window of windows) {
      const seen = createSeen(window.get(field.name) ?? profile, null, 0);
      for (const { statistic, gauge } of prepareGauges(field, { profile }, view)) {
        const reading = gauge.varies ? gauge.read(seen, undefined) : undefined;
        if (reading !== undefined && reading.rows >= view.window.minRows)
          addReading(getOrInsert(growing, statistic, createHistory), reading);
      }
    }
    const statistics = new Map([...growing].map(([name, history]) => [name, toHistory(history)]));
    fields.set(field.name, { profile, statistics } as FieldBaseline);
  }
  return {
    featureView: view.name,
    spec: view.fingerprint,
    toolVersion: "0.1.0",
    windowMs: minute,
    from: 0,
    to: 60 * minute,
    rows: Math.max(0, ...[...references.values()].map(({ rows }) => rows)),
    windows: windows.length,
    traffic: undefined,
    fields,
  };
}

function countRules(field: FieldSpec, cell: Cell, hit: (rule: RuleName, value: string) => void): void {
  if (cell === null) {
    if (!field.nullable) hit("null", "null");
    return;
  }
  const value = String(cell);
  if (field.mapping?.values.includes(value) === false) hit("default", value);
  if (field.maxEmptyRate !== undefined && (cell === 0 || cell === "")) hit("empty", value);
  if (typeof cell !== "number") return;
  if (field.finite && !Number.isFinite(cell)) hit("nonfinite", value);
  if (field.max !== undefined && cell > field.max) hit("max", value);
  if (field.limit !== undefined && cell > field.limit) hit("limit", value);
  if (field.range !== undefined && (cell < field.range[0] || cell > field.range[1])) hit("range", value);
}

function bodyOf(field: FieldSpec, cells: readonly Cell[], frame: Frame): FieldBody {
  if (field.type === "string")
    return stringBody(
      field,
      cells.filter((cell) => typeof cell === "string"),
    );
  if (field.type === "embedding")
    return embeddingBody(cells.filter((cell) => Array.isArray(cell)) as number[][]);
  if (field.type === "bool") {
    const trues = cells.filter((cell) => cell === true).length;
    return { kind: "bool", trues, falses: cells.filter((cell) => cell === false).length };
  }
  return numericBody(
    cells.filter((cell) => typeof cell === "number"),
    frame,
  );
}

function numericBody(values: readonly number[], frame: Frame): FieldBody {
  const finite = Float64Array.from(values.filter(Number.isFinite));
  const moments = createMoments();
  addColumn(moments, finite, 0, finite.length);
  const histogram = createHistogram(frame);
  addValues(histogram, finite, 0, finite.length);
  const seen = createDistinct();
  addDoubles(seen, finite);
  return {
    kind: "numeric",
    nan: values.filter(Number.isNaN).length,
    positiveInfinity: values.filter((value) => value === Number.POSITIVE_INFINITY).length,
    negativeInfinity: values.filter((value) => value === Number.NEGATIVE_INFINITY).length,
    moments,
    histogram,
    distinct: seen,
  };
}

function stringBody({ mapping }: FieldSpec, values: readonly string[]): FieldBody {
  const categories = createCategories(4_096);
  const unknowns = createCategories(64);
  const seen = createDistinct();
  let mappingHits = 0;
  for (const value of values) {
    addCategory(categories, value);
    distinct.add(seen, value);
    if (mapping?.values.includes(value)) mappingHits += 1;
    else if (mapping !== undefined) addCategory(unknowns, value);
  }
  return {
    kind: "string",
    mappingHits,
    mappingMisses: mapping === undefined ? 0 : values.length - mappingHits,
    categories,
    unknowns,
    distinct: seen,
    minBytes: Math.min(...values.map((value) => value.length)),
    maxBytes: Math.max(0, ...values.map((value) => value.length)),
  };
}

function embeddingBody(vectors: readonly (readonly number[])[]): FieldBody {
  const finite = vectors.filter((vector) => vector.every(Number.isFinite));
  const dimensions = vectors[0]?.length ?? 0;
  const means = new Float64Array(dimensions);
  const m2s = new Float64Array(dimensions);
  for (const vector of finite)
    for (const [j, x] of vector.entries()) means[j] = (means[j] as number) + x / finite.length;
  for (const vector of finite) {
    for (const [j, x] of vector.entries()) m2s[j] = (m2s[j] as number) + (x - (means[j] as number)) ** 2;
  }
  const lengths = Float64Array.from(finite, (vector) => Math.hypot(...vector));
  const norms = createMoments();
  addColumn(norms, lengths, 0, lengths.length);
  const elements = vectors.flat();
  return {
    kind: "embedding",
    dimensions,
    nan: elements.filter(Number.isNaN).length,
    positiveInfinity: elements.filter((x) => x === Number.POSITIVE_INFINITY).length,
    negativeInfinity: elements.filter((x) => x === Number.NEGATIVE_INFINITY).length,
    vectors: finite.length,
    means,
    m2s,
    norms,
  };
}
