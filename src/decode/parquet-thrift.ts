import { DecodeError } from "../model/fault.ts";

/** A Thrift struct by field number. int64 is a number: exact to 2^53. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;
export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** Structs and lists in one another. */
const depthMax = 32;
const varintBytesMax = 10;

/**
 * Reads one struct of Thrift's compact protocol. Every list is no longer than the bytes that are left.
 * @throws DecodeError truncated, malformed
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function readThrift(
  bytes: Uint8Array,
  from: number,
): { readonly value: ThriftStruct; readonly end: number } {
  const reader: Reader = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    at: from,
  };
  const value = readStruct(reader, 0);
  return { value, end: reader.at };
}

/** A whole number; a field of another type is as good as none. */
export function intOf(struct: ThriftStruct | undefined, field: number): number | undefined {
  const value = struct?.get(field);
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

export function structOf(struct: ThriftStruct | undefined, field: number): ThriftStruct | undefined {
  const value = struct?.get(field);
  return value instanceof Map ? (value as ThriftStruct) : undefined;
}

interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
}

function take(reader: Reader, length: number): number {
  const { at } = reader;
  if (!(length <= reader.bytes.length - at))
    throw new DecodeError(
      "truncated",
      `Parquet metadata of ${length} bytes at byte ${at} of ${reader.bytes.length}`,
    );
  reader.at = at + length;
  return at;
}

function varint(reader: Reader): number {
  let [value, unit] = [0, 1];
  for (let count = 0; count < varintBytesMax; count++) {
    const byte = reader.bytes[take(reader, 1)] as number;
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return value;
    unit *= 128;
  }
  throw new DecodeError("malformed", `a number of more than ${varintBytesMax} bytes in Parquet metadata`);
}

function zigzag(reader: Reader): number {
  const value = varint(reader);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function readStruct(reader: Reader, depth: number): ThriftStruct {
  if (depth > depthMax) throw new DecodeError("limit", `Parquet metadata nested deeper than ${depthMax}`);
  const fields = new Map<number, ThriftValue>();
  let field = 0;
  for (;;) {
    const byte = reader.bytes[take(reader, 1)] as number;
    const type = byte & 0x0f;
    if (type === 0) return fields;
    field = byte >> 4 === 0 ? zigzag(reader) : field + (byte >> 4);
    fields.set(field, type === 1 ? true : type === 2 ? false : readValue(reader, type, depth));
  }
}

function readValue(reader: Reader, type: number, depth: number): ThriftValue {
  switch (type) {
    case 1:
    case 2:
      return reader.bytes[take(reader, 1)] === 1; // in a list
    case 3:
      return reader.view.getInt8(take(reader, 1));
    case 4:
    case 5:
    case 6:
      return zigzag(reader);
    case 7:
      return reader.view.getFloat64(take(reader, 8), true);
    case 8: {
      const length = varint(reader);
      const from = take(reader, length);
      return reader.bytes.subarray(from, from + length);
    }
    case 9:
    case 10: {
      const head = reader.bytes[take(reader, 1)] as number;
      const length = head >> 4 === 15 ? varint(reader) : head >> 4;
      if (length > reader.bytes.length - reader.at)
        throw new DecodeError(
          "malformed",
          `a list of ${length} in ${reader.bytes.length - reader.at} bytes of Parquet metadata`,
        );
      return Array.from({ length }, () => readValue(reader, head & 0x0f, depth + 1));
    }
    case 12:
      return readStruct(reader, depth + 1);
    default:
      throw new DecodeError("malformed", `Thrift type ${type} in Parquet metadata`);
  }
}
