import { DecodeError } from "../model/fault.ts";
import { PageReader, readDeltas, readHybrid } from "./parquet-bits.ts";
import type { SchemaElement } from "./parquet-metadata.ts";

/** Values of a page: typed arrays where there are such, else booleans, bigints or bytes. */
export type Values = ArrayLike<unknown>;

export interface ValuesOf {
  readonly element: SchemaElement;
  readonly encoding: number;
  /** Values that are there: nulls take no place. */
  readonly count: number;
  readonly dictionary: Values | undefined;
  /** Charges memory beyond the page's own bytes. */
  readonly claim: (bytes: number) => void;
}

const encodings = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  deltaBinary: 5,
  deltaLength: 6,
  deltaBytes: 7,
  dictionary: 8,
  byteStreamSplit: 9,
} as const;

/**
 * The values of a page, whose levels are read already.
 * @throws DecodeError when they are not all there, or point past the dictionary
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
export function readValues(bytes: Uint8Array, of: ValuesOf): Values {
  const { element, encoding, count } = of;
  const reader = new PageReader(bytes);
  if (count === 0) return [];
  switch (encoding) {
    case encodings.plain:
      return readPlain(reader, element, count);
    case encodings.plainDictionary:
    case encodings.dictionary:
      return readIndexed(reader, of);
    case encodings.rle: {
      const length = reader.view.getUint32(reader.take(4), true);
      return Array.from(readHybrid(reader.part(length), 1, count), (bit) => bit === 1);
    }
    case encodings.deltaBinary: {
      const values = readDeltas(reader, count);
      return element.type === "INT32"
        ? Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value)))
        : values;
    }
    case encodings.deltaLength: {
      const lengths = readDeltas(reader, count);
      return Array.from(lengths, (length) => reader.part(Number(length)));
    }
    case encodings.deltaBytes:
      return readPrefixed(reader, of);
    case encodings.byteStreamSplit:
      return readPlain(new PageReader(joinStreams(reader, widthOf(element), count)), element, count);
    default:
      throw new DecodeError("format", `Parquet encoding ${encoding}`);
  }
}

function readIndexed(reader: PageReader, { count, dictionary }: ValuesOf): Values {
  if (dictionary === undefined) throw new DecodeError("malformed", "a Parquet page before its dictionary");
  const width = reader.bytes[reader.take(1)] as number;
  const indices = readHybrid(reader.part(reader.left), width, count);
  const size = dictionary.length;
  for (let row = 0; row < count; row++) {
    const index = indices[row] as number;
    if (index < 0 || index >= size)
      throw new DecodeError("malformed", `index ${index} in a Parquet dictionary of ${size}`);
  }
  return indexed(dictionary, indices);
}

function indexed(dictionary: Values, indices: Int32Array): Values {
  if (!ArrayBuffer.isView(dictionary)) return Array.from(indices, (index) => dictionary[index]);
  const typed = dictionary as unknown as {
    constructor: new (length: number) => unknown[];
  } & ArrayLike<unknown>;
  const values = new typed.constructor(indices.length);
  for (let row = 0; row < indices.length; row++) values[row] = typed[indices[row] as number];
  return values;
}

/** Texts that each begin as the one before. */
function readPrefixed(reader: PageReader, { count, claim }: ValuesOf): Values {
  const [prefixes, suffixes] = [readDeltas(reader, count), readDeltas(reader, count)];
  const values: Uint8Array[] = [];
  let before: Uint8Array = new Uint8Array();
  for (let row = 0; row < count; row++) {
    const [prefix, suffix] = [Number(prefixes[row]), reader.part(Number(suffixes[row]))];
    if (!(prefix >= 0 && prefix <= before.length))
      throw new DecodeError("malformed", `a prefix of ${prefix} bytes of a text of ${before.length}`);
    if (prefix === 0) before = suffix;
    else {
      claim(prefix + suffix.length);
      const whole = new Uint8Array(prefix + suffix.length);
      whole.set(before.subarray(0, prefix));
      whole.set(suffix, prefix);
      before = whole;
    }
    values.push(before);
  }
  return values;
}

function joinStreams(reader: PageReader, width: number, count: number): Uint8Array {
  const streams = reader.part(width * count);
  const bytes = new Uint8Array(width * count);
  for (let byte = 0; byte < width; byte++) {
    for (let row = 0; row < count; row++) bytes[row * width + byte] = streams[byte * count + row] as number;
  }
  return bytes;
}

function widthOf({ type, width: length }: SchemaElement): number {
  if (type === "INT32" || type === "FLOAT") return 4;
  if (type === "INT64" || type === "DOUBLE") return 8;
  if (type === "INT96") return 12;
  if (type === "FIXED_LEN_BYTE_ARRAY" && length > 0) return length;
  throw new DecodeError("malformed", `a Parquet type ${type} of ${length} bytes`);
}

const julianEpochDays = 2_440_588;
const dayNanos = 86_400_000_000_000n;

function readPlain(reader: PageReader, element: SchemaElement, count: number): Values {
  switch (element.type) {
    case "BOOLEAN": {
      const bits = reader.part((count + 7) >> 3);
      return Array.from({ length: count }, (_, row) => ((bits[row >> 3] as number) & (1 << (row & 7))) !== 0);
    }
    case "BYTE_ARRAY": {
      const values = new Array<Uint8Array>(Math.min(count, reader.left)); // each takes 4 bytes at least
      for (let row = 0; row < count; row++) {
        const length = reader.view.getUint32(reader.take(4), true);
        values[row] = reader.part(length);
      }
      return values;
    }
    case "INT96": {
      const whole = new PageReader(reader.part(12 * count));
      return Array.from({ length: count }, (_, row) => {
        const nanos = whole.view.getBigInt64(12 * row, true);
        const days = whole.view.getInt32(12 * row + 8, true) - julianEpochDays;
        return BigInt.asIntN(64, BigInt(days) * dayNanos + nanos);
      });
    }
    case "FIXED_LEN_BYTE_ARRAY": {
      const width = widthOf(element);
      const whole = reader.part(width * count);
      return Array.from({ length: count }, (_, row) => whole.subarray(width * row, width * (row + 1)));
    }
    case "INT32":
    case "INT64":
    case "FLOAT":
    case "DOUBLE": {
      const part = reader.part(widthOf(element) * count);
      const { buffer, byteOffset } = part.byteOffset % 8 === 0 ? part : new Uint8Array(part);
      const make = { INT32: Int32Array, INT64: BigInt64Array, FLOAT: Float32Array, DOUBLE: Float64Array }[
        element.type
      ];
      return new make(buffer as ArrayBuffer, byteOffset, count);
    }
    default:
      throw new DecodeError("malformed", `a Parquet column of type ${element.type}`);
  }
}

/** The values of a dictionary page, always plain. */
export function readDictionary(bytes: Uint8Array, element: SchemaElement, count: number): Values {
  return readPlain(new PageReader(bytes), element, count);
}
