import { interquartileRange, quantileSorted, standardDeviation } from "simple-statistics";
import { type Batch, type Column, cellOf } from "../model/batch.ts";
import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import { type EventTime, parseInstant } from "../model/time.ts";
import { type Frame, unitFrame } from "../sketch/histogram.ts";

/** Rows that are kept: the median of 32,768 rows is 0.7% of a standard deviation off. */
const rowsMax = 1 << 16;

/** Rows chosen by the hash of their number: any data gives the same ones again, spread evenly over all of them. */
export interface RowSample {
  /** A row is kept when its hash is below this; halves when the sample is full. */
  threshold: number;
  readonly hashes: number[];
  /** By numeric field, one value a kept row; NaN where it has none. */
  readonly values: ReadonlyMap<string, number[]>;
  rows: number;
}

export function createSample(view: FeatureView): RowSample {
  const values = new Map<string, number[]>();
  for (const field of view.fields) if (isNumeric(field)) values.set(field.name, []);
  return { threshold: 2 ** 32, hashes: [], values, rows: 0 };
}

/** @param isIn  whether a row belongs to the baseline */
export function addToSample(
  sample: RowSample,
  batch: Batch,
  view: FeatureView,
  isIn: (row: number) => boolean,
): void {
  for (let row = 0; row < batch.rows; row++) {
    const hash = hashOf(sample.rows++);
    if (hash >= sample.threshold || !isIn(row)) continue;
    sample.hashes.push(hash);
    for (const field of view.fields) sample.values.get(field.name)?.push(numberAt(batch, field, row));
    if (sample.hashes.length >= rowsMax) halve(sample);
  }
}

/** Median and IQR of each field; a field whose IQR is 0 is measured by its SD, a constant by 1. */
export function sampleFrames(sample: RowSample): ReadonlyMap<string, Frame> {
  const frames = new Map<string, Frame>();
  for (const [name, values] of sample.values) frames.set(name, frameOf(values.filter(Number.isFinite)));
  return frames;
}

/** Event time of a row of `source.eventTime`; undefined without one. */
export function eventTimeAt(column: Column | undefined, row: number): EventTime | undefined {
  const cell = column === undefined ? null : cellOf(column, row);
  if (typeof cell === "number") return Number.isFinite(cell) ? cell : undefined;
  return typeof cell === "string" ? parseInstant(cell) : undefined;
}

function frameOf(values: number[]): Frame {
  if (values.length === 0) return unitFrame;
  const sorted = Float64Array.from(values).sort();
  const centre = quantileSorted(Array.from(sorted), 0.5);
  const width = interquartileRange(values) || standardDeviation(values);
  const scale = Number(width.toPrecision(6));
  return { centre, scale: Number.isFinite(scale) && scale > 0 ? scale : 1 };
}

function isNumeric({ type }: FieldSpec): boolean {
  return type !== "bool" && type !== "string" && type !== "embedding";
}

function numberAt(batch: Batch, { name, derive }: FieldSpec, row: number): number {
  if (derive === undefined) return numberOf(batch.columns.get(name), row);
  return numberOf(batch.columns.get(derive.to), row) - numberOf(batch.columns.get(derive.from), row);
}

function numberOf(column: Column | undefined, row: number): number {
  if (column === undefined || column.kind === "list") return Number.NaN;
  const cell = cellOf(column, row);
  return cell === null ? Number.NaN : Number(cell);
}

function halve(sample: RowSample): void {
  while (sample.hashes.length >= rowsMax / 2 && sample.threshold > 1) {
    sample.threshold /= 2;
    const kept = sample.hashes.map((hash) => hash < sample.threshold);
    for (const list of [sample.hashes, ...sample.values.values()]) {
      let length = 0;
      for (const [i, keep] of kept.entries()) if (keep) list[length++] = list[i] as number;
      list.length = length;
    }
  }
}

/** The finisher of MurmurHash3 (public domain, Appleby), over both halves of a row number. */
function hashOf(row: number): number {
  let h = (row ^ Math.imul(Math.floor(row / 2 ** 32), 0x9e3779b1)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
