import { bits, buckets, dense, found, mask, pages, picks, ranks, raw, registers, sums, values, words } from "./layout";

/** Bits `[offset, offset + size)` of `bits` into `mask`; offset < 8. @returns how many are set */
export function unpack(offset: i32, size: i32): i32 {
  let count = 0;
  for (let row = 0; row < size; row += 8) {
    // the bits of one byte, or of two neighbours
    const at = bits + (row >> 3);
    const byte = (<u32>load<u16>(at) >> offset) & 0xff;
    const spread = (<u64>byte * 0x0101010101010101) & 0x8040201008040201;
    store<u64>(mask + row, ((spread + 0x7f7f7f7f7f7f7f7f) >> 7) & 0x0101010101010101);
    const left = size - row;
    count += popcnt(left < 8 ? byte & ((1 << left) - 1) : byte);
  }
  return count;
}

/** How many of the rows `[from, to)`, or of those in `picks`, have a 1 in `mask`. */
export function countMask(from: i32, to: i32, picked: bool): i32 {
  let count = 0;
  let row = from;
  if (picked) {
    for (; row < to; row++) count += load<u8>(mask + load<i32>(picks + 4 * row));
    return count;
  }
  for (; row + 8 <= to; row += 8) count += <i32>popcnt(load<u64>(mask + row));
  for (; row < to; row++) count += load<u8>(mask + row);
  return count;
}

/** `raw` as int32 into `values`. */
export function widenInt32(size: i32): void {
  for (let row = 0; row < size; row += 4) {
    const four = v128.load(raw + 4 * row);
    v128.store(values + 8 * row, f64x2.convert_low_i32x4_s(four));
    v128.store(values + 8 * row + 16, f64x2.convert_low_i32x4_s(i64x2.shuffle(four, four, 1, 0)));
  }
}

/** `raw` as float32 into `values`. */
export function widenFloat32(size: i32): void {
  for (let row = 0; row < size; row += 4) {
    const four = v128.load(raw + 4 * row);
    v128.store(values + 8 * row, f64x2.promote_low_f32x4(four));
    v128.store(values + 8 * row + 16, f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0)));
  }
}

/** `raw` as int64 or uint64 into `values`: the nearest double. */
export function widenInt64(size: i32, signed: bool): void {
  if (signed) {
    for (let row = 0; row < size; row++) store<f64>(values + 8 * row, <f64>load<i64>(raw + 8 * row));
  } else {
    for (let row = 0; row < size; row++) store<f64>(values + 8 * row, <f64>load<u64>(raw + 8 * row));
  }
}

/**
 * Closes up the present values of the rows `[from, to)`, or of those in `picks[from, to)`, into `dense`.
 * @param masked  whether `mask` tells which are present; all are otherwise
 * @returns how many
 */
export function pick(from: i32, to: i32, masked: bool, picked: bool): i32 {
  return close(values, dense, from, to, masked, picked);
}

/** The same of `raw` into `words`. */
export function pickWords(from: i32, to: i32, masked: bool, picked: bool): i32 {
  return close(raw, words, from, to, masked, picked);
}

@inline
function close(source: usize, into: usize, from: i32, to: i32, masked: bool, picked: bool): i32 {
  let at = into;
  if (picked) {
    if (masked) {
      for (let i = from; i < to; i++) {
        const row = load<i32>(picks + 4 * i);
        store<u64>(at, load<u64>(source + 8 * row));
        at += <usize>load<u8>(mask + row) << 3;
      }
    } else {
      for (let i = from; i < to; i++) {
        store<u64>(at, load<u64>(source + 8 * load<i32>(picks + 4 * i)));
        at += 8;
      }
    }
    return <i32>(at - into) >> 3;
  }
  if (!masked) {
    memory.copy(into, source + 8 * from, 8 * (to - from));
    return to - from;
  }
  let row = from;
  for (; row + 8 <= to; row += 8) {
    const flags = load<u64>(mask + row);
    const here = source + 8 * row;
    if (flags == 0x0101010101010101) {
      v128.store(at, v128.load(here));
      v128.store(at + 16, v128.load(here + 16));
      v128.store(at + 32, v128.load(here + 32));
      v128.store(at + 48, v128.load(here + 48));
      at += 64;
    } else {
      for (let i = 0; i < 8; i++) {
        store<u64>(at, load<u64>(here + 8 * i));
        at += <usize>load<u8>(mask + row + i) << 3;
      }
    }
  }
  for (; row < to; row++) {
    store<u64>(at, load<u64>(source + 8 * row));
    at += <usize>load<u8>(mask + row) << 3;
  }
  return <i32>(at - into) >> 3;
}

