import type { FeatureView } from "../model/feature-view.ts";
import type { PairName, WindowProfile } from "../profile/profile.ts";
import { addPairs, correlation, createCoMoments, unitsMax } from "../sketch/co-moments.ts";
import type { Frame } from "../sketch/histogram.ts";
import type { RowSample } from "./sample.ts";
import type { Observation, Track } from "./track.ts";

/** Pairs that are watched, unless the spec names more: each costs a few nanoseconds a row. */
const pairsMax = 8;

/** A weaker correlation is not what a model leans on, and its loss not what somebody would miss. */
const correlationMin = 0.25;

/** Columns among which pairs are looked for, and multiplications that the search may cost. */
const columnsMax = 200;
const workMax = 2e8;

/** Rows that a window needs: Fisher's z is normal from few rows on. */
const rowsMin = 20;

/** What the warning layer makes of Fisher's z. */
export const correlationSignal = {
  statistic: "correlation",
  kind: "number",
  sides: "both",
  unit: 0.5,
} as const;

/** A pair of fields whose correlation the baseline shows, and how that goes from window to window, as Fisher's z. */
export interface PairBaseline extends PairName {
  readonly track: Track;
}

/** The pairs that the spec names, then the strongest correlations among a sample's numeric columns, strongest first. */
export function choosePairs(
  view: FeatureView,
  sample: RowSample,
  frames: ReadonlyMap<string, Frame>,
): readonly PairName[] {
  const named = view.drift.correlations ?? [];
  const isNamed = (a: string, b: string): boolean =>
    named.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  const names = view.fields
    .filter(
      ({ name, type, derive }) => sample.values.has(name) && type !== "timestamp" && derive === undefined,
    )
    .map(({ name }) => name)
    .slice(0, columnsMax);
  const rows = Math.floor(Math.min(sample.hashes.length, workMax / Math.max(1, names.length ** 2)));
  const columns = names.map((name) => scaled(sample.values.get(name) ?? [], frames.get(name), rows));
  const found: (PairName & { readonly strength: number })[] = [];
  for (const [i, xs] of columns.entries()) {
    for (let j = i + 1; j < columns.length; j++) {
      const moments = createCoMoments();
      addPairs(moments, xs, columns[j] as Float64Array, 0, rows);
      if (isNamed(names[i] as string, names[j] as string)) continue;
      const strength = Math.abs(correlation(moments) ?? 0);
      const chance = 5 / Math.sqrt(Math.max(1, moments.count));
      if (strength >= Math.max(correlationMin, chance))
        found.push({ a: names[i] as string, b: names[j] as string, strength });
    }
  }
  const strongest = found
    .toSorted((p, q) => q.strength - p.strength)
    .slice(0, Math.max(0, pairsMax - named.length));
  return [...named.map(([a, b]) => ({ a, b })), ...strongest.map(({ a, b }) => ({ a, b }))];
}

/** Fisher's z of a pair in one window: nearly normal, with an SD of 1/√(n − 3) whatever the correlation. */
export function readPair({ pairs }: WindowProfile, { a, b }: PairName): Observation | undefined {
  const moments = pairs?.find((pair) => pair.a === a && pair.b === b)?.moments;
  const r = moments === undefined ? undefined : correlation(moments);
  if (moments === undefined || r === undefined || moments.count < rowsMin) return undefined;
  const value = Math.atanh(Math.max(-0.999_999, Math.min(0.999_999, r)));
  return { value, error: 1 / Math.sqrt(moments.count - 3), rows: moments.count };
}

/** A correlation, from its Fisher z: `0.81`. */
export function sayPair({ a, b }: PairName, observed: number, expected: number): string {
  const r = (z: number): string => Math.tanh(z).toFixed(2);
  return `${a} and ${b} move together as r = ${r(observed)}, r = ${r(expected)} is usual`;
}

function scaled(values: readonly number[], frame: Frame | undefined, rows: number): Float64Array {
  const { centre, scale } = frame ?? { centre: 0, scale: 1 };
  return Float64Array.from({ length: rows }, (_, row) => {
    const units = ((values[row] ?? Number.NaN) - centre) / scale;
    return Number.isFinite(units) ? Math.max(-unitsMax, Math.min(unitsMax, units)) : Number.NaN;
  });
}
