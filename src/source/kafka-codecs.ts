import { promisify } from "node:util";
import { gunzip, gzip, zstdCompress, zstdDecompress } from "node:zlib";
import kafkajs from "kafkajs";
import { compressFrame, decompressFrame } from "lz4-napi";
import { compress as snappyCompress, uncompress as snappyUncompress } from "snappy";
import { lz4FrameBound } from "../decode/lz4-frame.ts";
import { Fault } from "../model/fault.ts";

/** Bytes that one compressed record batch may inflate to. */
const inflatedMax = 128 * 1024 * 1024;

interface Encoder {
  readonly buffer: Buffer;
}

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** kafkajs knows gzip alone, unbounded: all four are set, each with a bound on what it may inflate to. */
export function registerCodecs(): void {
  const register = (
    type: number,
    compress: (bytes: Buffer) => Promise<Uint8Array>,
    decompress: (bytes: Buffer) => Promise<Uint8Array>,
  ): void => {
    (CompressionCodecs as Record<number, unknown>)[type] = () => ({
      compress: async (encoder: Encoder) => asBuffer(await compress(encoder.buffer)),
      decompress: async (bytes: Buffer) => asBuffer(await decompress(bytes)),
    });
  };
  const bounded = { maxOutputLength: inflatedMax };
  register(CompressionTypes.GZIP, promisify(gzip), (bytes) => promisify(gunzip)(bytes, bounded));
  register(CompressionTypes.ZSTD, promisify(zstdCompress), (bytes) =>
    promisify(zstdDecompress)(bytes, bounded),
  );
  register(CompressionTypes.LZ4, compressFrame, (bytes) => {
    const { bytes: bound } = lz4FrameBound(bytes);
    if (bound > inflatedMax) throw tooLarge("lz4", bound);
    return decompressFrame(bytes);
  });
  register(CompressionTypes.Snappy, (bytes) => snappyCompress(bytes), inflateSnappy);
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function tooLarge(codec: string, bytes: number): Fault {
  return new Fault(
    "source.failed",
    `a ${codec} record batch that inflates to ${bytes} bytes, at most ${inflatedMax}`,
  );
}

/** What Java clients put in front: magic, version, compatible version; then blocks, each with its length. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

async function inflateSnappy(bytes: Buffer): Promise<Uint8Array> {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return inflateBlock(bytes);
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (let at = xerialHeaderBytes; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    const block = await inflateBlock(bytes.subarray(at + 4, at + 4 + size));
    total += block.length;
    if (total > inflatedMax) throw tooLarge("snappy", total);
    blocks.push(block);
    at += 4 + size;
  }
  return Buffer.concat(blocks);
}

/** A snappy block starts with its inflated length as a varint. */
async function inflateBlock(block: Buffer): Promise<Uint8Array> {
  let [length, shift, at] = [0, 1, 0];
  for (; at < 5; at++) {
    const byte = block[at] ?? 0;
    length += (byte & 0x7f) * shift;
    shift *= 128;
    if (byte < 0x80) break;
  }
  if (length > inflatedMax) throw tooLarge("snappy", length);
  const inflated = await snappyUncompress(block, { asBuffer: true });
  return typeof inflated === "string" ? Buffer.from(inflated) : inflated;
}
