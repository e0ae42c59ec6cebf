import {
  codes,
  counts,
  entries,
  entryCount,
  entryHigh,
  entryLength,
  entryLow,
  entryOrigin,
  firsts,
  high,
  low,
  mask,
  numberHigh,
  numberLength,
  numberLow,
  offsets,
  picks,
  ranks,
  slots,
  sums,
  tableBytes,
  tables,
  texts,
  used,
} from "./layout";

/** `hashBytes` of the texts of the rows `[from, to)`, whose bytes begin in `texts`, into `low` and `high`. */
export function hash(from: i32, to: i32): void {
  const base = texts - load<i32>(offsets + 4 * from);
  for (let row = from; row < to; row++) {
    let at = base + load<i32>(offsets + 4 * row);
    const end = base + load<i32>(offsets + 4 * row, 4);
    let a = (<u32>(end - at) * 0xc2b2ae3d) ^ 0x9e3779b1;
    let b: u32 = 0x85ebca77;
    for (; at + 8 <= end; at += 8) {
      a ^= load<u32>(at);
      b ^= load<u32>(at, 4);
      a ^= (b ^ (b >>> 16)) * 0x9e3779b1;
      b ^= (a ^ (a >>> 15)) * 0x85ebca77;
    }
    // the rest, 0 to 7 bytes: what lies behind them is masked off
    const rest = load<u64>(at) & ((<u64>1 << (<u64>(end - at) << 3)) - 1);
    a ^= <u32>rest;
    b ^= <u32>(rest >> 32);
    a ^= (b ^ (b >>> 16)) * 0x9e3779b1;
    b ^= (a ^ (a >>> 15)) * 0x85ebca77;
    a ^= (b ^ (b >>> 13)) * 0xc2b2ae3d;
    b ^= (a ^ (a >>> 16)) * 0x27d4eb2f;
    store<u32>(low + 4 * row, a);
    store<u32>(high + 4 * row, b);
  }
}

/** A tile with more values is told row by row: numbering would cost more than it saves. */
const numbersMax: i32 = 1024;
/** So many values in so few rows are no categories. */
const headStart: i32 = 64;

/**
 * Numbers the rows `[0, size)` by hash and length of their texts, from 0 in the order of first appearance, into `codes`; of each number
 * its first row, hash and length.
 * @param masked  whether `mask` tells which rows hold a value; the codes of others are of no use
 * @returns how many numbers, −1 when there are too many for it to pay
 */
export function number(size: i32, masked: bool): i32 {
  const places = 2 * numbersMax - 1;
  memory.fill(slots, 0, 4 * 2 * numbersMax);
  let known = 0;
  for (let row = 0; row < size; row++) {
    if (masked && !load<u8>(mask + row)) continue;
    const a = load<i32>(low + 4 * row);
    const b = load<i32>(high + 4 * row);
    const length = load<i32>(offsets + 4 * row, 4) - load<i32>(offsets + 4 * row);
    let place = (a ^ b) & places;
    let code = load<i32>(slots + 4 * place) - 1;
    while (code >= 0) {
      const at = 4 * code;
      if (load<i32>(numberLow + at) == a && load<i32>(numberHigh + at) == b && load<i32>(numberLength + at) == length) break;
      place = (place + 1) & places;
      code = load<i32>(slots + 4 * place) - 1;
    }
    if (code < 0) {
      if (known == numbersMax || known > headStart + (row >> 1)) return -1;
      code = known++;
      const at = 4 * code;
      store<i32>(numberLow + at, a);
      store<i32>(numberHigh + at, b);
      store<i32>(numberLength + at, length);
      store<i32>(firsts + at, row);
      store<i32>(slots + 4 * place, code + 1);
    }
    store<i32>(codes + 4 * row, code);
  }
  return known;
}

/**
 * Counts the rows `[from, to)`, or those in `picks[from, to)`, by their `codes`, each below 16,384: `used` gets those in use, in the
 * order of first appearance, `counts` how often each occurs.
 * @returns how many are in use
 */
export function countCodes(from: i32, to: i32, masked: bool, picked: bool): i32 {
  let seen = used;
  let table: usize = 0;
  for (let i = from; i < to; i++) {
    const row = picked ? load<i32>(picks + 4 * i) : i;
    if (masked && !load<u8>(mask + row)) continue;
    // by turns: a count that was just written is slow to read
    const place = tables + table + 2 * load<u32>(codes + 4 * row);
    table = (table + tableBytes) & (3 * tableBytes);
    const count = load<u16>(place);
    store<u16>(place, count + 1);
    store<u32>(seen, <u32>place);
    seen += <usize>(count == 0) << 2;
  }
  let told = 0;
  for (let at = used; at < seen; at += 4) {
    const code = ((load<u32>(at) - <u32>tables) & <u32>(tableBytes - 1)) >> 1;
    let count = 0;
    for (let turn: usize = 0; turn < 4; turn++) {
      const place = tables + turn * tableBytes + 2 * code;
      count += load<u16>(place);
      store<u16>(place, 0);
    }
    if (count == 0) continue; // told already, by another table
    store<i32>(used + 4 * told, code);
    store<i32>(counts + 4 * told, count);
    told++;
  }
  return told;
}

