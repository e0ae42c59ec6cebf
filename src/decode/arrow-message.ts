import { DecodeError } from "../model/fault.ts";
import { int64, rootTable } from "./flatbuffer.ts";

/** One encapsulated message: flatbuffer header and body, views over the stream's bytes. */
export interface Framed {
  readonly metadata: Uint8Array;
  readonly body: Uint8Array;
  /** Of the next message. */
  readonly end: number;
}

const continuation = 0xffff_ffff;
/** Metadata of one message: schemas of 2,000 fields stay far below. */
export const metadataBytesMax = 4 * 1024 * 1024;

/** The message at byte `at`; `undefined` at the end-of-stream mark. */
export function frameAt(bytes: Uint8Array, at: number): Framed | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = metadataStart(view, at);
  const length = view.getInt32(start - 4, true);
  if (length === 0) return undefined;
  if (length < 8 || length > metadataBytesMax)
    throw new DecodeError("malformed", `Arrow metadata of ${length} bytes at byte ${at}`);
  if (start + length > bytes.length) {
    throw new DecodeError(
      "truncated",
      `Arrow metadata of ${length} bytes at byte ${at}, ${bytes.length - start} are there`,
    );
  }
  const metadata = bytes.subarray(start, start + length);
  const bodyLength = bodyLengthOf(metadata);
  const bodyAt = start + length;
  if (bodyAt + bodyLength > bytes.length) {
    throw new DecodeError(
      "truncated",
      `an Arrow body of ${bodyLength} bytes at byte ${bodyAt}, ${bytes.length - bodyAt} are there`,
    );
  }
  return { metadata, body: bytes.subarray(bodyAt, bodyAt + bodyLength), end: bodyAt + bodyLength };
}

/** Where the metadata of the message at `at` begins: behind its length, with or without the mark before it. */
export function metadataStart(view: DataView, at: number): number {
  const marked = at + 4 <= view.byteLength && view.getUint32(at, true) === continuation;
  const start = at + (marked ? 8 : 4);
  if (start > view.byteLength)
    throw new DecodeError("truncated", `an Arrow stream that ends in a length at byte ${at}`);
  return start;
}

export function bodyLengthOf(metadata: Uint8Array): number {
  return guarded(() => int64(rootTable(metadata), 3));
}

/** A read past the metadata's end is the bytes' fault, and so is a typed array that does not fit. */
export function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError)
      throw new DecodeError("malformed", `Arrow metadata: ${error.message}`, { cause: error });
    throw error;
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
