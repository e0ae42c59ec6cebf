import type { FieldSpec } from "../model/feature-view.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { FieldProfile, RuleName } from "../profile/profile.ts";
import { logBinomialLowerTail, logBinomialUpperTail } from "../statistics/special.ts";
import type { StatisticHistory } from "./baseline.ts";
import { bothSides, logTailMax } from "./evidence.ts";
import { type Gauge, percent, type Reading, type Seen, type Statistic } from "./statistic.ts";

/** No baseline proves that a thing never happens: its rate is taken to be at least this. */
const rateFloor = 5e-4;

/** A rate this far (in units) beyond what the baseline's windows did is still like them. */
const slack = 0.25;

export interface RateOptions {
  readonly name: StatisticName;
  /** Smallest unit: two of them are the smallest step that may open a breaker. */
  readonly floor: number;
  /** Whether a fall is as bad as a rise. */
  readonly twoSided: boolean;
  /** Whether the question makes sense; `reference` is the baseline's profile. */
  readonly applies: (field: FieldSpec, reference: FieldProfile | undefined) => boolean;
  /** Rows that are counted, among how many; undefined when the profile cannot say. */
  readonly count: (
    profile: FieldProfile,
    field: FieldSpec,
    reference: FieldProfile | undefined,
  ) => Share | undefined;
  /** A share above which, surely, the breaker opens whatever the baseline says. Judged without a baseline too. */
  readonly limit?: (field: FieldSpec, seen: Seen) => number | undefined;
  /** The rule whose example is shown. */
  readonly rule?: RuleName;
  /** `are outside the mapping`. */
  readonly predicate: string;
  /** What makes up most of it, for people: `"United States" 39%`; empty when nothing is to be shown. */
  readonly contributions?: (seen: Seen, field: FieldSpec) => string;
}

export interface Share {
  readonly hits: number;
  readonly rows: number;
}

/**
 * A share of rows against the baseline's share. Unit: the window-to-window SD, at least `floor`. Tail: exact binomial,
 * against the highest (lowest) rate that the baseline's windows have certainly had, a little slack added.
 */
export function rateStatistic(options: RateOptions): Statistic {
  const { name, applies } = options;
  return {
    name,
    reads: "counts",
    prepare(field, reference) {
      if (!applies(field, reference)) return undefined;
      const share = reference === undefined ? undefined : options.count(reference, field, reference);
      if (share === undefined || share.rows === 0) return createGauge(options, field, undefined, undefined);
      return createGauge(options, field, reference, share);
    },
  };
}

function createGauge(
  options: RateOptions,
  field: FieldSpec,
  reference: FieldProfile | undefined,
  share: Share | undefined,
): Gauge {
  return {
    varies: true,
    read(seen, history) {
      const counted = options.count(seen.profile, field, reference);
      if (counted === undefined) return undefined;
      const limit = options.limit?.(field, seen);
      if (share === undefined && limit === undefined) return undefined;
      const drift = share === undefined ? undefined : compare(options, field, counted, share, history);
      return withLimit(options, field, seen, counted, limit, drift);
    },
  };
}

type Compared = Pick<Reading, "expected" | "unit" | "error" | "logTail">;

function compare(
  { floor: own, twoSided }: RateOptions,
  field: FieldSpec,
  { hits, rows }: Share,
  reference: Share,
  history: StatisticHistory | undefined,
): Compared {
  const pooled = reference.hits / reference.rows;
  const expected = history === undefined ? pooled : history.mean;
  const unit = Math.max(history?.sd ?? 0, field.drift.floor ?? own);
  const likely = Math.max((reference.hits + 1) / (reference.rows + 2), rateFloor);
  const error = binomialError(likely, rows);
  const high = Math.min(1, Math.max(likely, history?.high ?? 0) + slack * unit);
  const low = Math.max(0, Math.min(pooled, history?.low ?? 1) - slack * unit);
  let logTail = 0;
  if (hits > rows * high) logTail = logBinomialUpperTail(hits, rows, high);
  else if (twoSided && hits < rows * low) logTail = logBinomialLowerTail(hits, rows, low);
  return { expected, unit, error, logTail: twoSided ? bothSides(logTail) : logTail };
}

function withLimit(
  options: RateOptions,
  field: FieldSpec,
  seen: Seen,
  { hits, rows }: Share,
  limit: number | undefined,
  drift: Compared | undefined,
): Reading {
  const observed = rows === 0 ? 0 : hits / rows;
  const expected = drift?.expected ?? limit ?? 0;
  const unit = drift?.unit ?? field.drift.floor ?? options.floor;
  const error = drift?.error ?? Math.sqrt(Math.max(expected, rateFloor) / Math.max(1, rows));
  const over = limit !== undefined && observed > limit;
  const limitTail = over ? logBinomialUpperTail(hits, rows, limit) : 0;
  const broken = over && limitTail < logTailMax;
  return {
    rows,
    observed,
    expected,
    unit,
    error,
    ownError: Math.max(error, binomialError(observed, rows)),
    overLimit: over,
    z: (observed - expected) / error,
    ...(isNumeric(field) ? {} : { change: Math.abs(observed - expected) }),
    logTail: Math.min(drift?.logTail ?? 0, limitTail),
    ...(broken ? { broken: "rate" as const } : {}),
    example: options.rule === undefined ? undefined : seen.profile.rules.get(options.rule)?.example,
    say() {
      const usual = drift === undefined ? "" : `expected ${percent(expected)}`;
      const allowed = limit === undefined ? "" : `${usual === "" ? "" : ", "}allowed ${percent(limit)}`;
      const most = options.contributions?.(seen, field) ?? "";
      return `${percent(observed)} of ${field.name} ${options.predicate} (${usual}${allowed})${most === "" ? "" : `: ${most}`}`;
    },
  };
}

function binomialError(share: number, rows: number): number {
  return Math.sqrt((share * (1 - Math.min(share, 0.999))) / Math.max(1, rows));
}

/** A number's `ignoreBelow` is in its own unit, not a share. */
function isNumeric({ type }: FieldSpec): boolean {
  return type !== "string" && type !== "bool" && type !== "embedding";
}