/** Sum of `dense[0, size)`: four partial sums, then their sum. */
export function sum(size: i32): f64 {
  let s01 = f64x2.splat(0);
  let s23 = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= size; i += 4) {
    s01 = f64x2.add(s01, v128.load(dense + 8 * i));
    s23 = f64x2.add(s23, v128.load(dense + 8 * i + 16));
  }
  let s0 = f64x2.extract_lane(s01, 0);
  for (; i < size; i++) s0 += load<f64>(dense + 8 * i);
  return s0 + f64x2.extract_lane(s01, 1) + (f64x2.extract_lane(s23, 0) + f64x2.extract_lane(s23, 1));
}

/**
 * Distances of `dense[0, size)`, every value finite, from `shift`: fills `sums`.
 * @param size above 0
 */
export function addUp(size: i32, shift: f64): void {
  const shifts = f64x2.splat(shift);
  const first = f64x2.splat(load<f64>(dense));
  let a01 = f64x2.splat(0);
  let a23 = f64x2.splat(0);
  let b01 = f64x2.splat(0);
  let b23 = f64x2.splat(0);
  let least01 = first;
  let least23 = first;
  let largest01 = first;
  let largest23 = first;
  let i = 0;
  for (; i + 4 <= size; i += 4) {
    const x01 = v128.load(dense + 8 * i);
    const x23 = v128.load(dense + 8 * i + 16);
    least01 = f64x2.pmin(least01, x01);
    least23 = f64x2.pmin(least23, x23);
    largest01 = f64x2.pmax(largest01, x01);
    largest23 = f64x2.pmax(largest23, x23);
    const d01 = f64x2.sub(x01, shifts);
    const d23 = f64x2.sub(x23, shifts);
    a01 = f64x2.add(a01, d01);
    a23 = f64x2.add(a23, d23);
    b01 = f64x2.add(b01, f64x2.mul(d01, d01));
    b23 = f64x2.add(b23, f64x2.mul(d23, d23));
  }
  let a0 = f64x2.extract_lane(a01, 0);
  let b0 = f64x2.extract_lane(b01, 0);
  least01 = f64x2.pmin(least01, least23);
  largest01 = f64x2.pmax(largest01, largest23);
  let min = minOf(f64x2.extract_lane(least01, 0), f64x2.extract_lane(least01, 1));
  let max = maxOf(f64x2.extract_lane(largest01, 0), f64x2.extract_lane(largest01, 1));
  for (; i < size; i++) {
    const x = load<f64>(dense + 8 * i);
    min = minOf(min, x);
    max = maxOf(max, x);
    a0 += x - shift;
    b0 += (x - shift) * (x - shift);
  }
  store<f64>(sums, a0 + f64x2.extract_lane(a01, 1) + (f64x2.extract_lane(a23, 0) + f64x2.extract_lane(a23, 1)));
  store<f64>(sums, b0 + f64x2.extract_lane(b01, 1) + (f64x2.extract_lane(b23, 0) + f64x2.extract_lane(b23, 1)), 8);
  store<f64>(sums, min, 16);
  store<f64>(sums, max, 24);
}

@inline
function minOf(a: f64, b: f64): f64 {
  return b < a ? b : a;
}

@inline
function maxOf(a: f64, b: f64): f64 {
  return b > a ? b : a;
}

/** Numbers that loops keep in registers; written as literals they would be made anew in every turn. */
const held = memory.data<u32>([
  0x165667b1, 0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 960, 127, 128, 158, 0x7ff,
]);

/**
 * Counts `dense[0, size)`, every value finite, by histogram bucket: sign, exponent and six bits of the mantissa of
 * (x − centre) · inverse, read from the high word of its bits. Adds to `buckets` on the pages that `pages` tells; a slot that comes
 * for the first time gets the next one.
 * @param pageCount pages that there are
 * @returns pages that there are then
 */
