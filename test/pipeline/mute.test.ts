import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createJudging, type Judging } from "../../src/pipeline/judging.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { decodeSignal, encodeSignal, kindHeader } from "../../src/pipeline/signal.ts";
import { profileOf, windowProfile } from "../judge/profiles.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

const field = fieldSpec("price", "float64", { finite: true });
const view = featureView([field]);

/** A closed minute of 60 rows, with a NaN among them or not. */
function play(judging: Judging, number: number, spoiled: boolean): readonly Outcome[] {
  const prices = Array.from({ length: 60 }, (_, row) => (spoiled && row === 7 ? Number.NaN : row));
  const profile = windowProfile(view, new Map([["price", profileOf(field, prices)]]));
  const window = { start: number * minute, end: (number + 1) * minute };
  judging.add("t-0", { ...profile, window });
  return judging.close(window.end, window.end);
}

const alertsOf = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap((outcome) =>
    outcome.kind === "alert" ? [`${outcome.alert.alertname} ${outcome.alert.status}`] : [],
  );
const order = { featureView: view.name, segment: null, at: minute, reason: "known release" } as const;

describe("alerts of a muted view", () => {
  it("are not heard but counted, and are heard when the mute has run out and they still fire", () => {
    const judging = createJudging(view, undefined);
    play(judging, 0, false);
    judging.order({ ...order, action: "close", muteUntil: 10 * minute });
    assert.deepEqual(alertsOf(play(judging, 2, true)), []);
    assert.deepEqual(judging.active(), []);
    assert.equal(judging.silenced, 1);
    assert.equal(judging.breaker.state, "closed");
    assert.equal(judging.breaker.hold?.silenced, 1);
    assert.deepEqual(judging.expire(9 * minute), []);
    assert.deepEqual(alertsOf(judging.expire(10 * minute)), ["TidemarkNonFinite firing"]);
    assert.equal(judging.active().length, 1);
    assert.deepEqual(alertsOf(play(judging, 11, true)), ["TidemarkBreakerOpen firing"]);
    assert.equal(judging.breaker.state, "open");
  });

  it("are kept silent over a restart", () => {
    const judging = createJudging(view, undefined);
    judging.order({ ...order, action: "close", muteUntil: 10 * minute });
    const again = createJudging(view, undefined);
    again.restore(judging.encode());
    assert.deepEqual(alertsOf(play(again, 2, true)), []);
    assert.equal(again.breaker.hold?.reason, "known release");
  });

  it("are muted through the log of a cluster: an order survives the wire", () => {
    const signal = { kind: "order", order: { ...order, action: "open", muteUntil: null } } as const;
    const { value, headers } = encodeSignal(signal);
    assert.deepEqual(decodeSignal(new Map(Object.entries(headers)), value), signal);
    assert.equal(headers[kindHeader], "order");
  });

  it("sound when a breaker is opened by hand without a mute", () => {
    const judging = createJudging(view, undefined);
    const outcomes = judging.order({ ...order, action: "open", muteUntil: null });
    assert.deepEqual(alertsOf(outcomes), ["TidemarkBreakerOpen firing"]);
    const closed = judging.order({ ...order, at: 2 * minute, action: "close", muteUntil: null });
    assert.deepEqual(alertsOf(closed), ["TidemarkBreakerOpen resolved"]);
  });
});
