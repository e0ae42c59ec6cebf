import type { ClassicalStatistic } from "./classical.ts";
import { sumOverFilledCells } from "./proportions.ts";

export const jensenShannon: ClassicalStatistic = {
  name: "js",
  title: "Jensen–Shannon distance",
  fits: "both",
  formula: "√(½ Σ p·log₂(p/a) + ½ Σ q·log₂(q/a)) over cells, a = (p + q)/2; a share of 0 counts as 0.0001",
  source: "Lin, IEEE Transactions on Information Theory 37 (1991); Endres & Schindelin (2003)",
  units: "√bit",
  range: "0 (same shares) to 1 (nothing in common), symmetric, a metric",
  reading:
    "0.1 is the usual cut. It is a square root: a quarter of the drift gives half the distance, and luck alone gives about " +
    "√((K − 1)(1/n + 1/m)/5.5), which passes 0.1 below some 160 rows with 10 bins.",
  compares: "value",
  evidence: "cells",
  measure(pair) {
    const bits = sumOverFilledCells(pair.cells(), (p, q) => {
      const middle = (p + q) / 2;
      return q * Math.log2(q / middle) + p * Math.log2(p / middle);
    });
    return { value: Math.sqrt(Math.max(0, bits / 2)) };
  },
};
