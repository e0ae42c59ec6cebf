import type { ClassicalStatistic } from "./classical.ts";
import { sumOverFilledCells } from "./proportions.ts";

export const kullbackLeibler: ClassicalStatistic = {
  name: "kl",
  title: "Kullback–Leibler divergence of the current sample from the reference",
  fits: "both",
  formula: "Σ q·ln(q/p) over cells; a share of 0 counts as 0.0001",
  source: "Kullback & Leibler, Annals of Mathematical Statistics 22 (1951)",
  units: "nats",
  range: "about 0 upwards (empty cells, counted as 0.0001, may take it to −0.0001 each), not symmetric",
  reading:
    "The log-likelihood a row loses, on average, when the reference is taken for the truth; about half of PSI for small drift. " +
    "0.1 is a plain change. A value that the reference lacks dominates it: 1% of new values add 0.05.",
  compares: "value",
  evidence: "cells",
  measure: (pair) => ({ value: sumOverFilledCells(pair.cells(), (p, q) => q * Math.log(q / p)) }),
};
