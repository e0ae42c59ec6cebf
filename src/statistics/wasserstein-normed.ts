import type { ClassicalStatistic } from "./classical.ts";
import { populationSd } from "./sample.ts";
import { integrateGap } from "./walk.ts";

export const wassersteinNormed: ClassicalStatistic = {
  name: "wassersteinNormed",
  title: "Wasserstein distance in standard deviations of the reference",
  fits: "numeric",
  formula: "∫ |F(x) − G(x)| dx / SD(reference), divisor n",
  source: "Vallender (1974); the scaling is Evidently's default for numbers",
  units: "standard deviations of the reference",
  range: "0 (same values) upwards; not defined when the reference is constant",
  reading:
    "0.1 is the usual cut: a tenth of a standard deviation. For normal values luck alone gives about 1.3·√(1/n + 1/m): half of " +
    "all undrifted windows of 140 rows pass 0.1, and heavy tails give more.",
  compares: "value",
  evidence: "ranks",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const sd = populationSd(pair.reference);
    return sd === 0 ? undefined : { value: integrateGap(pair.reference, pair.current, Math.abs) / sd };
  },
};
