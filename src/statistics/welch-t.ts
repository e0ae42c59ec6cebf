import type { ClassicalStatistic } from "./classical.ts";
import { meanDifference } from "./sample.ts";
import { studentLogTail } from "./tails.ts";

export const welchT: ClassicalStatistic = {
  name: "welchT",
  title: "Welch's t",
  fits: "numeric",
  formula:
    "(mean(reference) − mean(current)) / √(s²/n + t²/m), s² and t² the variances with divisors n − 1 and m − 1",
  source: "Welch, Biometrika 34 (1947); degrees of freedom by Satterthwaite (1946)",
  units: "standard errors",
  range:
    "any number, negative when the current mean is higher; not defined without spread or with a single value",
  reading:
    "How many standard errors the means lie apart, not how far: it grows with √rows. |t| > 2 happens in 5% of undrifted windows, " +
    "|t| > 6 in two of a billion. A single outlier hides a shift from it.",
  pValue: "Student's t, both sides",
  compares: "magnitude",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const { reference, current } = pair;
    const [n, m] = [reference.total, current.total];
    if (n < 2 || m < 2) return undefined;
    const [a, b] = [reference.m2 / (n - 1) / n, current.m2 / (m - 1) / m];
    if (a + b === 0) return undefined;
    const value = -meanDifference(reference, current) / Math.sqrt(a + b);
    const [p, q] = [a / (a + b), b / (a + b)];
    const dof = 1 / ((p * p) / (n - 1) + (q * q) / (m - 1));
    return { value, logP: studentLogTail(value, dof) };
  },
};
