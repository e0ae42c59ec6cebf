import type { Cells } from "./pair.ts";

/** What a share of 0 counts as where a logarithm or a quotient is taken: an empty cell costs a finite amount. */
export const emptyShare = 1e-4;

/** Sum over cells of a term of both shares, p of the reference and q of the current sample. */
export function sumOverCells(cells: Cells, term: (p: number, q: number) => number): number {
  let sum = 0;
  for (let i = 0; i < cells.reference.length; i++) {
    sum += term(
      (cells.reference[i] as number) / cells.referenceTotal,
      (cells.current[i] as number) / cells.currentTotal,
    );
  }
  return sum;
}

/** The same with `emptyShare` in place of 0. The others are not made smaller for it. */
export function sumOverFilledCells(cells: Cells, term: (p: number, q: number) => number): number {
  return sumOverCells(cells, (p, q) => term(p === 0 ? emptyShare : p, q === 0 ? emptyShare : q));
}
