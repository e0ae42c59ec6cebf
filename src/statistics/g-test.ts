import type { ClassicalStatistic } from "./classical.ts";
import { logLikelihoodTerm, sumOfTable } from "./contingency.ts";
import { chiSquareLogTail } from "./tails.ts";

export const gTest: ClassicalStatistic = {
  name: "gTest",
  title: "G-test, log-likelihood ratio of the 2 × K table",
  fits: "categorical",
  formula: "2 Σ O·ln(O/E) over both samples and all categories, E = row total · column total / (n + m)",
  source: "Wilks, Annals of Mathematical Statistics 9 (1938); Sokal & Rohlf, Biometry (1981)",
  units: "twice nats",
  range: "0 (same shares) upwards, symmetric; not defined with one category",
  reading:
    "Read like `chiSquare`, from which it differs when cells are empty or drift is large. G/(2(n + m)) is the information in " +
    "nats that a value gives about which sample it is from.",
  pValue: "chi-square with K − 1 degrees of freedom",
  compares: "value",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "categorical") return undefined;
    const cells = pair.cells();
    const dof = cells.reference.length - 1;
    if (dof < 1) return undefined;
    const value = Math.max(0, sumOfTable(cells, logLikelihoodTerm));
    return { value, logP: chiSquareLogTail(value, dof), dof };
  },
};
