import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { compressFrameSync } from "lz4-napi";
import { checkLz4Frame } from "../../src/decode/lz4-frame.ts";
import { reasonOf } from "./support.ts";

const frameOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(compressFrameSync(Buffer.from(bytes)));

it("an LZ4 frame is known to inflate to what it says, to the byte, before it is inflated", () => {
  const texts = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 3_000 })), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(texts, (runs) => {
      const bytes = Uint8Array.from(runs.flatMap(([byte, length]) => new Array<number>(length).fill(byte)));
      const frame = frameOf(bytes);
      checkLz4Frame(frame, bytes.length);
      // The block could be larger by far than what is declared here, so its sequences are added up.
      if (bytes.length > 80_000) return;
      assert.equal(
        reasonOf(() => checkLz4Frame(withLargeBlocks(frame), bytes.length - 1)),
        "compression",
      );
      checkLz4Frame(withLargeBlocks(frame), bytes.length);
    }),
    { numRuns: 60 },
  );
});

/** The same frame, declaring blocks of up to 4 MiB. */
function withLargeBlocks(frame: Uint8Array): Uint8Array {
  const copy = new Uint8Array(frame);
  copy[5] = 0x70;
  return copy;
}

it("an LZ4 frame with another behind it, or cut in a block, is refused", () => {
  const frame = frameOf(new Uint8Array(1_000).fill(7));
  assert.equal(
    reasonOf(() => checkLz4Frame(Uint8Array.of(...frame, ...frame), 1_000)),
    "compression",
  );
  assert.equal(
    reasonOf(() => checkLz4Frame(frame.subarray(0, frame.length - 6), 1_000)),
    "truncated",
  );
});
