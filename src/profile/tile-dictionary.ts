import { tileRows } from "./tile.ts";

/** A tile with more values is told row by row: numbering would cost more than it saves. */
const valuesMax = 1_024;
/** So many values in so few rows are no categories. */
const headStart = 64;

/**
 * The strings of a tile by number: a category's few values are then hashed into a sketch, looked up in a mapping and matched
 * against a pattern once a tile, not once a row. Numbers count from 0 in the order of first appearance.
 */
export interface TileDictionary {
  /** Number of each row; anything where the row holds no value. */
  readonly codes: Int32Array;
  /** Row in which each number stands first. */
  readonly rows: Int32Array;
  readonly size: number;
}

const codes = new Int32Array(tileRows);
const rows = new Int32Array(valuesMax);
/** Open addressing at half load; 0 is free, else number + 1. */
const slots = new Int32Array(2 * valuesMax);

/**
 * Numbers `[0, size)` rows by the hash (`low`, `high`) and the length of what they hold.
 * @param offsets  where each row's bytes begin; length > `size`
 * @param mask     1 where a row holds a value; `undefined` when all do
 * @returns a dictionary that is valid until the next call; `undefined` when there are too many values for it to pay
 */
export function numberTile(
  low: Int32Array,
  high: Int32Array,
  offsets: Int32Array,
  mask: Uint8Array | undefined,
  size: number,
): TileDictionary | undefined {
  const places = slots.length - 1;
  slots.fill(0);
  let known = 0;
  for (let row = 0; row < size; row++) {
    if (mask !== undefined && mask[row] === 0) continue;
    const a = low[row] as number;
    const b = high[row] as number;
    const length = (offsets[row + 1] as number) - (offsets[row] as number);
    let place = (a ^ b) & places;
    let code = (slots[place] as number) - 1;
    while (code >= 0) {
      const first = rows[code] as number;
      if (
        low[first] === a &&
        high[first] === b &&
        (offsets[first + 1] as number) - (offsets[first] as number) === length
      )
        break;
      place = (place + 1) & places;
      code = (slots[place] as number) - 1;
    }
    if (code < 0) {
      if (known === valuesMax || known > headStart + (row >> 1)) return undefined;
      code = known++;
      rows[code] = row;
      slots[place] = code + 1;
    }
    codes[row] = code;
  }
  return { codes, rows, size: known };
}
