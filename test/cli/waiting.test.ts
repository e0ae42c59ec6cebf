import assert from "node:assert/strict";
import { it } from "node:test";
import { waitingIn } from "../../src/cli/waiting.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { viewOf } from "../pipeline/outcomes.ts";

it("a partition that had nothing left is not idle while Kafka does not answer: its records may wait; but not for ever", async () => {
  const [lag, clock] = [new Map([["orders-0", 0]]), { now: () => 0, elapsed: () => now }];
  let [now, answeredAt] = [0, 0];
  const idle: boolean[] = [];
  const take = (outcome: Outcome): void => {
    if (outcome.kind === "signal" && outcome.signal.kind === "progress") idle.push(outcome.signal.idle);
  };
  const view = viewOf("x");
  const monitor = createMonitor({
    views: [{ view: { ...view, source: { ...view.source, topic: "orders" } }, baseline: undefined }],
    limits: defaultLimits,
    sinks: [{ name: "test", accept: async (some) => some.forEach(take), close: async () => undefined }],
    store: createMemoryStore(),
    ...{ clock, idleAfterMs: 10_000, waiting: waitingIn({ lag, answeredAt: () => answeredAt, clock }) },
    relay: { processId: "test", judging: () => undefined, ready: () => true },
  });
  await monitor.assigned({ topic: "orders", partition: 0 }, { low: 0, high: 5 });
  const at = async (time: number, answered: number): Promise<boolean | undefined> => {
    [now, answeredAt] = [time, answered];
    await monitor.tick();
    return idle.at(-1);
  };
  assert.notEqual(await at(9_000, 9_000), true);
  assert.notEqual(await at(60_000, 9_000), true, "nobody knows");
  assert.equal(await at(61_000, 60_900), true, "it is known that nothing waits");
  await monitor.assigned({ topic: "orders", partition: 0 }, { low: 0, high: 5 });
  assert.notEqual(await at(170_000, 60_900), true);
  assert.equal(await at(190_000, 60_900), true, "the others do not wait for ever");
});
