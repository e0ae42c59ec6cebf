import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { foldBreaker, freeBreaker, newBreaker, obeyOrder } from "../../src/judge/breaker.ts";
import type { Breaker, BreakerOrder, JudgedWindow } from "../../src/model/verdict.ts";
import { breach, judgedMinute, minute, verdict } from "./samples.ts";

const policy = { openAfter: 1, closeAfter: 3, minRows: 50 };
const order = (action: "open" | "close", muteUntil: number | null = null): BreakerOrder => ({
  featureView: "reco_user",
  segment: null,
  action,
  at: 10 * minute,
  muteUntil,
  reason: "known release",
});
const fold = (breaker: Breaker, windows: readonly JudgedWindow[]): Breaker =>
  windows.reduce((state, window) => foldBreaker(state, window, policy).breaker, breaker);
const clean = (number: number): JudgedWindow => judgedMinute(number, [verdict()]);
const bad = (number: number): JudgedWindow => judgedMinute(number, [breach()]);

describe("a breaker that is set by hand", () => {
  it("stays open until it is closed by hand, however clean the windows", () => {
    const { breaker, transition } = obeyOrder(newBreaker("reco_user", null, 0), order("open"));
    assert.equal(transition?.reasons[0]?.summary, "opened by hand: known release");
    assert.equal(fold(breaker, [clean(11), clean(12), clean(13), clean(14)]).state, "open");
    const closed = obeyOrder(breaker, order("close"));
    assert.deepEqual([closed.breaker.state, closed.breaker.hold], ["closed", undefined]);
  });

  it("opens again at the next breach when it was closed without a mute", () => {
    const open = fold(newBreaker("reco_user", null, 0), [bad(8)]);
    const { breaker } = obeyOrder(open, order("close"));
    assert.equal(breaker.state, "closed");
    assert.equal(fold(breaker, [bad(11)]).state, "open");
  });

  it("stays closed as long as it is muted, and is moved by verdicts again when that has run out", () => {
    const open = fold(newBreaker("reco_user", null, 0), [bad(8)]);
    const { breaker } = obeyOrder(open, order("close", 130 * minute));
    assert.equal(breaker.hold?.muted, true);
    const held = fold(breaker, [bad(11), bad(12)]);
    assert.equal(held.state, "closed");
    assert.equal(freeBreaker(held, 129 * minute), undefined);
    const free = freeBreaker(held, 130 * minute);
    assert(free !== undefined && free.hold === undefined);
    assert.equal(fold(free, [bad(131)]).state, "open");
  });

  it("changes only its hold when it stands so already", () => {
    const { breaker, transition } = obeyOrder(newBreaker("reco_user", null, 0), order("close", 1e9));
    assert.equal(transition, null);
    assert.equal(breaker.hold?.until, 1e9);
  });
});
