import type { ClassicalStatistic } from "./classical.ts";
import { meanDifference, populationSd } from "./sample.ts";

export const meanShift: ClassicalStatistic = {
  name: "meanShift",
  title: "Shift of the mean in standard deviations of the reference",
  fits: "numeric",
  formula: "(mean(current) − mean(reference)) / SD(reference), divisor n",
  source: "Glass's Δ: Glass, Educational Researcher 5 (1976), with the divisor n",
  units: "standard deviations of the reference",
  range: "any number, positive when the current mean is higher; not defined when the reference is constant",
  reading:
    "0.2 is small, 0.5 medium, 0.8 large (Cohen 1988). Luck alone gives ±√(1/n + 1/m). One outlier moves it: the breaker's own " +
    "`location` is the same idea on ranks.",
  compares: "magnitude",
  evidence: "ranks",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const sd = populationSd(pair.reference);
    return sd === 0 ? undefined : { value: meanDifference(pair.reference, pair.current) / sd };
  },
};
