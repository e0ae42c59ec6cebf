import { constants, zstdDecompressSync } from "node:zlib";
import { decompressFrameSync } from "lz4-napi";
import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { int8, int64, safeInt64, type Table, table, type Vector, vectorOf } from "./flatbuffer.ts";
import { checkLz4Frame } from "./lz4-frame.ts";

/** A RecordBatch message's header: nodes and buffers are read one after the other as columns are built. */
export interface Body {
  readonly rows: number;
  /** The next field node: its length and null count. */
  nextNode(): { readonly length: number; readonly nullCount: number };
  /** The next buffer, decompressed, inside the body, at least `bytes` long (or empty when `mayBeEmpty`). */
  nextBuffer(bytes: number, mayBeEmpty?: boolean): Uint8Array;
  /** The next number of data buffers of a view column. */
  nextVariadicCount(): number;
  /** Charges memory that a column needs beyond its buffers. @throws DecodeError limit */
  claim(bytes: number): void;
  /** Nothing may be left over. */
  finish(): void;
}

type Codec = "none" | "lz4" | "zstd";

/** What a message may still decode to: shared by all its buffers. */
export interface Budget {
  bytes: number;
}

/** Typed arrays of more elements are never made, whatever the limits say: lengths stay int32. */
const lengthMax = 2 ** 30;

/**
 * Charged for every buffer, also one that is not copied: many columns over the same bytes are as much work as many bytes.
 * @throws DecodeError limit
 */
export function claim(budget: Budget, bytes: number): void {
  budget.bytes -= bytes;
  if (budget.bytes < 0)
    throw new DecodeError("limit", `a message that decodes to more than allowed (${bytes} bytes more)`);
}

export function openBody(header: Table, body: Uint8Array, limits: Limits, budget: Budget): Body {
  const rows = int64(header, 0);
  if (rows > limits.rowsPerBatch)
    throw new DecodeError("limit", `${rows} rows in a batch, at most ${limits.rowsPerBatch}`);
  // Rows without a buffer (a null column) are work too.
  claim(budget, rows);
  const nodes = vectorOf(header, 1, 16);
  const buffers = vectorOf(header, 2, 16);
  const variadic = vectorOf(header, 4, 8);
  const codec = codecOf(table(header, 3));
  const { view } = header;
  let [node, buffer, count] = [0, 0, 0];
  const next = (vector: Vector | undefined, index: number, size: number, what: string): number => {
    if (vector === undefined || index >= vector.length)
      throw new DecodeError("malformed", `a batch with too few ${what}`);
    return vector.at + size * index;
  };
  return {
    rows,
    nextNode() {
      const at = next(nodes, node++, 16, "field nodes");
      const [length, nullCount] = [safeInt64(view, at), safeInt64(view, at + 8)];
      if (length > lengthMax) throw new DecodeError("limit", `a column of ${length} rows`);
      if (nullCount > length) throw new DecodeError("malformed", `${nullCount} nulls in ${length} rows`);
      return { length, nullCount };
    },
    nextBuffer(bytes, mayBeEmpty = false) {
      const at = next(buffers, buffer++, 16, "buffers");
      const [offset, length] = [safeInt64(view, at), safeInt64(view, at + 8)];
      if (offset + length > body.length) {
        throw new DecodeError(
          "truncated",
          `a buffer of ${length} bytes at ${offset} in a body of ${body.length}`,
        );
      }
      const raw = body.subarray(offset, offset + length);
      let data = raw;
      if (codec === "none" || length === 0) claim(budget, length);
      else data = decompress(raw, codec, budget);
      if (data.length < bytes && !(mayBeEmpty && data.length === 0)) {
        throw new DecodeError("truncated", `a buffer of ${data.length} bytes where ${bytes} are needed`);
      }
      return data;
    },
    nextVariadicCount() {
      return safeInt64(view, next(variadic, count++, 8, "variadic counts"));
    },
    claim(bytes) {
      claim(budget, bytes);
    },
    finish() {
      if (nodes !== undefined && node < nodes.length) {
        throw new DecodeError("malformed", `${nodes.length - node} field nodes that no column owns`);
      }
      if (buffers !== undefined && buffer < buffers.length) {
        throw new DecodeError("malformed", `${buffers.length - buffer} buffers that no column owns`);
      }
    },
  };
}

function codecOf(compression: Table | undefined): Codec {
  if (compression === undefined) return "none";
  const codec = int8(compression, 0, 0);
  if (codec === 0) return "lz4";
  if (codec === 1) return "zstd";
  throw new DecodeError("compression", `body compression codec ${codec}`);
}

/**
 * Eight bytes with the decompressed length (−1: stored as it is), then the frame. Bounded before anything is inflated.
 * apache-arrow for JavaScript (21 at least) writes the compressed length instead: what such a frame inflates to is bounded
 * by what the message may still decode to, and columns check that it is enough.
 */
function decompress(raw: Uint8Array, codec: "lz4" | "zstd", budget: Budget): Uint8Array {
  if (raw.length < 8) throw new DecodeError("truncated", `a compressed buffer of ${raw.length} bytes`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
  const frame = raw.subarray(8);
  if (view.getInt32(0, true) === -1 && view.getInt32(4, true) === -1) {
    claim(budget, frame.length);
    return frame;
  }
  const declared = safeInt64(view, 0);
  const isKnown = declared !== frame.length;
  if (isKnown) claim(budget, declared);
  if (declared === 0) return new Uint8Array();
  const most = isKnown ? declared : budget.bytes;
  if (codec === "lz4") checkLz4Frame(frame, most);
  let data: Uint8Array;
  try {
    data =
      codec === "lz4"
        ? decompressFrameSync(toBuffer(frame))
        : zstdDecompressSync(frame, { maxOutputLength: Math.max(1, most), params: zstdParams });
  } catch (cause) {
    throw new DecodeError(
      "compression",
      `${codec} body: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  if (!isKnown) claim(budget, data.length);
  else if (data.length !== declared)
    throw new DecodeError("compression", `${codec} body of ${data.length} bytes, ${declared} declared`);
  // Typed arrays lie over it: a plain array, at a multiple of 8.
  return data.byteOffset % 8 === 0
    ? new Uint8Array(data.buffer, data.byteOffset, data.length)
    : new Uint8Array(data);
}

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** A frame may ask for a window of gigabytes; 8 MiB is what every decoder must grant (RFC 8878, 3.1.1.1.2). */
const zstdParams = { [constants.ZSTD_d_windowLogMax]: 23 };
