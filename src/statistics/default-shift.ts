import type { ClassicalStatistic } from "./classical.ts";
import type { CategoricalSample } from "./sample.ts";
import { pooledZ } from "./two-proportion.ts";

export const defaultShift: ClassicalStatistic = {
  name: "defaultShift",
  title: "Shift of the share of default cases",
  fits: "categorical",
  formula:
    "share of values outside the mapping, current − reference; without a mapping the reference's own values are the mapping",
  source: "two-proportion z-test: Fleiss, Statistical Methods for Rates and Proportions (1981)",
  units: "share of values",
  range: "−1 to 1; 0 to 1 without a mapping",
  reading:
    "0.01: one more row in a hundred meets the serving model's default case. Of all statistics here it alone sees a swap of " +
    "'US' for 'United States' for what it is.",
  pValue: "two-proportion z, both sides; none when neither sample has a default case",
  compares: "magnitude",
  evidence: "own",
  sizesSuffice: true,
  measure(pair) {
    if (pair.kind !== "categorical") return undefined;
    const { reference, current } = pair;
    const mapped = reference.defaults !== undefined && current.defaults !== undefined;
    if (!mapped && (reference.sizesOnly || current.sizesOnly)) return undefined;
    const before = mapped ? (reference.defaults ?? 0) : 0;
    const now = mapped ? (current.defaults ?? 0) : unseen(reference, current);
    const value = now / current.total - before / reference.total;
    const logP = pooledZ(before, reference.total, now, current.total)?.logP;
    return logP === undefined ? { value } : { value, logP };
  },
};

function unseen(reference: CategoricalSample, current: CategoricalSample): number {
  let sum = 0;
  for (const [category, count] of current.counts) if (!reference.counts.has(category)) sum += count;
  return sum;
}
