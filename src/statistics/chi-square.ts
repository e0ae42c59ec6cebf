import type { ClassicalStatistic } from "./classical.ts";
import { sumOfTable } from "./contingency.ts";
import { chiSquareLogTail } from "./tails.ts";

export const chiSquare: ClassicalStatistic = {
  name: "chiSquare",
  title: "Pearson's chi-square of the 2 × K table",
  fits: "categorical",
  formula:
    "Σ (O − E)²/E over both samples and all categories, E = row total · column total / (n + m); no correction",
  source: "Pearson, Philosophical Magazine 50 (1900)",
  units: "none",
  range: "0 (same shares) to n + m, symmetric; not defined with one category",
  reading:
    "Undrifted it is about K − 1, whatever the rows; drift makes it grow with them, so judge by the p-value and look at `tv` for " +
    "how far. Where many E are below 5 (ids, free text) its p-value is too small.",
  pValue: "chi-square with K − 1 degrees of freedom",
  compares: "value",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "categorical") return undefined;
    const cells = pair.cells();
    const dof = cells.reference.length - 1;
    if (dof < 1) return undefined;
    const value = sumOfTable(cells, (observed, expected) => (observed - expected) ** 2 / expected);
    return { value, logP: chiSquareLogTail(value, dof), dof };
  },
};
