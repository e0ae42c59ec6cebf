import { fits } from "../check/type.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { addPairs, unitsMax } from "../sketch/co-moments.ts";
import { type Frame, unitFrame } from "../sketch/histogram.ts";
import { loadNumbers } from "./numbers.ts";
import type { PairName } from "./profile.ts";
import { type Group, misfits, presence, type Tile, tileRows } from "./tile.ts";

interface Scaled {
  readonly name: string;
  readonly type: FeatureView["fields"][number]["type"];
  readonly frame: Frame;
  /** In units of the frame, cut off; NaN where a row has no number. */
  readonly values: Float64Array;
}

const gathered = [new Float64Array(tileRows), new Float64Array(tileRows)] as const;

/**
 * Folds the pairs of columns whose correlation is watched into the whole view's profiles. Each column is scaled once a tile,
 * then a pair costs a few multiplications a row.
 * @returns undefined when there is nothing to watch
 */
export function createPairFolder(
  view: FeatureView,
  frames: ReadonlyMap<string, Frame>,
  pairs: readonly PairName[],
): ((tile: Tile) => void) | undefined {
  if (pairs.length === 0) return undefined;
  const columns = new Map<string, Scaled>();
  for (const { name, type } of view.fields) {
    if (!pairs.some(({ a, b }) => a === name || b === name)) continue;
    const frame = frames.get(name) ?? unitFrame;
    columns.set(name, { name, type, frame, values: new Float64Array(tileRows) });
  }
  return (tile) => {
    for (const column of columns.values()) scale(tile, column);
    for (const group of tile.groups) {
      for (const { a, b, moments } of group.profile.pairs ?? []) {
        const [xs, ys] = [columns.get(a)?.values, columns.get(b)?.values];
        if (xs === undefined || ys === undefined) continue;
        if (group.rows === undefined) addPairs(moments, xs, ys, group.from, group.to);
        else {
          gather(xs, group, gathered[0]);
          gather(ys, group, gathered[1]);
          addPairs(moments, gathered[0], gathered[1], 0, group.to - group.from);
        }
      }
    }
  };
}

function scale({ batch, from, size }: Tile, { name, type, frame, values }: Scaled): void {
  const column = batch.columns.get(name);
  if (column === undefined || !fits(type, column)) {
    values.fill(Number.NaN, 0, size);
    return;
  }
  loadNumbers(column, from, size, values);
  const { centre } = frame;
  const inverse = 1 / frame.scale;
  for (let row = 0; row < size; row++) {
    const units = ((values[row] as number) - centre) * inverse;
    // infinity − infinity is NaN: what is not finite is no value
    values[row] = units - units === 0 ? Math.max(-unitsMax, Math.min(unitsMax, units)) : Number.NaN;
  }
  const mask = presence(column, from, size);
  if (mask !== undefined) for (let row = 0; row < size; row++) if (mask[row] === 0) values[row] = Number.NaN;
  const strangers = misfits(column, from, size);
  if (strangers !== undefined)
    for (let row = 0; row < size; row++) if (strangers[row] === 1) values[row] = Number.NaN;
}

function gather(values: Float64Array, { rows, from, to }: Group, into: Float64Array): void {
  if (rows === undefined) return;
  for (let i = from; i < to; i++) into[i - from] = values[rows[i] as number] as number;
}
