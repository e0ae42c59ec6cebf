import type { ClassicalStatistic } from "./classical.ts";
import { populationSd } from "./sample.ts";

export const sdShift: ClassicalStatistic = {
  name: "sdShift",
  title: "Ratio of standard deviations, on a log scale",
  fits: "numeric",
  formula: "ln(SD(current) / SD(reference)), divisors n",
  source: "Nakagawa et al., Methods in Ecology and Evolution 6 (2015): lnVR",
  units: "nats",
  range:
    "any number, positive when the current values spread more; not defined when either sample is constant",
  reading:
    "0.4 is half as much spread again, 0.69 twice. For normal values luck alone gives ±√(½/n + ½/m); heavy tails give several " +
    "times as much.",
  compares: "magnitude",
  evidence: "ranks",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const [before, now] = [populationSd(pair.reference), populationSd(pair.current)];
    return before === 0 || now === 0 ? undefined : { value: Math.log(now / before) };
  },
};
