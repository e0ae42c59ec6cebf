import assert from "node:assert/strict";
import { kernel } from "./kernel.ts";
import type { Sketch } from "./sketch.ts";
import { countBytesMax, createReader, createWriter, putCount, type Reader, type Writer } from "./wire.ts";

/** Where the buckets are finest (`centre`) and how wide one unit is (`scale` > 0): the baseline's median and IQR. */
export interface Frame {
  readonly centre: number;
  readonly scale: number;
}

/** The frame of a field without a baseline. */
export const unitFrame: Frame = { centre: 0, scale: 1 };

/**
 * Counts per bucket of d = (x − centre) / scale: sign, binary exponent and 6 bits of the mantissa, read from the bits of the
 * double. A bucket is at most 1/64 of its distance from the centre wide, so its middle is within 0.8% of that distance.
 * |d| < 2^-62 is one bucket around the centre, |d| ≥ 2^64 one at each end. Merging adds counts: no order, no chance.
 *
 * What can be read from it, for x between the two ends, with w = |x − centre| / 64:
 *   a quantile whose true value is x is off by w at most; cdf(x) is between the true shares below x − w and below x + w.
 * In standard deviations of the feature, z of them from its mean, with the centre D of them away from its mean:
 *   w ≤ (|z| + D) / 64 SD. Its own median has D ≤ 1: the middle 95% are off by 0.05 SD at most, and by a tenth of that usually.
 *   A feature that drifted away by D keeps its place to D / 64, and its shape is lost beyond D ≈ 64: the moments still have it.
 */
export interface Histogram {
  readonly frame: Frame;
  /** Values added. */
  total: number;
  /** For each slot (sign and exponent) its page, counted from 1; 0 where nothing was counted yet. Length 256. */
  readonly pages: Uint16Array;
  pageCount: number;
  /** 64 counts a page. Words while they cannot overflow, then doubles: exact to 2^53. */
  counts: Uint32Array | Float64Array;
}

const [exponentMin, exponentMax] = [-62, 63];
const zeroSlot = 128;
const exponents = exponentMax - exponentMin + 1;
/** Index of the open bucket at the upper end; the lower end has its negative. */
const lastIndex = exponents * 64 + 1;
const wordMax = 0xffff_ffff;

export function createHistogram(frame: Frame): Histogram {
  assert(Number.isFinite(frame.centre) && frame.scale > 0 && Number.isFinite(frame.scale));
  return { frame, total: 0, pages: new Uint16Array(256), pageCount: 0, counts: new Uint32Array(256) };
}

/** 1/scale, finite: scales below 2^-1022 count as 2^-1022, which still tells denormals apart. */
const inverseOf = ({ scale }: Frame): number => 1 / Math.max(scale, 2 ** -1022);

/** Adds `values[from, to)`, every one finite. */
export function addValues(into: Histogram, values: Float64Array, from: number, to: number): void {
  const { dense, rows } = kernel;
  for (let start = from; start < to; start += rows) {
    const size = Math.min(rows, to - start);
    dense.set(values.subarray(start, start + size));
    addDense(into, size);
  }
}

/** From so many rows on it pays to carry the counts to the kernel and back. */
const carried = 64;

/** Adds `kernel.dense[0, size)`, every one finite. */
export function addDense(into: Histogram, size: number): void {
  const { frame, pageCount } = into;
  addTotal(into, size);
  if (size < carried) {
    for (let i = 0; i < size; i++) bump(into, keyOf(frame, kernel.dense[i] as number), 1);
    return;
  }
  const { pages, buckets } = kernel;
  const words = into.counts instanceof Uint32Array;
  pages.set(into.pages);
  if (words) buckets.set(into.counts.subarray(0, pageCount * 64));
  else buckets.fill(0, 0, pageCount * 64);
  const used = kernel.tally(size, frame.centre, inverseOf(frame), pageCount);
  if (used > pageCount) {
    into.pages.set(pages);
    into.pageCount = used;
    makePages(into);
  }
  if (words) into.counts.set(buckets.subarray(0, used * 64));
  else
    for (let at = 0; at < used * 64; at++)
      into.counts[at] = (into.counts[at] as number) + (buckets[at] as number);
}

function addTotal(into: Histogram, size: number): void {
  into.total += size;
  if (into.total > wordMax && into.counts instanceof Uint32Array)
    into.counts = Float64Array.from(into.counts);
}

