import assert from "node:assert/strict";

/** Asks until the answer is true. By default for as long as a slow machine under load may take. */
export async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`after ${timeoutMs} ms, not yet: ${String(holds)}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
