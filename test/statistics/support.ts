import type { ClassicalName } from "../../src/model/verdict.ts";
import type { ClassicalStatistic, Measured } from "../../src/statistics/classical.ts";
import { measureAll, measureOne } from "../../src/statistics/measure.ts";
import { type Pair, pairOf } from "../../src/statistics/pair.ts";
import { categoricalSample, numericSample } from "../../src/statistics/sample.ts";
import { classicalStatistics } from "../../src/statistics/table.ts";

/** The pair of two arrays, numbers or strings. */
export function pairOfArrays(
  reference: readonly number[] | readonly string[],
  current: readonly number[] | readonly string[],
): Pair {
  const pair = pairOf(sampleOf(reference), sampleOf(current));
  if (pair === undefined) throw new TypeError("numbers against strings");
  return pair;
}

export function measured(
  reference: readonly number[] | readonly string[],
  current: readonly number[] | readonly string[],
): ReadonlyMap<ClassicalName, Measured> {
  return measureAll(pairOfArrays(reference, current));
}

export function statistic(name: ClassicalName): ClassicalStatistic {
  const found = classicalStatistics.find((each) => each.name === name);
  if (found === undefined) throw new TypeError(name);
  return found;
}

export const valueIn = (name: ClassicalName, pair: Pair): number | undefined =>
  measureOne(statistic(name), pair)?.value;

function sampleOf(
  values: readonly number[] | readonly string[],
): ReturnType<typeof numericSample | typeof categoricalSample> {
  const isText = (all: readonly number[] | readonly string[]): all is readonly string[] =>
    typeof all[0] === "string";
  return isText(values) ? categoricalSample(values) : numericSample(values);
}
