import type { ClassicalStatistic } from "./classical.ts";
import { chiSquareLogTail } from "./tails.ts";

export const chiSquareFit: ClassicalStatistic = {
  name: "chiSquareFit",
  title: "Pearson's chi-square, goodness of fit",
  fits: "categorical",
  formula: "Σ (O − m·p)²/(m·p) over categories, O the current counts",
  source: "Pearson, Philosophical Magazine 50 (1900)",
  units: "none",
  range:
    "0 (same shares) upwards, not symmetric; not defined with one category, or with a value that the reference lacks",
  reading:
    "Takes the reference's shares for the truth: right when it is far larger than the window, too sure of itself otherwise, where " +
    "`chiSquare` is right. Undrifted it is about K − 1.",
  pValue: "chi-square with K − 1 degrees of freedom",
  compares: "value",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "categorical") return undefined;
    const { reference, current, referenceTotal, currentTotal } = pair.cells();
    const dof = reference.length - 1;
    if (dof < 1 || reference.includes(0)) return undefined;
    let value = 0;
    for (let i = 0; i < reference.length; i++) {
      const expected = ((reference[i] as number) * currentTotal) / referenceTotal;
      value += ((current[i] as number) - expected) ** 2 / expected;
    }
    return { value, logP: chiSquareLogTail(value, dof), dof };
  },
};
