import type { Sketch } from "./sketch.ts";
import { createReader, createWriter, type Reader, type Writer } from "./wire.ts";

/**
 * Count, mean, variance and extremes of finite numbers. Mutable: `add…` changes it, everything else returns. Mean and m2 are within
 * 1e-12 of the exact ones (the mean relative to the larger of itself and the SD), however the values were cut into parts; distances
 * from the mean below 1e-154 have squares below the smallest double and count as none.
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

/**
 * Adds `values[from, to)`, every one finite. Two passes, the second over the distances from the first one's mean, so that
 * no outlier and no offset costs digits.
 */
export function addColumn(into: Moments, values: Float64Array, from: number, to: number): void {
  const sum = sumOf(values, from, to);
  if (Number.isFinite(sum)) addColumnAround(into, values, from, to, sum / (to - from));
  else
    for (let i = from; i < to; i++)
      addPart(into, 1, values[i] as number, 0, 0, values[i] as number, values[i] as number);
}

/** Sum of `values[from, to)`; not finite if one of them is not (or when the sum passes 1.8e308). */
export function sumOf(values: Float64Array, from: number, to: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    s0 += values[i] as number;
    s1 += values[i + 1] as number;
    s2 += values[i + 2] as number;
    s3 += values[i + 3] as number;
  }
  for (; i < to; i++) s0 += values[i] as number;
  return s0 + s1 + (s2 + s3);
}

/** `addColumn` for a caller that knows `sumOf`: `shift` = sum / count, finite. */
export function addColumnAround(
  into: Moments,
  values: Float64Array,
  from: number,
  to: number,
  shift: number,
): void {
  if (to <= from) return;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  let min = values[from] as number;
  let max = min;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const x0 = values[i] as number;
    const x1 = values[i + 1] as number;
    const x2 = values[i + 2] as number;
    const x3 = values[i + 3] as number;
    if (x0 < min) min = x0;
    if (x0 > max) max = x0;
    if (x1 < min) min = x1;
    if (x1 > max) max = x1;
    if (x2 < min) min = x2;
    if (x2 > max) max = x2;
    if (x3 < min) min = x3;
    if (x3 > max) max = x3;
    const d0 = x0 - shift;
    const d1 = x1 - shift;
    const d2 = x2 - shift;
    const d3 = x3 - shift;
    a0 += d0;
    b0 += d0 * d0;
    a1 += d1;
    b1 += d1 * d1;
    a2 += d2;
    b2 += d2 * d2;
    a3 += d3;
    b3 += d3 * d3;
  }
  for (; i < to; i++) {
    const x = values[i] as number;
    if (x < min) min = x;
    if (x > max) max = x;
    a0 += x - shift;
    b0 += (x - shift) * (x - shift);
  }
  const n = to - from;
  const s1 = a0 + a1 + (a2 + a3);
  const s2 = b0 + b1 + (b2 + b3);
  // Squares that pass the largest double stay infinite: ∞ − ∞ would be NaN.
  const m2 = s2 === Number.POSITIVE_INFINITY ? s2 : Math.max(0, s2 - (s1 * s1) / n);
  addPart(into, n, shift, s1 / n, m2, min, max);
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
    close(a.mean, b.mean, Math.max(Math.abs(a.mean), deviation(a))) &&
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
