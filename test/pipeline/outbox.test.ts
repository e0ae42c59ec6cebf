import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fault } from "../../src/model/fault.ts";
import { createOutbox } from "../../src/pipeline/outbox.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";

const letter = (offset: number, size: number): Outcome => ({
  kind: "dead-letter",
  deadLetter: {
    partition: { topic: "t", partition: 0 },
    offset,
    reason: "malformed",
    message: "",
    bytes: new Uint8Array(size),
    key: undefined,
    headers: new Map(),
  },
});
const offsetOf = (outcome: Outcome): number =>
  outcome.kind === "dead-letter" ? outcome.deadLetter.offset : Number.NaN;

/** A sink that can be full, or slow. */
function outboxTo(ahead: { outcomes: number; bytes: number }) {
  const taken: number[] = [];
  const state = { full: false, gate: Promise.resolve() };
  const troubles = new Map<string, string>();
  const outbox = createOutbox({
    sinks: [
      {
        name: "letters",
        async accept(outcomes) {
          await state.gate;
          if (state.full) throw new Fault("store.full", "no space", { retryable: true });
          taken.push(...outcomes.map(offsetOf));
        },
        close: async () => undefined,
      },
    ],
    active: () => [],
    trouble: (name, text) => void (text === undefined ? troubles.delete(name) : troubles.set(name, text)),
    ahead,
  });
  return { outbox, taken, state, troubles };
}

describe("the outbox", () => {
  it("holds the source back by bytes when a sink is full, keeps all in order, and recovers", async () => {
    const { outbox, taken, state, troubles } = outboxTo({ outcomes: 500, bytes: 10_000 });
    state.full = true;
    let offset = 0;
    const next = async (): Promise<void> => {
      await outbox.room();
      await outbox.emit([letter(offset++, 3_000)]);
    };
    while (offset < 4) await next();
    await assert.rejects(next(), { code: "sink.unreachable", retryable: true });
    assert.ok(outbox.waitingBytes() > 10_000 && outbox.waitingBytes() < 14_000, "one step over the bound");
    assert.match([...troubles].join(), /sink\.letters,no space/);
    await assert.rejects(outbox.settle(), { code: "sink.unreachable" });
    state.full = false;
    await next();
    await outbox.settle();
    assert.deepEqual(taken, [0, 1, 2, 3, 4]);
    assert.equal(outbox.waitingBytes(), 0);
    assert.equal(troubles.size, 0);
  });

  it("waits for a slow sink once as much waits as may, by bytes or by number", async () => {
    for (const size of [3_000, 10]) {
      const { outbox, taken, state } = outboxTo({ outcomes: 4, bytes: 10_000 });
      const gate = Promise.withResolvers<void>();
      state.gate = gate.promise;
      let emitted = 0;
      const emitting = (async () => {
        for (let offset = 0; offset < 10; offset++) {
          await outbox.emit([letter(offset, size)]);
          emitted += 1;
        }
      })();
      await new Promise((done) => setTimeout(done, 20));
      assert.equal(emitted, size === 3_000 ? 3 : 4);
      gate.resolve();
      await emitting;
      await outbox.settle();
      assert.deepEqual(taken, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it("lets nothing wait unless it may: a refusal stops the next step", async () => {
    const { outbox, state } = outboxTo({ outcomes: 0, bytes: 0 });
    state.full = true;
    await outbox.emit([letter(0, 1)]);
    await assert.rejects(outbox.room(), { code: "sink.unreachable" });
  });
});