function addPage(into: Histogram, slot: number): number {
  into.pageCount++;
  makePages(into);
  into.pages[slot] = into.pageCount;
  return into.pageCount;
}

/** Room for as many pages as there are in `other`. */
export function makePagesLike(into: Histogram, { pageCount }: Histogram): void {
  makePages(into, Math.max(pageCount, into.pageCount));
}

/** Room for pages: those that there are. */
function makePages(into: Histogram, pageCount = into.pageCount): void {
  const { counts } = into;
  if (pageCount * 64 <= counts.length) return;
  let size = counts.length;
  while (size < pageCount * 64) size *= 2;
  const grown = counts instanceof Uint32Array ? new Uint32Array(size) : new Float64Array(size);
  grown.set(counts);
  into.counts = grown;
}

/** @param key  slot × 64 + lane */
function bump(into: Histogram, key: number, count: number): void {
  const page = (into.pages[key >>> 6] as number) || addPage(into, key >>> 6);
  const at = (page - 1) * 64 + (key & 63);
  into.counts[at] = (into.counts[at] as number) + count;
}

/** Neither argument is changed. Frames must be equal. */
export function mergeHistograms(a: Histogram, b: Histogram): Histogram {
  assert.equal(a.frame.centre, b.frame.centre);
  assert.equal(a.frame.scale, b.frame.scale);
  const total = a.total + b.total;
  const into: Histogram = {
    frame: a.frame,
    total,
    pages: a.pages.slice(),
    pageCount: a.pageCount,
    counts: total > wordMax ? Float64Array.from(a.counts) : a.counts.slice(),
  };
  for (let slot = 0; slot < 256; slot++) {
    const page = b.pages[slot] as number;
    if (page === 0) continue;
    const own = ((into.pages[slot] as number) || addPage(into, slot)) - 1;
    const { counts } = into; // adding a page may have moved them
    for (let lane = 0; lane < 64; lane++) {
      const at = own * 64 + lane;
      counts[at] = (counts[at] as number) + (b.counts[(page - 1) * 64 + lane] as number);
    }
  }
  return into;
}

/**
 * The same values about another centre: each bucket goes as a whole to where its middle lies.
 * @param whole  the values are whole numbers: a bucket that holds one goes to where that lies
 */
export function inFrame(histogram: Histogram, frame: Frame, whole: boolean): Histogram {
  const into = createHistogram(frame);
  addTotal(into, histogram.total);
  const { index, count } = buckets(histogram);
  for (let i = 0; i < index.length; i++) {
    const middle = bucketMiddle(histogram.frame, index[i] as number);
    const nearest = Math.round(middle);
    const holds = whole && bucketOf(histogram.frame, nearest) === index[i];
    bump(into, keyOf(frame, holds ? nearest : middle), count[i] as number);
  }
  return into;
}

/** Where `findBuckets` writes. */
const foundIndex = new Int32Array(256 * 64);
const foundCount = new Float64Array(256 * 64);

/**
 * The buckets that hold something, ascending by value. Indices are the same for every histogram of a frame: negative below the
 * centre, 0 around it, ±8,065 the open ends.
 */
export function buckets(histogram: Histogram): { index: Int32Array; count: Float64Array } {
  const size = findBuckets(histogram);
  return { index: foundIndex.slice(0, size), count: foundCount.slice(0, size) };
}

/** The same in `foundIndex` and `foundCount`, until the next call. @returns how many there are */
function findBuckets({ pages, counts }: Histogram): number {
  const [index, count] = [foundIndex, foundCount];
  let size = 0;
  for (let slot = 1; slot < 256; slot++) {
    const page = pages[slot] as number;
    if (page === 0) continue;
    const start = (page - 1) * 64;
    const first = (Math.abs(slot - zeroSlot) - 1) * 64 + 1;
    if (slot === 1 || slot === zeroSlot || slot === 255) {
      let sum = 0;
      for (let lane = 0; lane < 64; lane++) sum += counts[start + lane] as number;
      index[size] = slot === 1 ? -lastIndex : slot === 255 ? lastIndex : 0;
      count[size++] = sum;
    } else if (slot < zeroSlot) {
      for (let lane = 63; lane >= 0; lane--) {
        const value = counts[start + lane] as number;
        index[size] = -(first + lane);
        count[size] = value;
        size += value > 0 ? 1 : 0; // No branch: which lanes are empty is not to be guessed.
      }
    } else {
      for (let lane = 0; lane < 64; lane++) {
        const value = counts[start + lane] as number;
        index[size] = first + lane;
        count[size] = value;
        size += value > 0 ? 1 : 0;
      }
    }
  }
  return size;
}

