import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createBuffers, createReused } from "../../src/source/buffers.ts";

const kibibyte = 1_024;

describe("buffers that come back", () => {
  it("are given again, the smallest that fits", () => {
    const buffers = createBuffers(1_024 * kibibyte);
    const [small, large] = [buffers.take(60 * kibibyte), buffers.take(200 * kibibyte)];
    for (const buffer of [large, small]) buffers.give(buffer);
    assert.equal(buffers.take(10), small);
    assert.equal(buffers.take(100 * kibibyte), large);
    assert.notEqual(buffers.take(10), small, "it is away");
  });

  it("are not wasted on what is far smaller", () => {
    const buffers = createBuffers(16 * 1_024 * kibibyte);
    const huge = buffers.take(8 * 1_024 * kibibyte);
    buffers.give(huge);
    assert.notEqual(buffers.take(64 * kibibyte), huge);
    assert.equal(buffers.take(1_024 * kibibyte), huge);
  });

  it("are large enough, nobody else's, and no more than may be kept", () => {
    const keptMax = 512 * kibibyte;
    const steps = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 900 * kibibyte }), fc.constant("give" as const)),
    );
    fc.assert(
      fc.property(steps, (taken) => {
        const buffers = createBuffers(keptMax);
        const away = new Set<ArrayBuffer>();
        const back = new Set<ArrayBuffer>();
        for (const step of taken) {
          const [oldest] = away;
          if (step !== "give") {
            const buffer = buffers.take(step);
            assert(buffer.byteLength >= step && !away.has(buffer));
            away.add(buffer);
          } else if (oldest !== undefined) {
            away.delete(oldest);
            back.add(oldest);
            buffers.give(oldest);
          }
        }
        let kept = 0;
        for (let size = 64 * kibibyte; size <= 1_024 * kibibyte; size += 64 * kibibyte)
          for (let found = buffers.take(size); back.has(found); found = buffers.take(size))
            kept += found.byteLength;
        assert(kept <= keptMax, `${kept} bytes kept`);
      }),
    );
  });

  it("are taken back once, and by whom they are of", () => {
    const buffers = createReused(1_024 * kibibyte);
    const own = buffers.take(kibibyte);
    for (const buffer of [new ArrayBuffer(64 * kibibyte), own, own]) buffers.give(buffer);
    assert.equal(buffers.take(kibibyte), own);
    assert.notEqual(buffers.take(kibibyte), own);
  });
});
