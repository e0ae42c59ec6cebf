import { int64ToNumber } from "../model/batch.ts";

/** IEEE 754 binary16 → float64. */
export function halvesToFloat64(bytes: Uint8Array, rows: number): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const half = view.getUint16(2 * row, true);
    const [exponent, fraction] = [(half >> 10) & 0x1f, half & 0x3ff];
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    values[row] = (half & 0x8000) === 0 ? magnitude : -magnitude;
  }
  return values;
}

/** int32 → low and high words of int64. */
export function widen32(bytes: Uint8Array, rows: number): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = new Int32Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const value = view.getInt32(4 * row, true);
    words[2 * row] = value;
    words[2 * row + 1] = value >> 31;
  }
  return words;
}

/** int64 or uint64 → nearest float64. */
export function int64ToFloat64(bytes: Uint8Array, rows: number, signed: boolean): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    values[row] = int64ToNumber(view.getInt32(8 * row, true), view.getInt32(8 * row + 4, true), signed);
  }
  return values;
}

/** Two's complement of 32 to 256 bits, scaled by 10^−scale → nearest float64 (within two roundings). */
export function decimalsToFloat64(
  bytes: Uint8Array,
  rows: number,
  bits: number,
  scale: number,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = bits / 32;
  const values = new Float64Array(rows);
  const power = 10 ** Math.abs(scale);
  for (let row = 0; row < rows; row++) {
    const at = row * words * 4;
    const negative = view.getInt32(at + 4 * (words - 1), true) < 0;
    // |x| of a negative x is ~x + 1, so that small numbers keep their digits
    let [magnitude, carry, unit] = [0, negative ? 1 : 0, 1];
    for (let word = 0; word < words; word++) {
      const raw = view.getUint32(at + 4 * word, true);
      let digit = raw;
      if (negative) {
        digit = (~raw >>> 0) + carry;
        carry = digit > 0xffff_ffff ? 1 : 0;
        digit %= 4_294_967_296;
      }
      magnitude += digit * unit;
      unit *= 4_294_967_296;
    }
    const scaled = scale >= 0 ? magnitude / power : magnitude * power;
    values[row] = negative ? -scaled : scaled;
  }
  return values;
}

/** Big-endian two's complement of any length, scaled by 10^−scale → nearest float64 (within two roundings). */
export function bigEndianToNumber(bytes: Uint8Array, from: number, length: number, scale: number): number {
  if (length === 0) return 0;
  const negative = (bytes[from] as number) >= 0x80;
  let value = 0;
  // |x| of a negative x is ~x + 1, so that small numbers keep their digits
  for (let at = from; at < from + length; at++) {
    const byte = bytes[at] as number;
    value = value * 256 + (negative ? 255 - byte : byte);
  }
  if (negative) value = -(value + 1);
  return scale >= 0 ? value / 10 ** scale : value * 10 ** -scale;
}
