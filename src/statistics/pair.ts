import type { CategoricalSample, NumericSample, Sample } from "./sample.ts";

/** A reference and what is compared with it, of the same kind. */
export type Pair = NumericPair | CategoricalPair;

export interface NumericPair {
  readonly kind: "numeric";
  readonly reference: NumericSample;
  readonly current: NumericSample;
  /** Cut at the reference's deciles; made once a pair. */
  readonly cells: () => Cells;
}

export interface CategoricalPair {
  readonly kind: "categorical";
  readonly reference: CategoricalSample;
  readonly current: CategoricalSample;
  /** One a category of either, in the order of code points. */
  readonly cells: () => Cells;
}

/** Counts of both samples over the same cells. */
export interface Cells {
  readonly reference: Float64Array;
  readonly current: Float64Array;
  readonly referenceTotal: number;
  readonly currentTotal: number;
}

const deciles = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** @returns undefined for numbers against categories */
export function pairOf(reference: Sample, current: Sample): Pair | undefined {
  if (reference.kind === "numeric" && current.kind === "numeric") {
    return { kind: "numeric", reference, current, cells: once(() => binned(reference, current)) };
  }
  if (reference.kind === "categorical" && current.kind === "categorical") {
    return { kind: "categorical", reference, current, cells: once(() => counted(reference, current)) };
  }
  return undefined;
}

/**
 * Inner edges: the deciles of a sample, repeated ones left out. Linear between neighbours in rank: definition 7 of Hyndman &
 * Fan, "Sample quantiles in statistical packages" (1996), rounded as numpy does it, because a value on an edge belongs above.
 */
export function decileEdges({ values, counts, total }: NumericSample): readonly number[] {
  const edges: number[] = [];
  let [at, upTo] = [0, counts[0] as number]; // `upTo` values are ≤ values[at]
  for (const decile of deciles) {
    const rank = (total - 1) * decile;
    const whole = Math.floor(rank);
    while (upTo <= whole) upTo += counts[++at] as number;
    const low = values[at] as number;
    const high = upTo <= whole + 1 ? (values[at + 1] ?? low) : low;
    const share = rank - whole;
    const edge = share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share);
    if (edge !== edges.at(-1)) edges.push(edge);
  }
  return edges;
}

/** Order of Unicode code points: UTF-16 would put 😀 before U+FFFD. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return codeOrder(x) - codeOrder(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other code unit. */
function codeOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function binned(reference: NumericSample, current: NumericSample): Cells {
  const edges = decileEdges(reference);
  return {
    reference: countBetween(edges, reference),
    current: countBetween(edges, current),
    referenceTotal: reference.total,
    currentTotal: current.total,
  };
}

/** Bin i holds edge[i − 1] ≤ x < edge[i]; the outer ones are open. */
function countBetween(edges: readonly number[], { values, counts }: NumericSample): Float64Array {
  const bins = new Float64Array(edges.length + 1);
  let bin = 0;
  for (let i = 0; i < values.length; i++) {
    while (bin < edges.length && (values[i] as number) >= (edges[bin] as number)) bin++;
    bins[bin] = (bins[bin] as number) + (counts[i] as number);
  }
  return bins;
}

function counted(reference: CategoricalSample, current: CategoricalSample): Cells {
  const categories = [...new Set([...reference.counts.keys(), ...current.counts.keys()])].sort(byCodePoint);
  return {
    reference: Float64Array.from(categories, (category) => reference.counts.get(category) ?? 0),
    current: Float64Array.from(categories, (category) => current.counts.get(category) ?? 0),
    referenceTotal: reference.total,
    currentTotal: current.total,
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
