import type { Cells } from "./pair.ts";

/** Sum over both rows of the 2 × K table of a term of the observed count and the one expected if both rows were alike. */
export function sumOfTable(
  { reference, current, referenceTotal, currentTotal }: Cells,
  term: (observed: number, expected: number) => number,
): number {
  const all = referenceTotal + currentTotal;
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    const [before, now] = [reference[i] as number, current[i] as number];
    const column = before + now;
    if (column === 0) continue;
    sum += term(before, (column * referenceTotal) / all) + term(now, (column * currentTotal) / all);
  }
  return sum;
}

/** 2·O·ln(O/E), 0 for O = 0: what a cell adds to G. */
export function logLikelihoodTerm(observed: number, expected: number): number {
  return observed === 0 ? 0 : 2 * observed * Math.log(observed / expected);
}