/** Distance from the centre, in scales, where bucket `index` ≥ 1 begins. */
function distanceAt(index: number): number {
  const step = index - 1;
  return 2 ** (exponentMin + (step >> 6)) * (1 + (step & 63) / 64);
}

/** Lower and upper bound of a bucket, in units of the field; the one nearer to the centre belongs to it. The outermost are ±Infinity. */
export function bucketBounds(frame: Frame, index: number): readonly [number, number] {
  const scale = 1 / inverseOf(frame);
  if (index === 0) {
    const reach = 2 ** exponentMin * scale;
    return [frame.centre - reach, frame.centre + reach];
  }
  const near = distanceAt(Math.abs(index)) * scale;
  const far =
    Math.abs(index) >= lastIndex ? Number.POSITIVE_INFINITY : distanceAt(Math.abs(index) + 1) * scale;
  return index > 0 ? [frame.centre + near, frame.centre + far] : [frame.centre - far, frame.centre - near];
}

/** A value that stands for the bucket, always finite: its middle, the centre, or the inner bound of an open end. */
export function bucketMiddle(frame: Frame, index: number): number {
  if (index === 0) return frame.centre;
  const [lower, upper] = bucketBounds(frame, index);
  if (index >= lastIndex) return finite(lower);
  return finite(index <= -lastIndex ? upper : lower + (upper - lower) / 2);
}

const finite = (x: number): number => Math.min(Math.max(x, -Number.MAX_VALUE), Number.MAX_VALUE);

const one = new Float64Array(1);
const oneWords = new Int32Array(one.buffer);

/**
 * Slot × 64 + lane of a finite value: what `kernel.measure` does, for one. Slots are 1 lower end, 2…127 negative, 128 centre,
 * 129…254 positive, 255 upper end.
 */
function keyOf(frame: Frame, value: number): number {
  one[0] = (value - frame.centre) * inverseOf(frame);
  const bits = oneWords[1] as number;
  const exponent = ((bits >>> 20) & 0x7ff) - 1023;
  const distance = exponent < exponentMin ? 0 : Math.min(exponent, exponentMax + 1) - exponentMin + 1;
  return (bits < 0 ? zeroSlot - distance : zeroSlot + distance) * 64 + ((bits >>> 14) & 63);
}

/** The bucket that a finite value falls in. */
export function bucketOf(frame: Frame, value: number): number {
  const key = keyOf(frame, value);
  const slot = key >>> 6;
  if (slot === zeroSlot) return 0;
  const distance = Math.abs(slot - zeroSlot);
  const index = distance > exponents ? lastIndex : (distance - 1) * 64 + (key & 63) + 1;
  return slot < zeroSlot ? -index : index;
}

/** What is known of the values besides: no estimate lies outside, and buckets end there. `Moments` are such. */
export interface Extremes {
  readonly min: number;
  readonly max: number;
}

const unbounded: Extremes = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/**
 * The q-quantile, q in [0, 1] (the smallest value with a share of q at or below it), linear within a bucket; NaN when empty.
 * Off by 1/64 of its distance from the centre at most, and by max − min where those are known.
 */
export function quantile(histogram: Histogram, q: number, extremes: Extremes = unbounded): number {
  if (histogram.total === 0) return Number.NaN;
  const { index, count } = buckets(histogram);
  const wanted = Math.min(Math.max(q, 0), 1) * histogram.total;
  let below = 0;
  let at = 0;
  while (at < index.length - 1 && below + (count[at] as number) < wanted) below += count[at++] as number;
  const share = Math.max(wanted - below, 0) / (count[at] as number);
  return within(histogram.frame, index[at] as number, share, extremes);
}

function within(frame: Frame, index: number, share: number, extremes: Extremes): number {
  const [lower, upper] = clippedBounds(frame, index, extremes);
  const value =
    index !== 0 && Number.isFinite(lower) && Number.isFinite(upper)
      ? lower * (1 - share) + upper * share
      : bucketMiddle(frame, index);
  return finite(Math.min(Math.max(value, extremes.min), extremes.max));
}

function clippedBounds(frame: Frame, index: number, { min, max }: Extremes): readonly [number, number] {
  const [lower, upper] = bucketBounds(frame, index);
  return [Math.max(lower, min), Math.min(upper, max)];
}

