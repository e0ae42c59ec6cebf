import assert from "node:assert/strict";
import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";
import { isLinkName, linkFields } from "../model/link-fields.ts";
import type { Window } from "../model/time.ts";
import type { Example, Segment } from "../model/verdict.ts";
import { segmentKey } from "../model/verdict.ts";
import {
  createCategories,
  makeRoomLike as makeCategoriesLike,
  mergeCategories,
} from "../sketch/categories.ts";
import { createCoMoments, mergeCoMoments } from "../sketch/co-moments.ts";
import { createDistinct, mergeDistinct } from "../sketch/distinct.ts";
import {
  createHistogram,
  type Frame,
  makePagesLike,
  mergeHistograms,
  unitFrame,
} from "../sketch/histogram.ts";
import { createMoments, mergeMoments } from "../sketch/moments.ts";
import type {
  EmbeddingBody,
  FieldBody,
  FieldProfile,
  NumericBody,
  PairName,
  RuleCount,
  WindowProfile,
} from "./profile.ts";

/** Values outside a mapping that are kept by name. */
const unknownsMax = 256;

/** The identity of `mergeProfiles`. Fields without a frame get the unit frame. */
export function emptyProfile(
  view: FeatureView,
  frames: ReadonlyMap<string, Frame>,
  segment: Segment | null,
  window: Window,
  categoriesMax: number = defaultLimits.categories,
  pairs: readonly PairName[] = [],
): WindowProfile {
  return {
    featureView: view.name,
    spec: view.fingerprint,
    segment,
    window,
    rows: 0,
    late: 0,
    firstEvent: Number.POSITIVE_INFINITY,
    lastEvent: Number.NEGATIVE_INFINITY,
    ...(segment !== null || pairs.length === 0
      ? {}
      : { pairs: pairs.map(({ a, b }) => ({ a, b, moments: createCoMoments() })) }),
    fields: new Map(
      [...view.fields, ...linkFields(view).map(({ field }) => field)].map((field) => [
        field.name,
        {
          type: field.type,
          rows: 0,
          nulls: 0,
          rules: new Map(),
          body: emptyBody(field, frames.get(field.name) ?? unitFrame, categoriesMax),
        },
      ]),
    ),
  };
}

function emptyBody(field: FieldSpec, frame: Frame, categoriesMax: number): FieldBody {
  switch (field.type) {
    case "string":
      return {
        kind: "string",
        mappingHits: 0,
        mappingMisses: 0,
        categories: createCategories(categoriesMax),
        unknowns: createCategories(unknownsMax),
        distinct: createDistinct(),
        minBytes: Number.POSITIVE_INFINITY,
        maxBytes: 0,
      };
    case "bool":
      return { kind: "bool", trues: 0, falses: 0 };
    case "embedding": {
      const dimensions = field.dimensions ?? 0;
      return {
        kind: "embedding",
        dimensions,
        nan: 0,
        positiveInfinity: 0,
        negativeInfinity: 0,
        vectors: 0,
        means: new Float64Array(dimensions),
        m2s: new Float64Array(dimensions),
        norms: createMoments(),
      };
    }
    default:
      return {
        kind: "numeric",
        nan: 0,
        positiveInfinity: 0,
        negativeInfinity: 0,
        moments: createMoments(),
        histogram: createHistogram(frame),
        distinct: createDistinct(),
      };
  }
}

/** Makes room in an empty profile for as much as another of the view has: the next window is much like the last. */
export function makeRoomLike(profile: WindowProfile, other: WindowProfile): void {
  for (const [name, { body }] of profile.fields) {
    const like = other.fields.get(name)?.body;
    if (body.kind === "string" && like?.kind === "string") {
      makeCategoriesLike(body.categories, like.categories);
      makeCategoriesLike(body.unknowns, like.unknowns);
    } else if (body.kind === "numeric" && like?.kind === "numeric")
      makePagesLike(body.histogram, like.histogram);
  }
}

/** Neither argument is changed. View, spec, segment, window and frames must be the same. */
export function mergeProfiles(a: WindowProfile, b: WindowProfile): WindowProfile {
  assert.equal(a.featureView, b.featureView);
  assert.equal(a.spec, b.spec);
  assert.equal(segmentKey(a.segment), segmentKey(b.segment));
  assert.equal(a.window.start, b.window.start);
  assert.equal(a.window.end, b.window.end);
  return {
    featureView: a.featureView,
    spec: a.spec,
    segment: a.segment,
    window: a.window,
    rows: a.rows + b.rows,
    late: a.late + b.late,
    firstEvent: Math.min(a.firstEvent, b.firstEvent),
    lastEvent: Math.max(a.lastEvent, b.lastEvent),
    ...mergePairs(a, b),
    fields: new Map(
      [...a.fields].map(([name, field]) => {
        const other = counterpart(b, name);
        return [name, other === undefined ? field : mergeFields(field, other)];
      }),
    ),
  };
}

