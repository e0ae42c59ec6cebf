import type { ClassicalStatistic } from "./classical.ts";
import { byCodePoint } from "./pair.ts";
import { pooledZ } from "./two-proportion.ts";

export const twoProportionZ: ClassicalStatistic = {
  name: "twoProportionZ",
  title: "Two-proportion z of the reference's most frequent value",
  fits: "categorical",
  formula:
    "(q − p)/√(P(1 − P)(1/n + 1/m)), p and q the share of the value in each, P in both together; first by code point among equals",
  source: "Fleiss, Statistical Methods for Rates and Proportions (1981)",
  units: "standard errors",
  range:
    "any number, positive when the share has risen; not defined when nothing else, or nothing of it, occurs",
  reading:
    "|z| > 2 happens in 5% of undrifted windows, |z| > 6 in two of a billion. It looks at one value only: a swap among the others " +
    "escapes it.",
  pValue: "normal, both sides",
  compares: "magnitude",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "categorical") return undefined;
    const { reference, current } = pair;
    let [most, times] = ["", 0];
    for (const [category, count] of reference.counts) {
      if (count > times || (count === times && byCodePoint(category, most) < 0))
        [most, times] = [category, count];
    }
    return pooledZ(times, reference.total, current.counts.get(most) ?? 0, current.total);
  },
};
