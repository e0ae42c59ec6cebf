import type { ClassicalStatistic } from "./classical.ts";
import { pooledZ } from "./two-proportion.ts";

export const nullShift: ClassicalStatistic = {
  name: "nullShift",
  title: "Shift of the share of nulls",
  fits: "both",
  formula: "nulls(current)/cells(current) − nulls(reference)/cells(reference)",
  source: "two-proportion z-test: Fleiss, Statistical Methods for Rates and Proportions (1981)",
  units: "share of cells",
  range: "−1 to 1, positive when there are more nulls",
  reading: "0.1: ten more cells in a hundred are null. Every other statistic leaves nulls out.",
  pValue: "two-proportion z, both sides; none when neither sample has a null",
  compares: "magnitude",
  evidence: "own",
  sizesSuffice: true,
  measure({ reference, current }) {
    const [n, m] = [reference.total + reference.nulls, current.total + current.nulls];
    const value = current.nulls / m - reference.nulls / n;
    const logP = pooledZ(reference.nulls, n, current.nulls, m)?.logP;
    return logP === undefined ? { value } : { value, logP };
  },
};
