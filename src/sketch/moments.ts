import { kernel } from "./kernel.ts";
import type { Sketch } from "./sketch.ts";
import { createReader, createWriter, type Reader, type Writer } from "./wire.ts";

/**
 * Count, mean, variance and extremes of finite numbers. Mutable: `add…` changes it, everything else returns. Mean and m2 are within
 * 1e-12 of the exact ones (the mean relative to the larger of itself and the SD), however the values were cut into parts, but for
 * numbers as small as the smallest double: a mean is known to one of it a part, and distances from the mean below 1e-154, whose
 * squares are below it, count as none.
 */
export interface Moments {
  count: number;
  mean: number;
  /** Sum of squared distances from the mean, in squared units of the field. */
  m2: number;
  /** +Infinity and −Infinity when empty. */
  min: number;
  max: number;
  /**
   * What rounding took from `mean`: the mean is mean + residue. Without it the mean of 1e9 ± 1 is only known to 1e-7,
   * and every merge would lose digits of m2.
   */
  residue?: number;
}

export const createMoments = (): Moments => ({
  count: 0,
  mean: 0,
  m2: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  residue: 0,
});

/** Both at once: Chan, Golub & LeVeque, "Algorithms for computing the sample variance" (1983). */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const into = { ...a };
  addMoments(into, b);
  return into;
}

/** `mergeMoments` in place. */
export function addMoments(into: Moments, more: Moments): void {
  addPart(into, more.count, more.mean, more.residue ?? 0, more.m2, more.min, more.max);
}

/** Adds `values[from, to)`, every one finite. */
export function addColumn(into: Moments, values: Float64Array, from: number, to: number): void {
  const { dense, rows, sum } = kernel;
  for (let start = from; start < to; start += rows) {
    const size = Math.min(rows, to - start);
    dense.set(values.subarray(start, start + size));
    addDense(into, size, sum(size));
  }
}

/**
 * Adds `kernel.dense[0, size)`, every one finite. Two passes, the second over the distances from the mean that the first one
 * found, so that no outlier and no offset costs digits.
 * @param sum  their sum; infinite when it passes the largest double
 */
export function addDense(into: Moments, size: number, sum: number): void {
  if (size === 0) return;
  if (!Number.isFinite(sum)) {
    for (const x of kernel.dense.subarray(0, size)) addPart(into, 1, x, 0, 0, x, x);
    return;
  }
  const shift = sum / size;
  kernel.addUp(size, shift);
  const { sums } = kernel;
  const [s1, s2, min, max] = [sums[0] as number, sums[1] as number, sums[2] as number, sums[3] as number];
  // Squares that pass the largest double stay infinite: ∞ − ∞ would be NaN.
  const m2 = s2 === Number.POSITIVE_INFINITY ? s2 : Math.max(0, s2 - (s1 * s1) / size);
  addPart(into, size, shift, s1 / size, m2, min, max);
}

function addPart(
  into: Moments,
  count: number,
  mean: number,
  residue: number,
  m2: number,
  min: number,
  max: number,
): void {
  if (count === 0) return;
  // + 0: of −0 and 0 neither comes first, and which one is kept must not depend on the order of rows
  if (min < into.min) into.min = min + 0;
  if (max > into.max) into.max = max + 0;
  if (into.count === 0) {
    // A first part of any size has nothing to be far from, and keeps its residue.
    into.count = count;
    into.mean = mean;
    into.residue = residue;
    into.m2 = m2;
    return;
  }
  const all = into.count + count;
  const [own, share] = [into.mean, count / all];
  const ownResidue = into.residue ?? 0;
  const delta = mean - own + (residue - ownResidue);
  if (Number.isFinite(delta)) {
    const step = delta * share + ownResidue;
    into.mean = own + step;
    into.residue = step - (into.mean - own);
    into.m2 += m2 + delta * delta * into.count * share;
  } else {
    into.mean = own * (1 - share) + mean * share;
    into.residue = 0;
    into.m2 = Number.POSITIVE_INFINITY;
  }
  into.count = all;
}

/** Sample variance (n − 1), in squared units; 0 with fewer than two values. */
export function variance(moments: Moments): number {
  return moments.count < 2 ? 0 : moments.m2 / (moments.count - 1);
}

/** Sample standard deviation; 0 with fewer than two values. */
export function deviation(moments: Moments): number {
  return Math.sqrt(variance(moments));
}

export function writeMoments(writer: Writer, moments: Moments): void {
  writer.count(moments.count);
  if (moments.count === 0) return;
  for (const value of [moments.mean, moments.residue ?? 0, moments.m2, moments.min, moments.max])
    writer.float(value);
}

export function readMoments(reader: Reader): Moments {
  const moments = createMoments();
  moments.count = reader.count();
  if (moments.count === 0) return moments;
  moments.mean = reader.number();
  moments.residue = reader.number();
  moments.m2 = reader.number();
  moments.min = reader.number();
  moments.max = reader.number();
  if (moments.m2 < 0 || moments.min > moments.max) throw reader.corrupt("moments that cannot be");
  return moments;
}

const version = 1;

/** Whether two numbers are the same but for rounding. */
const close = (a: number, b: number, scale: number): boolean => a === b || Math.abs(a - b) <= 1e-12 * scale;

/** Encoded as a version byte, count, mean, residue, m2, min, max. */
export const moments: Sketch<Moments, number> = {
  create: createMoments,
  add: (into, x) => addPart(into, 1, x, 0, 0, x, x),
  merge: mergeMoments,
  agrees: (a, b) =>
    a.count === b.count &&
    a.min === b.min &&
    a.max === b.max &&
    // below the smallest normal double a share is rounded to a unit of the smallest, once for each part
    (close(a.mean, b.mean, Math.max(Math.abs(a.mean), deviation(a))) ||
      Math.abs(a.mean - b.mean) <= a.count * Number.MIN_VALUE) &&
    // m2 of nearly equal numbers is rounding itself: the yardstick is what one ulp of the values makes. Squares below the
    // smallest normal double have lost digits, or all of them.
    (close(a.m2, b.m2, Math.max(a.m2, b.m2, a.count * 1e-18 * Math.max(a.max * a.max, a.min * a.min))) ||
      Math.max(a.m2, b.m2) < a.count * 2 ** -1022),
  encode(state) {
    const writer = createWriter();
    writer.byte(version);
    writeMoments(writer, state);
    return writer.done();
  },
  decode(bytes) {
    const reader = createReader(bytes, "moments");
    if (reader.byte() !== version) throw reader.corrupt(`version ${bytes[0]}`);
    const state = readMoments(reader);
    reader.end();
    return state;
  },
};
