import { type Answers, answerChecks } from "./answers.ts";
import { type CanaryOptions, type Check, isSuccess, type Pair } from "./check.ts";
import { type Component, compareOutputs } from "./compare.ts";
import { type Latency, latencyCheck } from "./latency.ts";
import type { GoldenQuery, Output } from "./outputs.ts";

export const canaryDefaults: CanaryOptions = {
  maxKl: 0.1,
  minQueries: 100,
  maxLatencyRatio: 1.5,
  maxIncrease: 0.01,
  minRbo: undefined,
  seed: 1,
};

/** Share of the golden queries that production itself must answer. */
const producedMin = 0.9;

export type CanaryVerdict = "promote" | "abort" | "inconclusive";

export interface CanaryResult {
  readonly verdict: CanaryVerdict;
  /** Why it is not `promote`; the decisive first. Empty otherwise. */
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  /** Queries of the golden set, and those that both answered. */
  readonly queries: number;
  readonly n: number;
  /** The largest divergence of any part of the output, in nats; null when nothing could be compared. */
  readonly kl: number | null;
  readonly threshold: number;
  readonly checks: readonly Check[];
  /** Every part of the output: the whole (`""`), or a key of it. */
  readonly components: readonly Component[];
  readonly latency: Latency | null;
  readonly answers: Answers;
  readonly options: CanaryOptions;
}

/**
 * Compares a candidate's answers to the golden set with production's. Pure and seeded: the same answers, the same verdict.
 *
 * abort: something is surely worse · inconclusive: too few queries to say, or production itself fails · promote: neither.
 */
export function judgeCanary(
  golden: readonly GoldenQuery[],
  production: readonly Output[],
  candidate: readonly Output[],
  options: CanaryOptions,
): CanaryResult {
  const pairs = pairUp(golden, production, candidate);
  const { answers, checks: answerResults, answered } = answerChecks(pairs, options);
  const { components, checks: outputResults } = compareOutputs(answered, options);
  const latency = latencyCheck(answered, options);
  const checks: Check[] = [
    queriesCheck(golden.length, answered.length, pairs, options),
    ...answerResults,
    ...outputResults,
    ...(latency === undefined ? [] : [latency.check]),
  ];
  const because = (result: Check["result"]): string[] =>
    checks.filter((check) => check.result === result).map(({ summary }) => summary);
  const [aborts, doubts] = [because("abort"), because("inconclusive")];
  const few = checks[0]?.result === "inconclusive";
  const verdict = few
    ? "inconclusive"
    : aborts.length > 0
      ? "abort"
      : doubts.length > 0
        ? "inconclusive"
        : "promote";
  const divergences = components.flatMap(({ kl }) => (kl === null ? [] : [kl.value]));
  return {
    verdict,
    reasons: few ? [...doubts, ...aborts] : [...aborts, ...doubts],
    warnings: because("warn"),
    queries: golden.length,
    n: answered.length,
    kl: divergences.length === 0 ? null : Math.max(...divergences),
    threshold: options.maxKl,
    checks,
    components,
    latency: latency?.latency ?? null,
    answers,
    options,
  };
}

/** An id without a record is a query without an answer. */
function pairUp(
  golden: readonly GoldenQuery[],
  production: readonly Output[],
  candidate: readonly Output[],
): readonly Pair[] {
  const [ours, theirs] = [production, candidate].map(
    (outputs) => new Map(outputs.map((each) => [each.id, each])),
  );
  const none = (id: string): Output => ({
    id,
    status: 0,
    latencyMs: undefined,
    output: undefined,
    error: "no record of it",
  });
  return golden.map(({ id }) => ({
    production: ours?.get(id) ?? none(id),
    candidate: theirs?.get(id) ?? none(id),
  }));
}

function queriesCheck(
  queries: number,
  answered: number,
  pairs: readonly Pair[],
  { minQueries }: CanaryOptions,
): Check {
  const name = "queries";
  if (queries < minQueries) {
    const summary = `${queries} golden queries, ${minQueries} wanted: too few to decide`;
    return { name, result: "inconclusive", summary };
  }
  const produced = pairs.filter(({ production }) => isSuccess(production)).length;
  if (produced < producedMin * queries) {
    const summary = `production answered ${produced} of ${queries} golden queries, ${producedMin * 100}% wanted: nothing to compare with`;
    return { name, result: "inconclusive", summary };
  }
  return { name, result: "pass", summary: `${queries} golden queries, ${answered} answered by both` };
}
