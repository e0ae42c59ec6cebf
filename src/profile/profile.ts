import type { RuleName as CheckRuleName } from "../check/rule.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { EventTime, Window } from "../model/time.ts";
import type { Example, Segment } from "../model/verdict.ts";
import type { Categories } from "../sketch/categories.ts";
import type { CoMoments } from "../sketch/co-moments.ts";
import type { Distinct } from "../sketch/distinct.ts";
import type { Histogram } from "../sketch/histogram.ts";
import type { Moments } from "../sketch/moments.ts";

/**
 * Everything tidemark keeps of one window of one segment of one feature view: counts and sketches, no rows.
 * A commutative monoid under `mergeProfiles`, with `emptyProfile` as its identity; counts are exact integers.
 */
export interface WindowProfile {
  readonly featureView: string;
  /** Fingerprint of the spec. */
  readonly spec: string;
  readonly segment: Segment | null;
  readonly window: Window;
  rows: number;
  /**
   * Rows that came while this window was the newest, for windows that had closed: counted, not profiled. Of the whole view
   * only; a window's own late rows can no longer be written into it.
   */
  late: number;
  /** Smallest and largest event time seen; +Infinity and −Infinity when empty. */
  firstEvent: EventTime;
  lastEvent: EventTime;
  readonly fields: ReadonlyMap<string, FieldProfile>;
  /** Of the whole view, and of a baseline that names pairs: in the baseline's order. */
  readonly pairs?: readonly PairProfile[];
}

/** Two numeric fields whose correlation is watched. */
export interface PairName {
  readonly a: string;
  readonly b: string;
}

export interface PairProfile extends PairName {
  readonly moments: CoMoments;
}

/** The rules that cells break; one file each in `check/`. */
export type RuleName = CheckRuleName;

export interface RuleCount {
  /** Rows that break the rule. */
  count: number;
  /** The earliest by (event time, position); `undefined` when count is 0. */
  example: Example | undefined;
}

/**
 * One field of one window. Every row falls in exactly one of: `missing` (the column is absent from its batch), `misfits`
 * (wrong type), `nulls`, or a value. `rows = missing + misfits + nulls + values`.
 */
export interface FieldProfile {
  readonly type: FieldType;
  rows: number;
  nulls: number;
  /** Rows whose batch lacks the column: rule `missing`. Rows of a wrong type: rule `type`. Only rules with a count stand here. */
  readonly rules: Map<RuleName, RuleCount>;
  readonly body: FieldBody;
}

export type FieldBody = NumericBody | StringBody | BoolBody | EmbeddingBody;

/** int*, uint*, float*, derived fields, and timestamps (epoch ms). */
export interface NumericBody {
  readonly kind: "numeric";
  nan: number;
  positiveInfinity: number;
  negativeInfinity: number;
  /** Of the finite values: count, mean, m2, min, max. */
  moments: Moments;
  histogram: Histogram;
  distinct: Distinct;
}

export interface StringBody {
  readonly kind: "string";
  /** Values inside the mapping and outside it (`default_rate` = misses / (hits + misses)); 0 and 0 without a mapping. */
  mappingHits: number;
  mappingMisses: number;
  /** Exact counts per value up to `Limits.categories` values, bounded frequent items beyond. */
  categories: Categories;
  /** The most frequent values outside the mapping. */
  unknowns: Categories;
  distinct: Distinct;
  /** In bytes of UTF-8; Infinity and 0 when empty. */
  minBytes: number;
  maxBytes: number;
}

export interface BoolBody {
  readonly kind: "bool";
  trues: number;
  falses: number;
}

export interface EmbeddingBody {
  readonly kind: "embedding";
  /** Declared by the spec, or taken from the first row. Vectors of another length break rule `dimensions` and are not summed. */
  dimensions: number;
  /** Vectors that are not finite, each under its first element that is not; null elements are NaN. */
  nan: number;
  positiveInfinity: number;
  negativeInfinity: number;
  /** Vectors of finite elements, in `perDimension`; a vector with a NaN or infinity is only counted. */
  vectors: number;
  /** Per dimension: sum of x and of x² around 0 shift, as mean and m2 (Chan). Length `dimensions`. */
  means: Float64Array;
  m2s: Float64Array;
  /** Of the L2 norms of the vectors. */
  norms: Moments;
}
