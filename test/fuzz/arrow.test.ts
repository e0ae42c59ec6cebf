import assert from "node:assert/strict";
import { it } from "node:test";
import { fuzzArrow } from "./arrow.ts";

it("5,000 mutated Arrow messages end in readable batches or a DecodeError, each within a second", () => {
  const { failures, decoded, refused } = fuzzArrow({ count: 5_000, seed: 4092 });
  assert.deepEqual(failures, []);
  // Both ends are met, or the mutations prove nothing.
  assert(decoded > 500 && (refused["malformed"] ?? 0) > 500 && (refused["truncated"] ?? 0) > 500);
});
