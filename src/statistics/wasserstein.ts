import type { ClassicalStatistic } from "./classical.ts";
import { integrateGap } from "./walk.ts";

export const wasserstein: ClassicalStatistic = {
  name: "wasserstein",
  title: "Wasserstein distance of order 1, earth mover's distance",
  fits: "numeric",
  formula: "∫ |F(x) − G(x)| dx",
  source: "Vallender, Theory of Probability and its Applications 18 (1974)",
  units: "units of the field",
  range: "0 (same values) upwards, symmetric, a metric",
  reading:
    "How far a value moves on average when one sample is turned into the other by the shortest way; never less than the " +
    "difference of the means. A threshold is in the field's own units: seconds, euros. Heavy tails give it much luck.",
  compares: "value",
  evidence: "ranks",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    return { value: integrateGap(pair.reference, pair.current, Math.abs) };
  },
};
