import type { ClassicalStatistic } from "./classical.ts";
import { sumOverCells } from "./proportions.ts";

export const totalVariation: ClassicalStatistic = {
  name: "tv",
  title: "Total variation distance",
  fits: "both",
  formula: "½ Σ |q − p| over cells",
  source: "Gibbs & Su, On choosing and bounding probability metrics (2002)",
  units: "share of rows",
  range: "0 (same shares) to 1 (nothing in common), symmetric, a metric",
  reading:
    "The share of rows that would have to change their value for both samples to agree: 0.1 is one row in ten, whatever the " +
    "window size. Luck alone makes up to ½ Σ √(p(1 − p)(1/n + 1/m)) of it.",
  compares: "value",
  evidence: "cells",
  measure: (pair) => ({ value: sumOverCells(pair.cells(), (p, q) => Math.abs(q - p)) / 2 }),
};
