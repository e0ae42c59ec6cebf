import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { generate } from "../../replay-data/tensor-collapse/generate.ts";

const folder = new URL("../../replay-data/tensor-collapse/", import.meta.url);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("replay-data/tensor-collapse", () => {
  const made = generate();

  it("is what its generator makes, to the byte", () => {
    for (const [name, bytes] of made)
      assert.equal(sha256(bytes), sha256(readFileSync(new URL(name, folder))), name);
  });

  it("comes out the same when it is made twice in one process", () => {
    for (const [name, bytes] of generate())
      assert.equal(sha256(bytes), sha256(made.get(name) as Uint8Array), name);
  });

  it("takes no more than 10 MB", () => {
    const total = [...made.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    assert.ok(total <= 10_000_000, `${total} bytes`);
  });
});
