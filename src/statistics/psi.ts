import type { ClassicalStatistic } from "./classical.ts";
import { sumOverFilledCells } from "./proportions.ts";

export const psi: ClassicalStatistic = {
  name: "psi",
  title: "Population stability index",
  fits: "both",
  formula: "Σ (q − p)·ln(q/p) over cells; a share of 0 counts as 0.0001",
  source: "Jeffreys (1946); Siddiqi, Credit Risk Scorecards (2006); Yurdakul, PhD thesis (2018)",
  units: "nats",
  range: "0 (same shares) upwards, symmetric",
  reading:
    "The trade's cuts are 0.1 (look) and 0.2 or 0.25 (act). They are right for one window size only: undrifted, " +
    "PSI·nm/(n + m) follows χ² with K − 1 degrees of freedom, so PSI is about (K − 1)(1/n + 1/m) by luck alone.",
  compares: "value",
  evidence: "cells",
  measure: (pair) => ({ value: sumOverFilledCells(pair.cells(), (p, q) => (q - p) * Math.log(q / p)) }),
};
