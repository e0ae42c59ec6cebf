import { DecodeError } from "../model/fault.ts";

const magic = 0x184d2204;

/** Blocks whose most is above the declared length by no more than this are taken at their word; else their sequences are added up. */
const slackBytes = 64 * 1024;

/**
 * Refuses an LZ4 frame that would inflate to more than `declared` bytes, told without inflating anything: a bomb is refused
 * before it is lit. So is a second frame hidden behind the first.
 * @throws DecodeError when the frame is cut, is none, or is larger than it says
 */
export function checkLz4Frame(frame: Uint8Array, declared: number): void {
  const { bytes: most, blockBytes, end } = lz4FrameBound(frame);
  if (end !== frame.length)
    throw new DecodeError("compression", `an LZ4 frame of ${end} bytes in ${frame.length}`);
  if (most <= declared + Math.min(blockBytes, slackBytes)) return;
  let bytes = 0;
  eachBlock(frame, (from, to, stored) => {
    bytes += stored ? to - from : inflatedLength(frame, from, to);
    if (bytes > declared)
      throw new DecodeError("compression", `LZ4 blocks beyond the declared ${declared} bytes`);
  });
}

/**
 * Most bytes that an LZ4 frame can inflate to, told by its block headers. Whoever inflates a frame whose `end` is not its
 * last byte inflates what was not counted.
 * @throws DecodeError when the frame is cut or is none
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function lz4FrameBound(frame: Uint8Array): {
  readonly bytes: number;
  readonly blockBytes: number;
  /** Where the frame ends. */
  readonly end: number;
} {
  let blocks = 0;
  const { end, blockBytes } = eachBlock(frame, () => {
    blocks += 1;
  });
  return { bytes: blocks * blockBytes, blockBytes, end };
}

/** Calls `visit` with where each block is; says how large one can be and where the frame ends. */
function eachBlock(
  frame: Uint8Array,
  visit: (from: number, to: number, stored: boolean) => void,
): { readonly blockBytes: number; readonly end: number } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 7 || view.getUint32(0, true) !== magic)
    throw new DecodeError("compression", "no LZ4 frame");
  const [flags, descriptor] = [frame[4] as number, frame[5] as number];
  const sizeCode = (descriptor >> 4) & 7;
  if (sizeCode < 4) throw new DecodeError("compression", `LZ4 block size code ${sizeCode}`);
  const blockBytes = 1 << (8 + 2 * sizeCode);
  const hasContentSize = (flags & 0b1000) !== 0;
  const hasDictionary = (flags & 0b1) !== 0;
  const contentChecksum = (flags & 0b100) !== 0 ? 4 : 0;
  const blockChecksum = (flags & 0b10000) !== 0 ? 4 : 0;
  let at = 7 + (hasContentSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  for (;;) {
    if (at + 4 > frame.length) throw new DecodeError("truncated", "an LZ4 frame without its end mark");
    const word = view.getUint32(at, true);
    if (word === 0) return { blockBytes, end: at + 4 + contentChecksum };
    const [from, length] = [at + 4, word & 0x7fffffff];
    if (from + length > frame.length)
      throw new DecodeError("truncated", "an LZ4 block that passes its frame");
    visit(from, from + length, word >>> 31 === 1);
    at = from + length + blockChecksum;
  }
}

/**
 * What a block's sequences of literals and matches add up to.
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
function inflatedLength(frame: Uint8Array, from: number, to: number): number {
  let [at, bytes] = [from, 0];
  const more = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255 && at < to; at++) {
      byte = frame[at] as number;
      length += byte;
    }
    return length;
  };
  while (at < to) {
    const token = frame[at] as number;
    at += 1;
    const literals = more(token >> 4);
    at += literals;
    bytes += literals;
    if (at >= to) break; // the last sequence has literals alone
    at += 2; // where the match is
    bytes += 4 + more(token & 15);
  }
  return bytes;
}
