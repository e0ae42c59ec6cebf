import type { ListRule } from "../check/rule.ts";
import { isPresent, type ListColumn } from "../model/batch.ts";
import { addColumn } from "../sketch/moments.ts";
import { addVectors } from "./merge.ts";
import type { EmbeddingBody, FieldProfile } from "./profile.ts";
import { countRule, type Group, showCell, type Tile, tileRows } from "./tile.ts";

/** One field's vectors in one tile: row r is elements[starts[r] − base, starts[r + 1] − base). */
export interface Vectors {
  readonly column: ListColumn;
  readonly elements: Float64Array;
  readonly starts: Int32Array;
  readonly mask: Uint8Array | undefined;
}

const starts = new Int32Array(tileRows + 1);

/** Elements as doubles, null elements as NaN. */
export function loadVectors(
  column: ListColumn,
  from: number,
  size: number,
  mask: Uint8Array | undefined,
): Vectors {
  const startOf = (row: number): number =>
    column.offsets === undefined ? row * (column.size ?? 0) : (column.offsets[row] as number);
  const first = startOf(from);
  for (let row = 0; row <= size; row++) starts[row] = startOf(from + row) - first;
  const { child } = column;
  const slice = child.values.subarray(first, first + (starts[size] as number));
  const whole = child.validity === undefined || child.nullCount === 0;
  const elements = slice instanceof Float64Array && whole ? slice : Float64Array.from(slice);
  if (!whole) {
    for (let i = 0; i < elements.length; i++) if (!isPresent(child, first + i)) elements[i] = Number.NaN;
  }
  return { column, elements, starts, mask };
}

const good = new Int32Array(tileRows);
const norms = new Float64Array(tileRows);

/** Adds a group's vectors to its field profile. @returns rows that hold a value */
export function foldVectors(
  tile: Tile,
  group: Group,
  field: FieldProfile,
  body: EmbeddingBody,
  rules: readonly ListRule[],
  finite: boolean,
  vectors: Vectors,
): number {
  const { elements, mask } = vectors;
  const lengthOf = (row: number): number => (starts[row + 1] as number) - (starts[row] as number);
  const holds = (row: number): boolean => mask === undefined || mask[row] === 1;
  const show = (row: number): string => showCell(vectors.column, tile.from + row);
  const broken = rules.map(() => 0);
  let [size, fine, bad, odd] = [0, 0, 0, 0];
  for (let i = group.from; i < group.to; i++) {
    const row = group.rows === undefined ? i : (group.rows[i] as number);
    if (!holds(row)) continue;
    size++;
    const length = lengthOf(row);
    for (let at = 0; at < rules.length; at++) {
      if ((rules[at] as ListRule).breaks(length)) broken[at] = (broken[at] as number) + 1;
    }
    if (body.dimensions === 0 && length > 0) setDimensions(body, length);
    const norm = normOf(elements, starts[row] as number, length);
    if (!Number.isFinite(norm)) {
      countNonFinite(body, elements, starts[row] as number, length);
      bad++;
    } else if (length !== body.dimensions) odd++;
    else {
      norms[fine] = norm;
      good[fine++] = row;
    }
  }
  addColumn(body.norms, norms, 0, fine);
  addGood(body, elements, fine);
  for (const [at, rule] of rules.entries()) {
    const breaks = (row: number): boolean => holds(row) && rule.breaks(lengthOf(row));
    countRule(tile, group, field, rule.name, broken[at] as number, breaks, show);
  }
  if (!rules.some(({ name }) => name === "dimensions")) {
    const breaks = (row: number): boolean => holds(row) && lengthOf(row) !== body.dimensions;
    countRule(tile, group, field, "dimensions", odd, breaks, show);
  }
  if (finite) {
    const breaks = (row: number): boolean =>
      holds(row) && !Number.isFinite(normOf(elements, starts[row] as number, lengthOf(row)));
    countRule(tile, group, field, "nonfinite", bad, breaks, show);
  }
  return size;
}

/** L2 norm; NaN or infinite exactly when an element is (squares that overflow are scaled first). */
function normOf(elements: Float64Array, start: number, length: number): number {
  let sum = 0;
  for (let i = start; i < start + length; i++) sum += (elements[i] as number) * (elements[i] as number);
  if (Number.isFinite(sum)) return Math.sqrt(sum);
  let largest = 0;
  for (let i = start; i < start + length; i++) {
    const x = Math.abs(elements[i] as number);
    if (!Number.isFinite(x)) return Number.NaN;
    if (x > largest) largest = x;
  }
  let scaled = 0;
  for (let i = start; i < start + length; i++) scaled += ((elements[i] as number) / largest) ** 2;
  return Math.min(Math.sqrt(scaled) * largest, Number.MAX_VALUE);
}

function countNonFinite(body: EmbeddingBody, elements: Float64Array, start: number, length: number): void {
  for (let i = start; i < start + length; i++) {
    const x = elements[i] as number;
    if (Number.isFinite(x)) continue;
    if (Number.isNaN(x)) body.nan++;
    else if (x > 0) body.positiveInfinity++;
    else body.negativeInfinity++;
    return;
  }
}

function setDimensions(body: EmbeddingBody, dimensions: number): void {
  body.dimensions = dimensions;
  body.means = new Float64Array(dimensions);
  body.m2s = new Float64Array(dimensions);
}

let means = new Float64Array(0);
let m2s = new Float64Array(0);

/** Two passes, as for single numbers: means (as shares of distances from the first, so that equal ones have none), then squares. */
function addGood(body: EmbeddingBody, elements: Float64Array, count: number): void {
  if (count === 0) return;
  const { dimensions } = body;
  if (means.length < dimensions) [means, m2s] = [new Float64Array(dimensions), new Float64Array(dimensions)];
  means.fill(0, 0, dimensions);
  m2s.fill(0, 0, dimensions);
  const first = starts[good[0] as number] as number;
  for (let i = 1; i < count; i++) {
    const start = starts[good[i] as number] as number;
    for (let d = 0; d < dimensions; d++) {
      const distance = (elements[start + d] as number) / count - (elements[first + d] as number) / count;
      means[d] = (means[d] as number) + distance;
    }
  }
  for (let d = 0; d < dimensions; d++) means[d] = (means[d] as number) + (elements[first + d] as number);
  for (let i = 0; i < count; i++) {
    const start = starts[good[i] as number] as number;
    for (let d = 0; d < dimensions; d++) {
      const distance = (elements[start + d] as number) - (means[d] as number);
      m2s[d] = (m2s[d] as number) + distance * distance;
    }
  }
  addVectors(body, count, means, m2s);
}
