import { DecodeError } from "../model/fault.ts";

/** Bytes read from front to back, never past their end. */
export class PageReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Moves over `length` bytes and says where they began. @throws DecodeError truncated */
  take(length: number): number {
    const { at } = this;
    if (!(length >= 0 && length <= this.left))
      throw new DecodeError(
        "truncated",
        `${length} bytes at byte ${at} of a Parquet page of ${this.bytes.length}`,
      );
    this.at = at + length;
    return at;
  }

  part(length: number): Uint8Array {
    const from = this.take(length);
    return this.bytes.subarray(from, from + length);
  }

  /** An unsigned varint of up to 32 bits. */
  varint(): number {
    let [value, unit] = [0, 1];
    for (let count = 0; count < 5; count++) {
      const byte = this.bytes[this.take(1)] as number;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
    }
    throw new DecodeError("malformed", "a Parquet number beyond 32 bits");
  }
}

const fail = (what: string): DecodeError => new DecodeError("malformed", `Parquet page: ${what}`);

/**
 * The hybrid of run lengths and bit packing: `count` numbers of `width` bits.
 * @throws DecodeError when there are fewer
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export function readHybrid(bytes: Uint8Array, width: number, count: number): Int32Array {
  const values = new Int32Array(count);
  if (width > 32) throw fail(`numbers of ${width} bits`);
  if (width === 0) return values;
  const reader = new PageReader(bytes);
  for (let row = 0; row < count; ) {
    const header = reader.varint();
    const runs = Math.floor(header / 2);
    if (runs === 0) throw fail("a run of nothing");
    if (header % 2 === 0) {
      const value = littleEndian(reader, (width + 7) >> 3);
      const end = Math.min(count, row + runs);
      values.fill(value, row, end);
      row = end;
    } else {
      const some = Math.min(8 * runs, count - row);
      // The last group may lack the bytes of the values that nobody asks for.
      const there = reader.part(Math.min(runs * width, Math.max(reader.left, Math.ceil((some * width) / 8))));
      unpackBits(there, width, some, values, row);
      row += some;
    }
  }
  return values;
}

function littleEndian(reader: PageReader, length: number): number {
  const from = reader.take(length);
  let value = 0;
  for (let index = 0; index < length; index++) value |= (reader.bytes[from + index] as number) << (8 * index);
  return value;
}

/** `count` numbers of up to 32 bits, least significant bit first. */
function unpackBits(bytes: Uint8Array, width: number, count: number, into: Int32Array, row: number): void {
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let [at, held, bits] = [0, 0, 0];
  if (width <= 24) {
    for (let index = 0; index < count; index++) {
      while (bits < width) {
        held |= (bytes[at++] as number) << bits;
        bits += 8;
      }
      into[row + index] = held & mask;
      held >>>= width;
      bits -= width;
    }
    return;
  }
  for (let index = 0; index < count; index++) into[row + index] = Number(bitsAt(bytes, index * width, width));
}

/** The number of `width` ≤ 64 bits at bit `from`; bits past the end are 0. */
function bitsAt(bytes: Uint8Array, from: number, width: number): bigint {
  let value = 0n;
  for (let byte = (from + width - 1) >> 3; byte >= from >> 3; byte--)
    value = (value << 8n) | BigInt(bytes[byte] ?? 0);
  return BigInt.asUintN(width, value >> BigInt(from & 7));
}

const [blockValuesMax, miniblocksMax] = [1 << 16, 1 << 12];

/**
 * Deltas, bit-packed by miniblock: `count` int64 (int32 as such).
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC
 */
export function readDeltas(reader: PageReader, count: number): BigInt64Array {
  const [blockValues, miniblocks, total] = [reader.varint(), reader.varint(), reader.varint()];
  const each = blockValues / miniblocks;
  const sane =
    blockValues <= blockValuesMax &&
    miniblocks <= miniblocksMax &&
    Number.isInteger(each) &&
    each % 8 === 0 &&
    each > 0;
  if (!sane) throw fail(`delta blocks of ${blockValues} values in ${miniblocks} parts`);
  if (total !== count) throw fail(`${total} deltas for ${count} values`);
  const values = new BigInt64Array(count);
  let value = bigZigzag(reader);
  if (count > 0) values[0] = value;
  for (let row = 1; row < count; ) {
    const least = bigZigzag(reader);
    const widths = reader.part(miniblocks);
    for (let part = 0; part < miniblocks && row < count; part++) {
      const width = widths[part] as number;
      if (width > 64) throw fail(`deltas of ${width} bits`);
      const some = Math.min(each, count - row);
      const packed = reader.part(
        Math.min((each * width) / 8, Math.max(reader.left, Math.ceil((some * width) / 8))),
      );
      for (let index = 0; index < some; index++) {
        value = BigInt.asIntN(64, value + least + (width === 0 ? 0n : bitsAt(packed, index * width, width)));
        values[row + index] = value;
      }
      row += some;
    }
  }
  return values;
}

function bigZigzag(reader: PageReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.take(1)] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      const bits = BigInt.asUintN(64, value);
      return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
    }
  }
  throw fail("a number beyond 64 bits");
}
