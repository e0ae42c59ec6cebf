import type { ClassicalStatistic } from "./classical.ts";
import { cramerVonMisesLogTail } from "./tails.ts";
import { walk } from "./walk.ts";

export const cramerVonMises: ClassicalStatistic = {
  name: "cramerVonMises",
  title: "Cramér–von Mises, two samples",
  fits: "numeric",
  formula:
    "T = U/(nm(n + m)) − (4nm − 1)/(6(n + m)), U = n Σ (rᵢ − i)² + m Σ (sⱼ − j)²; r, s the ranks in both samples together, ties by their mean",
  source: "Anderson, Annals of Mathematical Statistics 33 (1962)",
  units: "none",
  range:
    "about 0 (same values, all different) to nm/(n + m)/3 (no overlap), symmetric; not defined with a single value",
  reading:
    "Undrifted it is about 1/6 whatever the size, and passes 0.461 in 5% and 0.743 in 1% of windows. It grows with the rows, so " +
    "that a threshold on the value is a threshold on the p-value. Equal values within a sample raise it without any drift (rounded numbers, counts, constants): use KS there. A sketch " +
    "spreads the values of a bucket and is free of that.",
  pValue: "Smirnov's limit, T scaled to the limit's mean and variance",
  compares: "value",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const { reference, current } = pair;
    const [n, m] = [reference.total, current.total];
    const [product, all] = [n * m, n + m];
    if (n < 2 || m < 2) return undefined;
    const exact = reference.exact && current.exact;
    let [ofReference, ofCurrent] = [0, 0];
    walk(reference, current, ({ here, there, hereBelow, thereBelow }) => {
      ofReference += squaresOf(here, thereBelow + there / 2, exact ? 1 : there / here);
      ofCurrent += squaresOf(there, hereBelow + here / 2, exact ? 1 : here / there);
    });
    const value = (n * ofReference + m * ofCurrent) / (product * all) - (4 * product - 1) / (6 * all);
    const mean = (1 + 1 / all) / 6;
    const variance =
      ((all + 1) / (all * all)) * ((4 * product * all - 3 * (n * n + m * m) - 2 * product) / (180 * product));
    const scaled = 1 / 6 + (value - mean) / Math.sqrt(45 * variance);
    return Number.isFinite(scaled) ? { value, logP: cramerVonMisesLogTail(scaled) } : { value };
  },
};

/**
 * Σ (rank − i)² over `count` equal values, about their middle so that large ranks keep their digits.
 * @param ahead  values of the other sample below them, equal ones half
 * @param slope  1: equal values share a rank; within a bucket, which hides their order, the other sample's lie evenly between
 */
function squaresOf(count: number, ahead: number, slope: number): number {
  return count === 0 ? 0 : count * ahead * ahead + (slope * slope * count * (count * count - 1)) / 12;
}
