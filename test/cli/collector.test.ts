import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { buffersFlag, countBuffersWithHeap } from "../../src/cli/collector.ts";

describe("buffers counted with the heap", () => {
  it("are a flag of the Node that is pinned, and of no other", () => {
    const { status, stderr } = spawnSync(process.execPath, [`--${buffersFlag}`, "-e", "0"]);
    assert.deepEqual([status, stderr.toString()], [0, ""]);
    assert(countBuffersWithHeap(2 ** 40));
    assert(!countBuffersWithHeap(2 ** 40, "v26.1.0"));
  });

  it("are not where memory is short", () => {
    assert(!countBuffersWithHeap(512 * 1024 ** 2));
  });
});
