import assert from "node:assert/strict";
import { it } from "node:test";
import { fuzz } from "./fuzz.ts";

/** Two threads that each may fill their caches and one message's limits. */
const rssMiBMax = 1_024;

it("100,000 mutated messages of every format end in rows that other readers agree with, or in a DecodeError", async (t) => {
  const outcome = await fuzz({ mutations: 100_000, seed: 4_092, threads: 2 });
  const { failures, decoded, refused, slowestMs, mutations } = outcome;
  const rssMiB = Math.round(process.resourceUsage().maxRSS / 1_024);
  t.diagnostic(
    `slowest ${slowestMs.toFixed(0)} ms, ${decoded} decoded, ${JSON.stringify(refused)}, ${rssMiB} MiB`,
  );
  assert.deepEqual(failures, []);
  assert.equal(mutations, 100_000);
  // Every end is met, or the mutations prove nothing.
  assert(decoded > 5_000);
  for (const reason of ["malformed", "truncated", "limit", "schema", "format", "compression"])
    assert((refused[reason] ?? 0) > 100, reason);
  assert(rssMiB < rssMiBMax, `${rssMiB} MiB`);
});
