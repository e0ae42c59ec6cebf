/** Where the buckets are finest (`centre`) and how wide one unit is (`scale` > 0): the baseline's median and IQR. */
export interface Frame {
  readonly centre: number;
  readonly scale: number;
}

/** The frame of a field without a baseline. */
export const unitFrame: Frame = { centre: 0, scale: 1 };

/** Counts per bucket of (x − centre) / scale. Mutable through `addValues` only. */
export interface Histogram {
  readonly frame: Frame;
  /** Values added. */
  total: number;
  /** Page of each slot (sign and exponent), plus one; 0 where nothing was counted yet. */
  readonly pages: Uint16Array;
  pageCount: number;
  /** 64 counts a page. */
  counts: Uint32Array | Float64Array;
}

export function createHistogram(frame: Frame): Histogram {
  return { frame, total: 0, pages: new Uint16Array(256), pageCount: 0, counts: new Uint32Array(64) };
}

/** Adds `values[from, to)`, every one finite. */
export function addValues(into: Histogram, _values: Float64Array, from: number, to: number): void {
  into.total += to - from;
}

/** Neither argument is changed. Frames must be equal. */
export function mergeHistograms(a: Histogram, _b: Histogram): Histogram {
  return a;
}

/** The buckets that hold something, ascending by value. Indices are stable for a frame: negative below the centre, 0 around it. */
export function buckets(_histogram: Histogram): { index: Int32Array; count: Float64Array } {
  return { index: new Int32Array(0), count: new Float64Array(0) };
}

/** `[lower, upper)` of a bucket, in units of the field. The outermost two are open: ±Infinity. */
export function bucketBounds(_frame: Frame, _index: number): readonly [number, number] {
  return [0, 0];
}

/** A value that stands for the bucket, always finite. */
export function bucketMiddle(_frame: Frame, _index: number): number {
  return 0;
}

/** The bucket that a finite value falls in. */
export function bucketOf(_frame: Frame, _value: number): number {
  return 0;
}

/** The q-quantile, q in [0, 1]; NaN when empty. */
export function quantile(_histogram: Histogram, _q: number): number {
  return Number.NaN;
}

/** Share of values ≤ x, in [0, 1], linear within a bucket; NaN when empty. */
export function cdf(_histogram: Histogram, _x: number): number {
  return Number.NaN;
}
