import type { FieldProfile } from "../profile/profile.ts";
import { type Categories, type CategoryCount, entries, isExact, total } from "../sketch/categories.ts";
import { normalScore } from "./shape.ts";
import type { Signal } from "./signal.ts";
import { percent, type Seen } from "./statistic.ts";

/** More values, or fewer rows a value, and the field is an id or free text: nothing is expected of its values. */
const valuesMax = 1_000;
const rowsPerValueMin = 20;

/** Values whose shares are followed one by one; all others are followed together. */
const followedMax = 4;
const sharesWeight = 3;

/** A cell of X² holds at least so many rows of a usual window; rarer values are put together. */
const rowsPerCellMin = 4;

interface Known {
  readonly shares: ReadonlyMap<string, number>;
  /** Cell of X² by value; values that share one are rare. */
  readonly cells: ReadonlyMap<string, number>;
  readonly cellShares: readonly number[];
}

/** What one window's values say, counted once for all signals of the field. */
interface Tally {
  readonly rows: number;
  readonly unseen: number;
  readonly cells: Float64Array;
  readonly counts: ReadonlyMap<string, number>;
}

/** What is followed of a category: values that never were, the commonest values one by one, and all shares together. */
export function textSignals(name: string, { body }: FieldProfile, rowsPerWindow: number): readonly Signal[] {
  if (body.kind !== "string" || !isExact(body.categories)) return [];
  const values = entries(body.categories);
  const rows = total(body.categories);
  if (values.length === 0 || values.length > valuesMax || rows < values.length * rowsPerValueMin) return [];
  const known = knownOf(values, rows, rowsPerWindow);
  const tallies = new WeakMap<Seen, Tally>();
  const tallyOf = (seen: Seen): Tally | undefined => {
    const { body: own } = seen.profile;
    if (own.kind !== "string") return undefined;
    const made = tallies.get(seen) ?? count(known, own.categories);
    tallies.set(seen, made);
    return made.rows === 0 ? undefined : made;
  };
  const signals: Signal[] = [];
  const mapped = body.mappingHits > 0 && body.mappingMisses === 0;
  if (!mapped) signals.push(newValues(name, values, tallyOf));
  if (known.cellShares.length > 2) signals.push(shares(name, known, tallyOf));
  const followed = values.length === 2 ? 1 : followedMax;
  const commonest = values.toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  for (const { value } of commonest.slice(0, followed))
    signals.push(shareOf(name, value, sharesWeight / followed, tallyOf));
  return signals;
}

function newValues(
  name: string,
  values: readonly CategoryCount[],
  tallyOf: (seen: Seen) => Tally | undefined,
): Signal {
  return {
    name: "new_values",
    statistic: "new_values",
    weight: 2,
    kind: "count",
    sides: "up",
    unit: 0.025,
    scale: 1,
    hits: values.filter(({ count: rows }) => rows === 1).length, // Good and Turing: as much as values seen once
    read(seen) {
      const tally = tallyOf(seen);
      return tally === undefined
        ? undefined
        : { value: tally.unseen / tally.rows, error: 0, rows: tally.rows };
    },
    say: (observed) => `${percent(observed)} of ${name} are values that the baseline never had`,
  };
}

function shares(name: string, known: Known, tallyOf: (seen: Seen) => Tally | undefined): Signal {
  return {
    name: "categories",
    statistic: "categories",
    score: true,
    weight: 2,
    kind: "number",
    sides: "up",
    unit: 1,
    read(seen) {
      const tally = tallyOf(seen);
      if (tally === undefined) return undefined;
      const rows = tally.rows - tally.unseen;
      if (rows === 0) return undefined;
      let sum = 0;
      for (let i = 0; i < known.cellShares.length; i++) {
        const expected = Math.max((known.cellShares[i] as number) * rows, 0.5);
        sum += ((tally.cells[i] as number) - expected) ** 2 / expected;
      }
      return { value: normalScore(sum, known.cellShares.length - 1), error: 1, rows };
    },
    say: () => `the shares of the values of ${name} have moved`,
  };
}

function shareOf(
  name: string,
  value: string,
  weight: number,
  tallyOf: (seen: Seen) => Tally | undefined,
): Signal {
  const shown = JSON.stringify(value.slice(0, 40));
  return {
    name: `share of ${value}`,
    statistic: "categories",
    weight,
    kind: "count",
    sides: "both",
    unit: 0.1,
    scale: 1,
    read(seen) {
      const tally = tallyOf(seen);
      if (tally === undefined) return undefined;
      return { value: (tally.counts.get(value) ?? 0) / tally.rows, error: 0, rows: tally.rows };
    },
    say: (observed, expected) =>
      `${percent(observed)} of ${name} are ${shown}, ${percent(expected)} are usual`,
  };
}

function knownOf(values: readonly CategoryCount[], rows: number, rowsPerWindow: number): Known {
  const sharesByValue = new Map<string, number>();
  const cells = new Map<string, number>();
  const cellShares: number[] = [];
  let rare = 0;
  for (const { value, count: own } of values) {
    const share = own / rows;
    sharesByValue.set(value, share);
    if (share * rowsPerWindow < rowsPerCellMin) {
      rare += share;
      continue;
    }
    cells.set(value, cellShares.length);
    cellShares.push(share);
  }
  if (rare > 0) cellShares.push(rare);
  return { shares: sharesByValue, cells, cellShares };
}

function count({ shares: known, cells, cellShares }: Known, categories: Categories): Tally {
  const counts = new Map<string, number>();
  const tallied = new Float64Array(cellShares.length);
  let unseen = 0;
  for (const { value, count: rows } of entries(categories)) {
    if (!known.has(value)) {
      unseen += rows;
      continue;
    }
    const cell = cells.get(value) ?? cellShares.length - 1;
    tallied[cell] = (tallied[cell] as number) + rows;
    counts.set(value, rows);
  }
  return { rows: total(categories), unseen, cells: tallied, counts };
}
