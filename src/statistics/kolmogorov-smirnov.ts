import type { ClassicalStatistic } from "./classical.ts";
import type { NumericSample } from "./sample.ts";
import { kolmogorovLogTail } from "./tails.ts";
import { walk } from "./walk.ts";

/** The exact p-value takes n·m steps: no more than this. */
const exactStepsMax = 1_000_000;

export const kolmogorovSmirnov: ClassicalStatistic = {
  name: "ks",
  title: "Kolmogorov–Smirnov, two samples",
  fits: "numeric",
  formula: "max |F(x) − G(x)| over x, F and G the shares of values ≤ x",
  source: "Kolmogorov (1933); Smirnov (1939); Hodges, Arkiv för Matematik 3 (1958) for the exact p-value",
  units: "share of rows",
  range: "0 (same values) to 1 (no overlap), symmetric, a metric",
  reading:
    "0.1: at some value the share below it moved by ten points. p < 0.05 is a poor alarm: with many windows it is wrong every " +
    "twentieth time, and with 100,000 rows on either side it fires at 0.006. With ties the p-value is on the safe side.",
  pValue:
    "Kolmogorov's limit at D·√(nm/(n + m)); `exactPValue` beside it counts the orders of n + m values without ties, up to nm = 1,000,000",
  compares: "value",
  evidence: "own",
  measure(pair) {
    if (pair.kind !== "numeric") return undefined;
    const { reference, current } = pair;
    const [n, m] = [reference.total, current.total];
    let largest = 0; // n·m·D, a whole number
    walk(reference, current, (step) => {
      const gap = (step.hereBelow + step.here) * m - (step.thereBelow + step.there) * n;
      largest = Math.max(largest, Math.abs(gap));
    });
    const value = largest / (n * m);
    const logP = kolmogorovLogTail(value * Math.sqrt((n * m) / (n + m)));
    if (!isSmall(reference, current)) return { value, logP };
    return { value, logP, exactPValue: exactTail(n, m, largest) };
  },
};

function isSmall(a: NumericSample, b: NumericSample): boolean {
  return a.exact && b.exact && a.total * b.total <= exactStepsMax;
}

/**
 * The probability that a random order of n and m values reaches |i·m − j·n| ≥ `least` after some i and j of them: from the
 * end of the walk to its start, each cell the mean of the two that may follow it, so that nothing is subtracted.
 */
function exactTail(n: number, m: number, least: number): number {
  if (least === 0) return 1;
  const reached = new Float64Array(m + 1);
  for (let i = n; i >= 0; i--) {
    for (let j = m; j >= 0; j--) {
      if (Math.abs(i * m - j * n) >= least) {
        reached[j] = 1;
        continue;
      }
      const left = n - i + (m - j);
      const viaReference = i < n ? (n - i) * (reached[j] as number) : 0;
      const viaCurrent = j < m ? (m - j) * (reached[j + 1] as number) : 0;
      reached[j] = left === 0 ? 0 : (viaReference + viaCurrent) / left;
    }
  }
  return reached[0] as number;
}
