import type { Batch, Column } from "../../src/model/batch.ts";
import type { FeatureView } from "../../src/model/feature-view.ts";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { createProfiler, type Origin } from "../../src/profile/profiler.ts";
import type { Frame } from "../../src/sketch/histogram.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

/** A row of `testView`: every kind of column that a batch knows, each cell null where it can be. */
export interface Row {
  readonly time: number | null;
  readonly x: number | null;
  readonly id: bigint | null;
  readonly seen: number | null;
  readonly country: string | null;
  readonly device: string | null;
  readonly ok: boolean | null;
  readonly vector: readonly number[] | null;
  readonly node: string | null;
}

const bare = { nullable: false };

/** Every kind of field and most rules, in windows of a minute, by node. */
export const testView: FeatureView = featureView(
  [
    fieldSpec("x", "float64", { ...bare, range: [-10, 10], finite: true, limit: 1e6 }),
    fieldSpec("id", "int64"),
    fieldSpec("seen", "timestamp"),
    fieldSpec("country", "string", {
      ...bare,
      mapping: { values: ["US", "GB", "DE"], maxDefaultRate: 0.01 },
      pattern: "^[A-Z]{2}$",
    }),
    fieldSpec("device", "string", { mapping: { values: ["ios"], maxDefaultRate: 0.5 } }),
    fieldSpec("ok", "bool", bare),
    fieldSpec("vector", "embedding", { finite: true, dimensions: 3 }),
    fieldSpec("age", "float64", { derive: { from: "seen", to: "time" } }),
  ],
  {
    segments: ["node"],
    source: { topic: undefined, format: "auto", eventTime: "time", requestId: undefined },
  },
);

export const testFrames: ReadonlyMap<string, Frame> = new Map([["x", { centre: 1, scale: 2 }]]);

export const origin: Origin = { timestamp: undefined, position: "features-0@7" };

/** Profiles of rows that come in batches: what closed on the way and what was still open, in the order of closing. */
export function profilesOf(
  batches: readonly Batch[],
  { view = testView, limits = defaultLimits }: { view?: FeatureView; limits?: Limits } = {},
): readonly WindowProfile[] {
  const profiler = createProfiler({ view, frames: testFrames, limits });
  const state = profiler.start();
  const closed = batches.flatMap((batch) => profiler.fold(state, batch, origin).closed);
  return [...closed, ...profiler.flush(state)];
}

/** The one window of rows that all lie in it; lateness and order make no difference. */
export function wholeOf(rows: readonly Row[], limits?: Limits): WindowProfile | undefined {
  const [whole] = profilesOf([batchOf(rows)], { ...(limits === undefined ? {} : { limits }) });
  return whole;
}

export const testWindow = { start: 0, end: minute };

export function batchOf(rows: readonly Row[]): Batch {
  return {
    rows: rows.length,
    columns: new Map<string, Column>([
      ["time", instants(rows.map(({ time }) => time))],
      ["x", doubles(rows.map(({ x }) => x))],
      ["id", int64s(rows.map(({ id }) => id))],
      ["seen", instants(rows.map(({ seen }) => seen))],
      ["country", utf8(rows.map(({ country }) => country))],
      ["device", dictionary(rows.map(({ device }) => device))],
      ["ok", bools(rows.map(({ ok }) => ok))],
      ["vector", lists(rows.map(({ vector }) => vector))],
      ["node", dictionary(rows.map(({ node }) => node))],
    ]),
  };
}

interface Validity {
  readonly rows: number;
  readonly validity: Uint8Array | undefined;
  readonly validityOffset: number;
  readonly nullCount: number;
}

/** Three bits in, as a slice of a larger column has it. */
const validityOffset = 3;

function validityOf(cells: readonly unknown[]): Validity {
  const nullCount = cells.filter((cell) => cell === null).length;
  const validity = new Uint8Array((cells.length + validityOffset + 7) >> 3);
  cells.forEach((cell, row) => {
    const bit = row + validityOffset;
    if (cell !== null) validity[bit >> 3] = (validity[bit >> 3] as number) | (1 << (bit & 7));
  });
  return {
    rows: cells.length,
    validity: nullCount === 0 ? undefined : validity,
    validityOffset,
    nullCount,
  };
}

/** What lies in a slot without a value must not matter. */
const junk = 1e300;

export function doubles(cells: readonly (number | null)[]): Column {
  const values = Float64Array.from(cells, (cell) => cell ?? junk);
  return { kind: "numeric", type: "float64", declared: "float64", values, ...validityOf(cells) };
}

function wordsOf(cells: readonly (bigint | null)[]): Int32Array {
  return new Int32Array(BigInt64Array.from(cells, (cell) => cell ?? 0x7fff_1234_5678n).buffer);
}

export function int64s(cells: readonly (bigint | null)[]): Column {
  return { kind: "int64", signed: true, declared: "int64", words: wordsOf(cells), ...validityOf(cells) };
}

export function instants(cells: readonly (number | null)[]): Column {
  const words = wordsOf(cells.map((cell) => (cell === null ? null : BigInt(cell))));
  return { kind: "timestamp", unitMs: 1, declared: "timestamp[ms, UTC]", words, ...validityOf(cells) };
}

export function utf8(cells: readonly (string | null)[]): Column {
  const parts = cells.map((cell) => Buffer.from(cell ?? ""));
  const offsets = new Int32Array(cells.length + 1);
  parts.forEach((part, row) => {
    offsets[row + 1] = (offsets[row] as number) + part.length;
  });
  return {
    kind: "utf8",
    declared: "utf8",
    offsets,
    bytes: Uint8Array.from(Buffer.concat(parts)),
    ...validityOf(cells),
  };
}

export function dictionary(cells: readonly (string | null)[]): Column {
  const values = [...new Set(cells.filter((cell) => cell !== null))];
  const codes = Int16Array.from(cells, (cell) => (cell === null ? -1 : values.indexOf(cell)));
  const own = utf8(values);
  if (own.kind !== "utf8") throw new TypeError("utf8 makes utf8");
  return { kind: "dictionary", declared: "dictionary", codes, dictionary: own, ...validityOf(cells) };
}

export function bools(cells: readonly (boolean | null)[]): Column {
  const bits = new Uint8Array((cells.length + 7) >> 3);
  cells.forEach((cell, row) => {
    if (cell !== false) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  });
  return { kind: "bool", declared: "bool", bits, bitOffset: 0, ...validityOf(cells) };
}

export function lists(cells: readonly (readonly number[] | null)[]): Column {
  const offsets = new Int32Array(cells.length + 1);
  cells.forEach((cell, row) => {
    offsets[row + 1] = (offsets[row] as number) + (cell?.length ?? 0);
  });
  const child = doubles(cells.flatMap((cell) => cell ?? []));
  if (child.kind !== "numeric") throw new TypeError("doubles makes numeric");
  return { kind: "list", size: undefined, declared: "list[float64]", offsets, child, ...validityOf(cells) };
}
