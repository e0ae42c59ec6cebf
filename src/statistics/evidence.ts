import type { ClassicalStatistic, Measured } from "./classical.ts";
import { logLikelihoodTerm, sumOfTable } from "./contingency.ts";
import { kolmogorovSmirnov } from "./kolmogorov-smirnov.ts";
import type { Cells, Pair } from "./pair.ts";
import { chiSquareLogTail } from "./tails.ts";

/** Cells that expect fewer current rows than this are put together: below it chi-square is no distribution of G. */
const expectedMin = 5;

/**
 * ln of the probability of a difference like this by luck, 0 when nothing tells: the statistic's own p-value, or for one
 * without it the G-test over its cells, or Kolmogorov–Smirnov (over categories the G-test).
 */
export function logLuck({ evidence }: ClassicalStatistic, measured: Measured, pair: Pair): number {
  if (evidence === "own") return measured.logP ?? 0;
  if (evidence === "ranks" && pair.kind === "numeric") return kolmogorovSmirnov.measure(pair)?.logP ?? 0;
  const cells = gathered(pair.cells());
  const dof = cells.reference.length - 1;
  return dof < 1 ? 0 : chiSquareLogTail(sumOfTable(cells, logLikelihoodTerm), dof);
}

/** The cells that expect enough of both samples together, and one of all others. */
function gathered(cells: Cells): Cells {
  const { referenceTotal, currentTotal } = cells;
  const share = Math.min(referenceTotal, currentTotal) / (referenceTotal + currentTotal);
  const [reference, current]: [number[], number[]] = [[], []];
  let [restBefore, restNow] = [0, 0];
  for (let i = 0; i < cells.reference.length; i++) {
    const [before, now] = [cells.reference[i] as number, cells.current[i] as number];
    if ((before + now) * share >= expectedMin) {
      reference.push(before);
      current.push(now);
    } else {
      restBefore += before;
      restNow += now;
    }
  }
  if (restBefore + restNow > 0) {
    reference.push(restBefore);
    current.push(restNow);
  }
  return {
    reference: Float64Array.from(reference),
    current: Float64Array.from(current),
    referenceTotal,
    currentTotal,
  };
}
