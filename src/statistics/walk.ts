import type { NumericSample } from "./sample.ts";

/** One value of either sample, in the walk through both. */
export interface Step {
  value: number;
  /** How often each sample has it. */
  here: number;
  there: number;
  /** Values of each sample below it. */
  hereBelow: number;
  thereBelow: number;
}

/** Visits every different value of two samples, ascending. The step is reused: take numbers from it, don't keep it. */
export function walk(here: NumericSample, there: NumericSample, visit: (step: Readonly<Step>) => void): void {
  const step: Step = { value: 0, here: 0, there: 0, hereBelow: 0, thereBelow: 0 };
  let [i, j] = [0, 0];
  while (i < here.values.length || j < there.values.length) {
    const x = here.values[i] ?? Number.POSITIVE_INFINITY;
    const y = there.values[j] ?? Number.POSITIVE_INFINITY;
    step.hereBelow += step.here;
    step.thereBelow += step.there;
    step.value = Math.min(x, y);
    step.here = x <= y ? (here.counts[i++] as number) : 0;
    step.there = y <= x ? (there.counts[j++] as number) : 0;
    visit(step);
  }
}

/** ∫ f(F(x) − G(x)) dx, where F and G are the distribution functions and f(0) = 0. */
export function integrateGap(
  here: NumericSample,
  there: NumericSample,
  weigh: (gap: number) => number,
): number {
  let [sum, gap, last] = [0, 0, 0];
  walk(here, there, (step) => {
    if (gap !== 0) sum += weigh(gap) * (step.value - last);
    gap = (step.hereBelow + step.here) / here.total - (step.thereBelow + step.there) / there.total;
    last = step.value;
  });
  return sum;
}
