import type { ClassicalStatistic } from "./classical.ts";
import type { Pair } from "./pair.ts";
import { logGamma } from "./special.ts";

export const distinctShift: ClassicalStatistic = {
  name: "distinctShift",
  title: "Ratio of distinct values at equal size, on a log scale",
  fits: "both",
  formula:
    "ln(D(current)/D(reference)), D the number of distinct values expected among k = min(n, m) drawn without replacement: " +
    "Σ 1 − C(N − Nᵢ, k)/C(N, k) over values",
  source: "Hurlbert, Ecology 52 (1971): rarefaction",
  units: "nats",
  range:
    "any number, positive when the current values are more diverse; from arrays and exact category counts only",
  reading:
    "0.69: twice as many distinct values among as many rows. Without rarefaction a longer window would always have more. A frozen " +
    "feed falls to −ln D, a mapping that splits values rises.",
  compares: "magnitude",
  evidence: "ranks",
  measure(pair) {
    if (pair.kind === "numeric" && !(pair.reference.exact && pair.current.exact)) return undefined;
    const [reference, current] = countsOf(pair);
    const size = Math.min(pair.reference.total, pair.current.total);
    return { value: Math.log(rarefied(current, size) / rarefied(reference, size)) };
  },
};

function countsOf(pair: Pair): [Iterable<number>, Iterable<number>] {
  return pair.kind === "numeric"
    ? [pair.reference.counts, pair.current.counts]
    : [pair.reference.counts.values(), pair.current.counts.values()];
}

/** Distinct values expected among `size` drawn without replacement. */
function rarefied(counts: Iterable<number>, size: number): number {
  const all = [...counts].sort((a, b) => a - b); // the same sum, whatever the order of rows
  const total = all.reduce((sum, count) => sum + count, 0);
  if (size >= total) return all.length;
  const missed = new Map<number, number>(); // by count: values are many, different counts few
  let sum = 0;
  for (const count of all) {
    let miss = missed.get(count);
    if (miss === undefined) {
      miss = missProbability(total, count, size);
      missed.set(count, miss);
    }
    sum += 1 - miss;
  }
  return sum;
}

/** C(total − count, size)/C(total, size): the probability to draw none of `count`. */
function missProbability(total: number, count: number, size: number): number {
  if (count > total - size) return 0;
  if (count === 1) return (total - size) / total;
  return Math.exp(
    logGamma(total - count + 1) +
      logGamma(total - size + 1) -
      logGamma(total - count - size + 1) -
      logGamma(total + 1),
  );
}