/** Models come and go without a change of the spec's fingerprint, and with them what profiles keep of them: only that may lack. */
function counterpart({ fields }: WindowProfile, name: string): FieldProfile | undefined {
  const other = fields.get(name);
  assert(other !== undefined || isLinkName(name), `both profiles have ${name}`);
  return other;
}

function mergePairs({ pairs: own = [] }: WindowProfile, { pairs: other = [] }: WindowProfile): Pairs {
  assert.equal(own.length, other.length);
  if (own.length === 0) return {};
  return {
    pairs: own.map(({ a, b, moments }, i) => {
      const pair = other[i];
      assert(pair !== undefined && pair.a === a && pair.b === b, `both profiles have ${a} with ${b}`);
      return { a, b, moments: mergeCoMoments(moments, pair.moments) };
    }),
  };
}

type Pairs = Pick<WindowProfile, "pairs">;

/**
 * The counts of several profiles of one window, a fraction of the cost of merging them: rows, rules, nulls, moments of numbers,
 * mapping hits, trues. The sketches are the first one's and say nothing about the others.
 */
export function mergeCounts([first, ...others]: readonly WindowProfile[]): WindowProfile {
  assert(first !== undefined);
  if (others.length === 0) return first;
  const merged: WindowProfile = {
    ...first,
    fields: new Map(
      [...first.fields].map(([name, { rules, body, ...field }]) => [
        name,
        { ...field, rules: new Map(rules), body: { ...body } },
      ]),
    ),
  };
  for (const profile of others) {
    merged.rows += profile.rows;
    merged.late += profile.late;
    merged.firstEvent = Math.min(merged.firstEvent, profile.firstEvent);
    merged.lastEvent = Math.max(merged.lastEvent, profile.lastEvent);
    for (const [name, field] of merged.fields) {
      const other = counterpart(profile, name);
      if (other === undefined) continue;
      if (isLinkName(name) && other.rows > 0) {
        Object.assign(field, mergeFields(field, other)); // few values, and the news is which
        continue;
      }
      field.rows += other.rows;
      field.nulls += other.nulls;
      for (const [rule, count] of other.rules) {
        const own = field.rules.get(rule);
        field.rules.set(rule, own === undefined ? count : addRuleCounts(own, count));
      }
      addBodyCounts(field.body, other.body);
    }
  }
  return merged;
}

/**
 * What of a profile is counted, without its sketches: some 2 KB instead of a tenth of a megabyte, and all that the rules and rates
 * are judged by. Values outside a mapping keep their names, and links their values: those are what is told of them.
 */
export function countsOf(profile: WindowProfile): WindowProfile {
  const fields = [...profile.fields].map(([name, field]): [string, FieldProfile] => [
    name,
    isLinkName(name) ? field : { ...field, body: bodyCountsOf(field.body) },
  ]);
  return { ...profile, fields: new Map(fields) };
}

function bodyCountsOf(body: FieldBody): FieldBody {
  switch (body.kind) {
    case "numeric":
      return { ...body, histogram: createHistogram(body.histogram.frame), distinct: createDistinct() };
    case "string":
      return { ...body, categories: createCategories(body.categories.limit), distinct: createDistinct() };
    case "bool":
    case "embedding":
      return body;
  }
}

function addBodyCounts(into: FieldBody, other: FieldBody): void {
  if (into.kind === "numeric" && other.kind === "numeric") {
    addNonFinite(into, other);
    into.moments = mergeMoments(into.moments, other.moments);
  } else if (into.kind === "string" && other.kind === "string") {
    into.mappingHits += other.mappingHits;
    into.mappingMisses += other.mappingMisses;
  } else if (into.kind === "bool" && other.kind === "bool") {
    into.trues += other.trues;
    into.falses += other.falses;
  } else if (into.kind === "embedding" && other.kind === "embedding") {
    addNonFinite(into, other);
    into.vectors += other.vectors;
  } else throw new assert.AssertionError({ message: `${into.kind} and ${other.kind} are of two fields` });
}

function addNonFinite(into: NumericBody | EmbeddingBody, other: NumericBody | EmbeddingBody): void {
  into.nan += other.nan;
  into.positiveInfinity += other.positiveInfinity;
  into.negativeInfinity += other.negativeInfinity;
}

export function mergeFields(a: FieldProfile, b: FieldProfile): FieldProfile {
  assert.equal(a.type, b.type);
  const rules = new Map([...a.rules].map(([rule, { count, example }]) => [rule, { count, example }]));
  for (const [rule, { count, example }] of b.rules) {
    const own = rules.get(rule);
    rules.set(rule, own === undefined ? { count, example } : addRuleCounts(own, { count, example }));
  }
  const [body, strangers] = mergeBodies(a.body, b.body);
  if (strangers > 0) {
    const { count = 0, example } = rules.get("dimensions") ?? {};
    rules.set("dimensions", { count: count + strangers, example });
  }
  return { type: a.type, rows: a.rows + b.rows, nulls: a.nulls + b.nulls, rules, body };
}

