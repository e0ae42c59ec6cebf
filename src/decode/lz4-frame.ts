import { DecodeError } from "../model/fault.ts";

const magic = 0x184d2204;

/**
 * Most bytes that an LZ4 frame can inflate to, told by its block headers without inflating anything: a bomb is refused
 * before it is lit. Whoever inflates a frame whose `end` is not its last byte inflates what was not counted.
 * @throws DecodeError when the frame is cut or is none
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function lz4FrameBound(frame: Uint8Array): {
  readonly bytes: number;
  readonly blockBytes: number;
  /** Where the frame ends. */
  readonly end: number;
} {
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
  for (let blocks = 0; ; blocks++) {
    if (at + 4 > frame.length) throw new DecodeError("truncated", "an LZ4 frame without its end mark");
    const word = view.getUint32(at, true);
    if (word === 0) return { bytes: blocks * blockBytes, blockBytes, end: at + 4 + contentChecksum };
    at += 4 + (word & 0x7fffffff) + blockChecksum;
  }
}
