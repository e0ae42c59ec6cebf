import type { AsyncBytes } from "./file-reader.ts";

const aheadBytes = 1024 * 1024;

/** Reads in stretches of a mebibyte, so that many small slices in order cost few reads. Slices are plain `Uint8Array`s. */
export function readAhead(bytes: AsyncBytes): AsyncBytes {
  let at = 0;
  let held: Uint8Array = new Uint8Array();
  return {
    byteLength: bytes.byteLength,
    async slice(start, end) {
      const stop = Math.min(end, bytes.byteLength);
      if (start < at || stop > at + held.length) {
        const more = await bytes.slice(start, Math.min(bytes.byteLength, Math.max(stop, start + aheadBytes)));
        held = new Uint8Array(more.buffer, more.byteOffset, more.length);
        at = start;
      }
      return held.subarray(start - at, stop - at);
    },
  };
}
