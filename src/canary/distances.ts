import type { Distance } from "./resample.ts";

/** Added to every cell, so that an empty one costs a finite amount (Jeffreys' prior). */
const pseudocount = 0.5;
/** Cells that production's quantiles make, and labels or items that count for themselves; the rest are one cell. */
const [quantileCells, labelCells] = [10, 50];

/**
 * KL(production ‖ candidate) in nats of counts over the same cells, ½ added to each:  Σ pᵢ ln(pᵢ/qᵢ).
 * @see Kullback & Leibler (1951)
 */
export function klOfCounts(production: Float64Array, candidate: Float64Array): number {
  let [n, m] = [0, 0];
  for (let cell = 0; cell < production.length; cell++) {
    n += (production[cell] as number) + pseudocount;
    m += (candidate[cell] as number) + pseudocount;
  }
  let sum = 0;
  for (let cell = 0; cell < production.length; cell++) {
    const p = ((production[cell] as number) + pseudocount) / n;
    const q = ((candidate[cell] as number) + pseudocount) / m;
    sum += p * Math.log(p / q);
  }
  return Math.max(0, sum);
}

/**
 * Numbers, in cells between production's quantiles. Beyond its range by more than its width lie cells of their own, so that
 * ×1000 is not just "large"; up to ten distinct values are each a cell.
 */
export function numberDistance(production: Float64Array, candidate: Float64Array): Distance {
  const place = cellsOf(production);
  return countDistance(production.map(place.cell), candidate.map(place.cell), place.cells);
}

function cellsOf(values: Float64Array): { readonly cells: number; cell(value: number): number } {
  const sorted = Float64Array.from(values).sort();
  const distinct = [...new Set(sorted)];
  const [low, high] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  if (distinct.length <= quantileCells) {
    // value, gap, value, gap… with gaps at both ends
    const cell = (value: number): number => {
      const below = countBelow(distinct, value);
      return distinct[below] === value ? 2 * below + 1 : 2 * below;
    };
    return { cells: 2 * distinct.length + 1, cell };
  }
  const edges = Array.from(
    { length: quantileCells - 1 },
    (_, index) => sorted[Math.floor(((index + 1) / quantileCells) * sorted.length)] as number,
  );
  const bounds = [low - (high - low), ...new Set(edges), high + (high - low)];
  return { cells: bounds.length + 1, cell: (value) => countBelow(bounds, value) };
}

/** How many of the ascending `bounds` are below `value`. */
function countBelow(bounds: readonly number[], value: number): number {
  let [from, to] = [0, bounds.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((bounds[middle] as number) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Labels: the 50 most frequent of both are a cell each. */
export function labelDistance(production: readonly string[], candidate: readonly string[]): Distance {
  const { code, cells } = codesOf([production, candidate]);
  return countDistance(production.map(code), candidate.map(code), cells);
}

/** Frequency of items over all ranked lists, wherever in the list they stand. */
export function itemDistance(
  production: readonly (readonly string[])[],
  candidate: readonly (readonly string[])[],
): Distance {
  const { code, cells } = codesOf([...production, ...candidate]);
  const [ours, theirs] = [production, candidate].map((lists) =>
    lists.map((items) => Int32Array.from(items, code)),
  ) as [Int32Array[], Int32Array[]];
  const [a, b] = [new Float64Array(cells), new Float64Array(cells)];
  /** A list counts as one answer however long it is: its items share it. */
  const addList = (into: Float64Array, items: Int32Array): void => {
    for (const item of items) add(into, item, 1 / items.length);
  };
  return (picks, swapped) => {
    a.fill(0);
    b.fill(0);
    for (const pair of picks) {
      const swap = swapped?.[pair] === 1;
      addList(swap ? b : a, ours[pair] as Int32Array);
      addList(swap ? a : b, theirs[pair] as Int32Array);
    }
    return klOfCounts(a, b);
  };
}

function add(into: Float64Array, cell: number, weight: number): void {
  into[cell] = (into[cell] as number) + weight;
}

/** The most frequent names get the codes from 0 on, all others the one after. */
function codesOf(lists: readonly (readonly string[])[]): {
  code(name: string): number;
  readonly cells: number;
} {
  const counts = new Map<string, number>();
  for (const names of lists) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, labelCells);
  const codes = new Map(ranked.map(([name], index) => [name, index]));
  return { code: (name) => codes.get(name) ?? codes.size, cells: codes.size + 1 };
}

function countDistance(production: ArrayLike<number>, candidate: ArrayLike<number>, cells: number): Distance {
  const [a, b] = [new Float64Array(cells), new Float64Array(cells)];
  return (picks, swapped) => {
    a.fill(0);
    b.fill(0);
    for (const pair of picks) {
      const swap = swapped?.[pair] === 1;
      add(swap ? b : a, production[pair] as number, 1);
      add(swap ? a : b, candidate[pair] as number, 1);
    }
    return klOfCounts(a, b);
  };
}

/**
 * Vectors by their centroid: d²/2, with d the L2 distance of the centroids in units of production's mean standard deviation
 * of a dimension. That is the KL divergence of two isotropic normal distributions of that spread.
 */
export function centroidDistance(
  production: readonly (readonly number[])[],
  candidate: readonly (readonly number[])[],
): Distance {
  const dimensions = production[0]?.length ?? 0;
  const flat = (vectors: readonly (readonly number[])[]): Float64Array => Float64Array.from(vectors.flat());
  const [ours, theirs] = [flat(production), flat(candidate)];
  const sd = meanDeviation(ours, dimensions);
  const gap = new Float64Array(dimensions);
  return (picks, swapped) => {
    gap.fill(0);
    for (const pair of picks) {
      const sign = swapped?.[pair] === 1 ? -1 : 1;
      const at = pair * dimensions;
      for (let d = 0; d < dimensions; d++)
        gap[d] = (gap[d] as number) + sign * ((theirs[at + d] as number) - (ours[at + d] as number));
    }
    let squares = 0;
    for (const sum of gap) squares += (sum / picks.length / sd) ** 2;
    return squares / 2;
  };
}

/** Mean over the dimensions of their standard deviation; where nothing varies, a thousandth of the mean size, or 1. */
function meanDeviation(values: Float64Array, dimensions: number): number {
  const rows = values.length / Math.max(1, dimensions);
  let [deviations, size] = [0, 0];
  for (let d = 0; d < dimensions; d++) {
    let [mean, squares] = [0, 0];
    for (let row = 0; row < rows; row++) mean += (values[row * dimensions + d] as number) / rows;
    for (let row = 0; row < rows; row++) squares += ((values[row * dimensions + d] as number) - mean) ** 2;
    deviations += Math.sqrt(squares / Math.max(1, rows - 1)) / dimensions;
    size += Math.abs(mean) / dimensions;
  }
  return deviations > 0 ? deviations : size > 0 ? size / 1_000 : 1;
}
