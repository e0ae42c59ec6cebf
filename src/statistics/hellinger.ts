import type { ClassicalStatistic } from "./classical.ts";
import { sumOverCells } from "./proportions.ts";

export const hellinger: ClassicalStatistic = {
  name: "hellinger",
  title: "Hellinger distance",
  fits: "both",
  formula: "√(½ Σ (√q − √p)²) over cells",
  source: "Hellinger, Journal für die reine und angewandte Mathematik 136 (1909)",
  units: "none",
  range: "0 (same shares) to 1 (nothing in common), symmetric, a metric",
  reading:
    "0.1 is the usual cut. Empty cells need no patch here, so that new and vanished values count by their share alone. " +
    "Luck alone gives about √((K − 1)(1/n + 1/m)/8).",
  compares: "value",
  evidence: "cells",
  measure: (pair) => ({
    value: Math.sqrt(sumOverCells(pair.cells(), (p, q) => (Math.sqrt(q) - Math.sqrt(p)) ** 2) / 2),
  }),
};