export function tally(size: i32, centre: f64, inverse: f64, pageCount: i32): i32 {
  const centres = f64x2.splat(centre);
  const inverses = f64x2.splat(inverse);
  const bias = i32x4.splat(load<i32>(held, 20));
  const ceiling = i32x4.splat(load<i32>(held, 24));
  const middle = i32x4.splat(load<i32>(held, 28));
  const exponents = i32x4.splat(load<i32>(held, 36));
  const zero = i32x4.splat(0);
  for (let i = 0; i < size; i += 4) {
    const high = i32x4.shuffle(
      f64x2.mul(f64x2.sub(v128.load(dense + 8 * i), centres), inverses),
      f64x2.mul(f64x2.sub(v128.load(dense + 8 * i + 16), centres), inverses),
      1,
      3,
      5,
      7,
    );
    const exponent = v128.and(i32x4.shr_u(high, 20), exponents);
    const distance = i32x4.min_s(i32x4.max_s(i32x4.sub(exponent, bias), zero), ceiling);
    const sign = i32x4.shr_s(high, 31);
    const slot = i32x4.add(i32x4.sub(v128.xor(distance, sign), sign), middle);
    const lane = i32x4.shr_u(i32x4.shl(high, 12), 26);
    const key = v128.or(i32x4.shl(slot, 6), lane);
    v128.store64_lane(found + 2 * i, i16x8.narrow_i32x4_u(key, key), 0);
  }
  for (let i = 0; i < size; i++) {
    const key = <usize>load<u16>(found + 2 * i);
    const slot = pages + ((key >>> 6) << 1);
    let page = <usize>load<u16>(slot);
    if (page == 0) {
      page = <usize>++pageCount;
      store<u16>(slot, <u16>page);
      memory.fill(buckets + ((page - 1) << 8), 0, 256);
    }
    const place = buckets + ((page - 1) << 8) + ((key & 63) << 2);
    store<u32>(place, load<u32>(place) + 1);
  }
  return pageCount;
}

/**
 * Hash of 64 bits of each value: its upper 12 bits are the register, the leading zeros of the other word the rank. Fills `ranks`.
 * @param integers whether `words` hold what is told apart; `dense` does otherwise, where −0 is 0
 */
export function rank(size: i32, integers: bool): void {
  const from = integers ? words : dense;
  const seed = i32x4.splat(load<i32>(held));
  const k1 = i32x4.splat(load<i32>(held, 4));
  const k2 = i32x4.splat(load<i32>(held, 8));
  const k3 = i32x4.splat(load<i32>(held, 12));
  const k4 = i32x4.splat(load<i32>(held, 16));
  const exponent = i32x4.splat(load<i32>(held, 32));
  const zero = i32x4.splat(0);
  for (let i = 0; i < size; i += 4) {
    const w01 = v128.load(from + 8 * i);
    const w23 = v128.load(from + 8 * i + 16);
    let a = i32x4.shuffle(w01, w23, 0, 2, 4, 6);
    let b = i32x4.shuffle(w01, w23, 1, 3, 5, 7);
    // only the sign: doubled, all is 0
    b = v128.andnot(b, i32x4.eq(v128.or(i32x4.shl(b, 1), a), zero));
    a = v128.xor(a, i32x4.mul(v128.xor(v128.xor(b, i32x4.shr_u(b, 16)), seed), k1));
    b = v128.xor(b, i32x4.mul(v128.xor(a, i32x4.shr_u(a, 15)), k2));
    a = v128.xor(a, i32x4.mul(v128.xor(b, i32x4.shr_u(b, 13)), k3));
    b = v128.xor(b, i32x4.mul(v128.xor(a, i32x4.shr_u(a, 16)), k4));
    // Leading zeros from a float's exponent: of a's upper 31 bits, the bit behind each set one cleared so that nothing is rounded up.
    const upper = i32x4.shr_u(a, 1);
    const float = f32x4.convert_i32x4_s(v128.andnot(upper, i32x4.shr_u(upper, 1)));
    // 0 has exponent 0 and 32 zeros: saturate as int16, whose upper halves are 0
    const zeros = i32x4.min_s(i32x4.sub(exponent, i32x4.shr_u(float, 23)), i32x4.splat(32));
    const lead = i32x4.sub(zeros, i32x4.eq(a, zero));
    v128.store(ranks + 4 * i, v128.or(i32x4.shl(i32x4.shr_u(b, 20), 6), lead));
  }
}

/**
 * Raises `registers` to `ranks[0, size)`, without a branch: which are higher is not to be guessed. What raised one is left in
 * `ranks`.
 * @returns how many did
 */
export function raise(size: i32): i32 {
  let raising = ranks;
  const end = ranks + 4 * size;
  for (let at = ranks; at < end; at += 4) {
    const word = load<u32>(at);
    const place = registers + (word >> 6);
    const held = <u32>load<u8>(place);
    const rank = word & 63;
    store<u32>(raising, word);
    raising += <usize>(rank > held) << 2;
    store<u8>(place, select(rank, held, rank > held));
  }
  return <i32>(raising - ranks) >> 2;
}
