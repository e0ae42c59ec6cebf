import { normalLogSf } from "../statistics/special.ts";
import type { CanaryOptions, Check, Pair } from "./check.ts";
import { createDice } from "./resample.ts";

/** A difference that nobody can notice aborts nothing, however sure it is. */
const noticedMs = 1;
const [surely, bootstraps] = [0.01, 1_000];

export interface Latency {
  readonly n: number;
  readonly production: Quantiles;
  readonly candidate: Quantiles;
  /** Candidate's median and p95 over production's. */
  readonly medianRatio: number;
  readonly p95Ratio: number;
  /** One-sided Mann–Whitney test that the candidate is no slower. */
  readonly pValue: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Undefined when not all answers say how long they took. A slower middle aborts, and so does a slower tail. */
export function latencyCheck(
  pairs: readonly Pair[],
  { maxLatencyRatio, seed }: CanaryOptions,
): { latency: Latency; check: Check } | undefined {
  const timed = pairs.flatMap(({ production: { latencyMs: ours }, candidate: { latencyMs: theirs } }) =>
    ours === undefined || theirs === undefined ? [] : [{ ours, theirs }],
  );
  if (timed.length < 20) return undefined;
  const [ours, theirs] = [timed.map((pair) => pair.ours), timed.map((pair) => pair.theirs)];
  const [production, candidate] = [quantilesOf(ours), quantilesOf(theirs)];
  const pValue = mannWhitneyAbove(ours, theirs);
  const ratio = (a: number, b: number): number => (a > 0 ? b / a : b > noticedMs ? Number.MAX_VALUE : 1);
  const medianRatio = ratio(production.p50, candidate.p50);
  const p95Ratio = ratio(production.p95, candidate.p95);
  const latency = { n: timed.length, production, candidate, medianRatio, p95Ratio, pValue };
  const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;
  const told = `median latency ${ms(candidate.p50)}, ${ms(production.p50)} in production (× ${Number(medianRatio.toPrecision(3))}, p ${pValue.toPrecision(2)}); p95 ${ms(candidate.p95)}, ${ms(production.p95)} (× ${Number(p95Ratio.toPrecision(3))})`;
  const middle =
    medianRatio > maxLatencyRatio && candidate.p50 - production.p50 > noticedMs && pValue < surely;
  const tail =
    p95Ratio > maxLatencyRatio &&
    candidate.p95 - production.p95 > noticedMs &&
    lowestTailRatio(ours, theirs, seed) > maxLatencyRatio;
  const slower = middle || tail;
  const summary = slower ? `${told}: more than × ${maxLatencyRatio}` : told;
  return { latency, check: { name: "latency", result: slower ? "abort" : "pass", summary } };
}

/** Lower end of the bootstrap interval of the ratio of the p95s, over queries. */
function lowestTailRatio(ours: readonly number[], theirs: readonly number[], seed: number): number {
  const dice = createDice(seed);
  const [a, b] = [new Float64Array(ours.length), new Float64Array(ours.length)];
  const ratios = Float64Array.from({ length: bootstraps }, () => {
    for (let pair = 0; pair < ours.length; pair++) {
      const pick = dice(ours.length);
      a[pair] = ours[pick] as number;
      b[pair] = theirs[pick] as number;
    }
    a.sort();
    b.sort();
    return quantileOf(b, 0.95) / Math.max(quantileOf(a, 0.95), 1e-9);
  }).sort();
  return ratios[Math.floor(surely * bootstraps)] as number;
}

function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  return { p50: quantileOf(sorted, 0.5), p95: quantileOf(sorted, 0.95), p99: quantileOf(sorted, 0.99) };
}

/**
 * Mann–Whitney's U as a normal score with continuity and ties corrected: how surely values of `b` tend to be above those of `a`.
 * @returns one-sided p-value of "not above"; 1 when either is empty
 * @see Mann & Whitney (1947); ties: Lehmann, "Nonparametrics" (1975), ch. 1.4
 */
export function mannWhitneyAbove(a: readonly number[], b: readonly number[]): number {
  const [n, m] = [a.length, b.length];
  if (n === 0 || m === 0) return 1;
  const all = [...a.map((value) => ({ value, ofB: 0 })), ...b.map((value) => ({ value, ofB: 1 }))].sort(
    (x, y) => x.value - y.value,
  );
  let [rankSum, ties] = [0, 0];
  for (let from = 0; from < all.length; ) {
    let to = from;
    let inB = 0;
    while (to < all.length && all[to]?.value === all[from]?.value) inB += all[to++]?.ofB ?? 0;
    const size = to - from;
    rankSum += (inB * (from + 1 + to)) / 2;
    ties += size ** 3 - size;
    from = to;
  }
  const u = rankSum - (m * (m + 1)) / 2;
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  return Math.exp(normalLogSf((u - (n * m) / 2 - 0.5) / Math.sqrt(variance)));
}

/** Nearest rank. @param sorted ascending, not empty */
function quantileOf(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  return sorted[rank - 1] as number;
}
