import type { ClassicalStatistic } from "./classical.ts";
import { integrateGap } from "./walk.ts";

export const energy: ClassicalStatistic = {
  name: "energy",
  title: "Energy distance",
  fits: "numeric",
  formula: "√(2 ∫ (F(x) − G(x))² dx) = √(2E|X − Y| − E|X − X′| − E|Y − Y′|)",
  source: "Székely & Rizzo, Journal of Statistical Planning and Inference 143 (2013)",
  units: "square root of the field's unit",
  range: "0 (same values) upwards, symmetric, a metric",
  reading:
    "Calmer than Wasserstein under heavy tails, because a small gap counts by its square. A normal shift of 0.25 SD gives about " +
    "0.19·√SD, one of 1 SD about 0.73·√SD.",
  compares: "value",
  evidence: "ranks",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    return { value: Math.sqrt(2 * integrateGap(pair.reference, pair.current, (gap) => gap * gap)) };
  },
};