let size: i32 = 0;
let limit: i32 = 0;
let places: i32 = 0;
let lost: f64 = 0;

/**
 * Adds the texts of the rows `[from, to)`, or of those in `picks[from, to)`, to a table of categories, one after another: a table
 * that is full loses its median count, as told in `categories.ts`. `ranks` gets the rank of each value that was not in the table: what
 * is in the table was ranked when it came. `sums` gets the shortest and longest length, the number of rows, and what any count lost.
 * @param held     entries in the table
 * @param most     its limit, at most `entries`
 * @param slotMask its slots − 1; there are at least two for each entry that it may get to hold
 * @returns entries in the table × 4,096 × 2 + ranks
 */
export function addTexts(from: i32, to: i32, masked: bool, picked: bool, held: i32, most: i32, slotMask: i32): i32 {
  size = held;
  limit = most;
  places = slotMask;
  lost = 0;
  for (let entry = 0; entry < size; entry++) store<i32>(entryOrigin + 4 * entry, entry);
  let rank = ranks;
  let shortest = i32.MAX_VALUE;
  let longest = 0;
  let added = 0;
  for (let i = from; i < to; i++) {
    const row = picked ? load<i32>(picks + 4 * i) : i;
    if (masked && !load<u8>(mask + row)) continue;
    const a = load<i32>(low + 4 * row);
    const b = load<i32>(high + 4 * row);
    const length = load<i32>(offsets + 4 * row, 4) - load<i32>(offsets + 4 * row);
    added++;
    shortest = min(shortest, length);
    longest = max(longest, length);
    let place = (a ^ b) & places;
    let entry = load<i32>(slots + 4 * place) - 1;
    while (entry >= 0) {
      if (
        load<i32>(entryLow + 4 * entry) == a &&
        load<i32>(entryHigh + 4 * entry) == b &&
        load<i32>(entryLength + 4 * entry) == length
      )
        break;
      place = (place + 1) & places;
      entry = load<i32>(slots + 4 * place) - 1;
    }
    if (entry >= 0) {
      store<f64>(entryCount + 8 * entry, load<f64>(entryCount + 8 * entry) + 1);
      continue;
    }
    store<i32>(rank, ((b >>> 20) << 6) | (clz(a) + 1));
    rank += 4;
    if (size >= limit) {
      purge();
      place = freeSlot(a ^ b);
    }
    entry = size++;
    store<i32>(entryLow + 4 * entry, a);
    store<i32>(entryHigh + 4 * entry, b);
    store<i32>(entryLength + 4 * entry, length);
    store<f64>(entryCount + 8 * entry, 1);
    store<i32>(entryOrigin + 4 * entry, -1 - row);
    store<i32>(slots + 4 * place, size);
  }
  store<f64>(sums, shortest);
  store<f64>(sums, longest, 8);
  store<f64>(sums, added, 16);
  store<f64>(sums, lost, 24);
  return (size << 13) | (<i32>(rank - ranks) >> 2);
}

function freeSlot(hash: i32): i32 {
  let place = hash & places;
  while (load<i32>(slots + 4 * place) != 0) place = (place + 1) & places;
  return place;
}

/** Takes the median count off every entry, and drops those that have nothing left. */
function purge(): void {
  const loss = median();
  lost += loss;
  memory.fill(slots, 0, 4 * (places + 1));
  let kept = 0;
  for (let entry = 0; entry < size; entry++) {
    const count = load<f64>(entryCount + 8 * entry) - loss;
    if (count <= 0) continue;
    const a = load<i32>(entryLow + 4 * entry);
    const b = load<i32>(entryHigh + 4 * entry);
    store<i32>(entryLow + 4 * kept, a);
    store<i32>(entryHigh + 4 * kept, b);
    store<i32>(entryLength + 4 * kept, load<i32>(entryLength + 4 * entry));
    store<i32>(entryOrigin + 4 * kept, load<i32>(entryOrigin + 4 * entry));
    store<f64>(entryCount + 8 * kept, count);
    kept++;
    store<i32>(slots + 4 * freeSlot(a ^ b), kept);
  }
  size = kept;
}

/** The count at place ⌊size / 2⌋ of the sorted counts: the first few are tried, for it nearly always is one of them. */
function median(): f64 {
  const half = size >> 1;
  for (let count: f64 = 1; count <= 4; count++) if (countUpTo(count) > half) return count;
  let below: f64 = 4;
  let above: f64 = 9007199254740992;
  while (above - below > 1) {
    const middle = below + Math.floor((above - below) / 2);
    if (countUpTo(middle) > half) above = middle;
    else below = middle;
  }
  return above;
}

function countUpTo(most: f64): i32 {
  const bound = f64x2.splat(most);
  let found = i64x2.splat(0);
  let entry = 0;
  for (; entry + 2 <= size; entry += 2) found = i64x2.sub(found, f64x2.le(v128.load(entryCount + 8 * entry), bound));
  let all = <i32>(i64x2.extract_lane(found, 0) + i64x2.extract_lane(found, 1));
  if (entry < size && load<f64>(entryCount + 8 * entry) <= most) all++;
  return all;
}