/** Share of values ≤ x, in [0, 1], linear within a bucket (values around the centre count as equal to it); NaN when empty. */
export function cdf(histogram: Histogram, x: number, extremes: Extremes = unbounded): number {
  if (histogram.total === 0 || Number.isNaN(x)) return Number.NaN;
  if (x >= extremes.max) return 1;
  if (x < extremes.min || x === Number.NEGATIVE_INFINITY) return 0;
  const { frame } = histogram;
  const own = bucketOf(frame, x);
  const { index, count } = buckets(histogram);
  let below = 0;
  for (let i = 0; i < index.length && (index[i] as number) <= own; i++) {
    below += (count[i] as number) * ((index[i] as number) < own ? 1 : shareBelow(frame, own, x, extremes));
  }
  return below / histogram.total;
}

function shareBelow(frame: Frame, index: number, x: number, extremes: Extremes): number {
  if (index === 0) return x >= frame.centre ? 1 : 0;
  const [lower, upper] = clippedBounds(frame, index, extremes);
  if (!Number.isFinite(lower) || !Number.isFinite(upper)) return index > 0 ? 1 : 0;
  return upper > lower ? Math.min(Math.max((x - lower) / (upper - lower), 0), 1) : 1;
}

export function writeHistogram(writer: Writer, histogram: Histogram): void {
  writer.float(histogram.frame.centre);
  writer.float(histogram.frame.scale);
  const size = findBuckets(histogram);
  writer.count(size);
  writer.fill(size * 2 * countBytesMax, (bytes, start) => {
    let at = start;
    let before = -lastIndex;
    for (let i = 0; i < size; i++) {
      const index = foundIndex[i] as number;
      at = putCount(bytes, at, index - before);
      at = putCount(bytes, at, foundCount[i] as number);
      before = index;
    }
    return at;
  });
}

export function readHistogram(reader: Reader): Histogram {
  const [centre, scale] = [reader.number(), reader.number()];
  if (!Number.isFinite(centre) || !Number.isFinite(scale) || scale <= 0)
    throw reader.corrupt(`scale ${scale}`);
  const histogram = createHistogram({ centre, scale });
  const size = reader.length(2);
  if (size > foundIndex.length) throw reader.corrupt(`${size} buckets`);
  const [indices, counts] = [foundIndex, foundCount];
  let index = -lastIndex;
  for (let i = 0; i < size; i++) {
    const step = reader.count();
    index += step;
    if (index > lastIndex || (i > 0 && step === 0)) throw reader.corrupt(`bucket ${index}`);
    const count = reader.count();
    if (count === 0) throw reader.corrupt("an empty bucket");
    histogram.total += count;
    indices[i] = index;
    counts[i] = count;
  }
  if (!Number.isSafeInteger(histogram.total)) throw reader.corrupt("a total above 2^53");
  if (histogram.total > wordMax) histogram.counts = new Float64Array(256);
  for (let i = 0; i < size; i++) {
    const at = indices[i] as number;
    const step = Math.abs(at) - 1;
    const distance = at === 0 ? 0 : Math.min((step >> 6) + 1, exponents + 1);
    const slot = at < 0 ? zeroSlot - distance : zeroSlot + distance;
    bump(histogram, slot * 64 + (at === 0 ? 0 : step & 63), counts[i] as number);
  }
  return histogram;
}

const version = 1;

/** Encoded as a version byte, centre, scale, then (index step, count) for each bucket that holds something. */
export function histogramSketch(frame: Frame): Sketch<Histogram, number> {
  return {
    create: () => createHistogram(frame),
    add(into, x) {
      addTotal(into, 1);
      bump(into, keyOf(frame, x), 1);
    },
    merge: mergeHistograms,
    agrees(a, b) {
      const [p, q] = [buckets(a), buckets(b)];
      return (
        a.total === b.total &&
        p.index.length === q.index.length &&
        p.index.every((index, i) => index === q.index[i] && p.count[i] === q.count[i])
      );
    },
    encode(state) {
      const writer = createWriter();
      writer.byte(version);
      writeHistogram(writer, state);
      return writer.done();
    },
    decode(bytes) {
      const reader = createReader(bytes, "histogram");
      if (reader.byte() !== version) throw reader.corrupt(`version ${bytes[0]}`);
      const state = readHistogram(reader);
      reader.end();
      return state;
    },
  };
}
