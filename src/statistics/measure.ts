import type { ClassicalName } from "../model/verdict.ts";
import type { ClassicalStatistic, Measured } from "./classical.ts";
import type { Pair } from "./pair.ts";
import { classicalStatistics } from "./table.ts";

/** Whether a statistic is computed over samples of this kind. */
export function fits({ fits: kinds }: ClassicalStatistic, kind: Pair["kind"]): boolean {
  return kinds === "both" || kinds === kind;
}

/** @returns undefined where it is not defined, or its value is no finite number */
export function measureOne(statistic: ClassicalStatistic, pair: Pair): Measured | undefined {
  const told = statistic.sizesSuffice === true || !(pair.reference.sizesOnly || pair.current.sizesOnly);
  const measured = told && fits(statistic, pair.kind) ? statistic.measure(pair) : undefined;
  return measured !== undefined && Number.isFinite(measured.value) ? measured : undefined;
}

/** Every statistic that fits the pair and is defined for it, in the table's order. */
export function measureAll(pair: Pair): ReadonlyMap<ClassicalName, Measured> {
  const all = new Map<ClassicalName, Measured>();
  for (const statistic of classicalStatistics) {
    const measured = measureOne(statistic, pair);
    if (measured !== undefined) all.set(statistic.name, measured);
  }
  return all;
}