function addRuleCounts(a: RuleCount, b: RuleCount): RuleCount {
  return { count: a.count + b.count, example: earlier(a.example, b.example) };
}

/** The earlier by event time, then by position, then by value: whichever way round they are given. */
function earlier(a: Example | undefined, b: Example | undefined): Example | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const byTime = (a.eventTime ?? Infinity) - (b.eventTime ?? Infinity);
  if (byTime !== 0 && !Number.isNaN(byTime)) return byTime < 0 ? a : b;
  const [p, q] = [a.position ?? "", b.position ?? ""];
  const byPlace = p.length - q.length || compare(p, q);
  return (byPlace || compare(a.value, b.value)) <= 0 ? a : b;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** @returns the merged body, and vectors that could not be merged because theirs is another number of dimensions. */
function mergeBodies(a: FieldBody, b: FieldBody): [body: FieldBody, strangers: number] {
  if (a.kind === "numeric" && b.kind === "numeric") {
    return [
      {
        kind: "numeric",
        nan: a.nan + b.nan,
        positiveInfinity: a.positiveInfinity + b.positiveInfinity,
        negativeInfinity: a.negativeInfinity + b.negativeInfinity,
        moments: mergeMoments(a.moments, b.moments),
        histogram: mergeHistograms(a.histogram, b.histogram),
        distinct: mergeDistinct(a.distinct, b.distinct),
      },
      0,
    ];
  }
  if (a.kind === "string" && b.kind === "string") {
    return [
      {
        kind: "string",
        mappingHits: a.mappingHits + b.mappingHits,
        mappingMisses: a.mappingMisses + b.mappingMisses,
        categories: mergeCategories(a.categories, b.categories),
        unknowns: mergeCategories(a.unknowns, b.unknowns),
        distinct: mergeDistinct(a.distinct, b.distinct),
        minBytes: Math.min(a.minBytes, b.minBytes),
        maxBytes: Math.max(a.maxBytes, b.maxBytes),
      },
      0,
    ];
  }
  if (a.kind === "bool" && b.kind === "bool") {
    return [{ kind: "bool", trues: a.trues + b.trues, falses: a.falses + b.falses }, 0];
  }
  if (a.kind === "embedding" && b.kind === "embedding") return mergeEmbeddings(a, b);
  throw new assert.AssertionError({ message: `${a.kind} and ${b.kind} are of two fields` });
}

/** When neither the spec nor chance gave both the same number of dimensions, the one with more vectors (then the smaller) holds. */
function mergeEmbeddings(a: EmbeddingBody, b: EmbeddingBody): [body: EmbeddingBody, strangers: number] {
  const merged: EmbeddingBody = {
    ...a,
    nan: a.nan + b.nan,
    positiveInfinity: a.positiveInfinity + b.positiveInfinity,
    negativeInfinity: a.negativeInfinity + b.negativeInfinity,
    means: a.means.slice(),
    m2s: a.m2s.slice(),
    norms: { ...a.norms },
  };
  if (a.dimensions === b.dimensions) {
    addVectors(merged, b.vectors, b.means, b.m2s);
    merged.norms = mergeMoments(a.norms, b.norms);
    return [merged, 0];
  }
  const own =
    a.vectors - b.vectors || (a.dimensions === 0 ? -1 : b.dimensions === 0 ? 1 : b.dimensions - a.dimensions);
  const [kept, lost] = own > 0 ? [a, b] : [b, a];
  const { dimensions, vectors } = kept;
  return [
    {
      ...merged,
      dimensions,
      vectors,
      means: kept.means.slice(),
      m2s: kept.m2s.slice(),
      norms: { ...kept.norms },
    },
    lost.vectors,
  ];
}

/** Adds `vectors` vectors with these means and sums of squared distances per dimension (Chan et al. 1983). */
export function addVectors(
  into: EmbeddingBody,
  vectors: number,
  means: Float64Array,
  m2s: Float64Array,
): void {
  if (vectors === 0) return;
  const all = into.vectors + vectors;
  const share = vectors / all;
  for (let i = 0; i < into.dimensions; i++) {
    const mean = into.means[i] as number;
    const other = means[i] as number;
    const delta = other - mean;
    into.means[i] = Number.isFinite(delta) ? mean + delta * share : mean * (1 - share) + other * share;
    const between = into.vectors === 0 ? 0 : delta * delta * into.vectors * share; // ∞ · 0 would be NaN
    into.m2s[i] = (into.m2s[i] as number) + (m2s[i] as number) + between;
  }
  into.vectors = all;
}
