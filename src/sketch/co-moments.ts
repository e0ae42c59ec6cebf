import type { Reader, Writer } from "./wire.ts";

/**
 * How two columns move together: sums over the rows in which both have a value. Both are given in units of their own (about
 * 0 ± 1) and are cut off at ±`unitsMax`, so that no outlier makes a correlation, and plain sums keep their digits. Merging adds.
 */
export interface CoMoments {
  count: number;
  x: number;
  y: number;
  xx: number;
  yy: number;
  xy: number;
}

/** Values beyond it count as it. */
export const unitsMax = 3;

export const createCoMoments = (): CoMoments => ({ count: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0 });

/** Adds rows `[from, to)`; a row in which either is NaN is left out. */
export function addPairs(
  into: CoMoments,
  xs: Float64Array,
  ys: Float64Array,
  from: number,
  to: number,
): void {
  let [count, x, y, xx, yy, xy] = [0, 0, 0, 0, 0, 0];
  for (let row = from; row < to; row++) {
    const a = xs[row] as number;
    const b = ys[row] as number;
    const ab = a * b;
    if (Number.isNaN(ab)) continue;
    count += 1;
    x += a;
    y += b;
    xx += a * a;
    yy += b * b;
    xy += ab;
  }
  into.count += count;
  into.x += x;
  into.y += y;
  into.xx += xx;
  into.yy += yy;
  into.xy += xy;
}

/** Neither argument is changed. */
export function mergeCoMoments(a: CoMoments, b: CoMoments): CoMoments {
  return {
    count: a.count + b.count,
    x: a.x + b.x,
    y: a.y + b.y,
    xx: a.xx + b.xx,
    yy: a.yy + b.yy,
    xy: a.xy + b.xy,
  };
}

/** Pearson's r, in [−1, 1]; undefined when one of them does not vary, or with fewer than 4 rows. */
export function correlation({ count, x, y, xx, yy, xy }: CoMoments): number | undefined {
  if (count < 4) return undefined;
  const [varianceX, varianceY] = [xx - (x * x) / count, yy - (y * y) / count];
  if (!(varianceX > 1e-9 * count && varianceY > 1e-9 * count)) return undefined;
  return Math.max(-1, Math.min(1, (xy - (x * y) / count) / Math.sqrt(varianceX * varianceY)));
}

export function writeCoMoments(writer: Writer, { count, x, y, xx, yy, xy }: CoMoments): void {
  writer.count(count);
  for (const sum of [x, y, xx, yy, xy]) writer.float(sum);
}

/** @throws Fault `sketch.corrupt` */
export function readCoMoments(reader: Reader): CoMoments {
  const count = reader.count();
  const [x, y, xx, yy, xy] = [
    reader.number(),
    reader.number(),
    reader.number(),
    reader.number(),
    reader.number(),
  ];
  return { count, x, y, xx, yy, xy };
}
