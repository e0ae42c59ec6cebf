import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Message } from "../../src/model/record.ts";
import { createLane, decoderFor, stepLane } from "../../src/pipeline/lane.ts";
import { createProfiler } from "../../src/profile/profiler.ts";
import { testFrames, testView } from "../profile/batches.ts";

describe("a lane", () => {
  it("keeps copies in a dead letter: the source writes the message's buffer again", () => {
    const profiler = createProfiler({ view: testView, frames: testFrames, limits: defaultLimits });
    const lane = createLane({ topic: "features", partition: 0 }, testView, profiler.start());
    const buffer = Uint8Array.from(Buffer.from('{"cut sho key'));
    const [bytes, key] = [buffer.subarray(0, 9), buffer.subarray(10)];
    const message: Message = {
      ...{ offset: 7, timestamp: undefined, headers: new Map() },
      body: { kind: "bytes", bytes, key },
    };
    const { deadLetter } = stepLane(lane, message, decoderFor(testView, defaultLimits), profiler);
    buffer.fill(0);
    assert.equal(Buffer.from(deadLetter?.bytes ?? []).toString(), '{"cut sho');
    assert.equal(Buffer.from(deadLetter?.key ?? []).toString(), "key");
  });
});
