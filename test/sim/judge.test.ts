import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Alert, BreakerStateName } from "../../src/model/verdict.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import { decodeJudging, encodeJudging } from "../../src/pipeline/checkpoint.ts";
import { createJudging, type Judging } from "../../src/pipeline/judging.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createRandom } from "../judge/random.ts";
import { createPager } from "./pager.ts";
import { type Step, steps, take, view } from "./world.ts";

const allowed = new Set(["closed open", "open half-open", "half-open closed", "half-open open"]);
const stepsMax = 100_000;

/** What a judge has said, without the profiles. */
const wordsOf = (outcomes: readonly Outcome[]): string =>
  JSON.stringify(outcomes, (key, value: unknown) => (key === "profile" ? undefined : value));

const saved = (judging: Judging): Uint8Array => encodeJudging(judging.encode(), view.fingerprint, "");

function restored(bytes: Uint8Array): Judging {
  const judging = createJudging(view, undefined);
  judging.restore(decodeJudging(bytes).state);
  return judging;
}

/** Holds what comes out of a judge to what breakers and alerts must never do. */
function createWatch() {
  const states = new Map<string, BreakerStateName>();
  const firing = new Map<string, Alert>();
  const seen = { transitions: 0, fired: 0, resolved: 0 };
  return {
    seen,
    firing,
    watch(step: Step, outcomes: readonly Outcome[]): void {
      for (const outcome of outcomes) {
        if (outcome.kind === "breaker") {
          const { breaker, transition } = outcome;
          const key = segmentKey(breaker.segment);
          assert.equal(
            transition.from,
            states.get(key) ?? "closed",
            "a transition begins where the last ended",
          );
          if (step.kind !== "order")
            assert.ok(
              allowed.has(`${transition.from} ${transition.to}`),
              `${transition.from} → ${transition.to}`,
            );
          states.set(key, transition.to);
          seen.transitions += 1;
        }
        if (outcome.kind !== "alert") continue;
        const { alert } = outcome;
        const known = firing.get(alert.fingerprint);
        if (alert.status === "firing") {
          assert.equal(known, undefined, `${alert.alertname} fires and fires again`);
          firing.set(alert.fingerprint, alert);
          seen.fired += 1;
        } else {
          assert.equal(known?.startsAt, alert.startsAt, `${alert.alertname} ends, and ends what began`);
          firing.delete(alert.fingerprint);
          seen.resolved += 1;
        }
      }
    },
  };
}

describe("a simulated stream", () => {
  it("never skips a state, never fires twice, ends each alert once, and tells the pager of all of it, over crashes", () => {
    const random = createRandom(11);
    const stream = steps(createRandom(12));
    const { watch, firing, seen } = createWatch();
    const pager = createPager(random);
    let judging = createJudging(view, undefined);
    let checkpoint = saved(judging);
    let since: { step: Step; said: readonly Outcome[] }[] = [];
    let crashes = 0;
    const advance = (step: Step): void => {
      const outcomes = take(judging, step);
      watch(step, outcomes);
      since.push({ step, said: outcomes });
    };
    for (let count = 0; count < stepsMax; count++) {
      advance(pager.words().next().value ?? (stream.next().value as Step));
      if (count % 4 === 0) {
        assert.deepEqual(
          judging
            .active()
            .map(({ fingerprint }) => fingerprint)
            .sort(),
          [...firing.keys()].sort(),
          "what fires is what began and has not ended",
        );
        pager.turn(judging);
      }
      if (random.uniform() < 0.01) {
        checkpoint = saved(judging);
        since = [];
      }
      if (random.uniform() < 0.004) {
        const again = restored(checkpoint);
        for (const { step, said } of since)
          assert.equal(wordsOf(take(again, step)), wordsOf(said), "the same again");
        assert.deepEqual(saved(again), saved(judging));
        judging = again;
        crashes += 1;
      }
    }
    pager.mend();
    for (let turn = 0; turn < 3; turn++) {
      pager.turn(judging);
      for (const step of pager.words()) take(judging, step);
    }
    assert.deepEqual([...pager.firing].sort(), [...firing.keys()].sort());
    assert.deepEqual(pager.missed(), []);
    assert.ok(
      seen.transitions > 500 && seen.fired > 500 && crashes > 100,
      JSON.stringify({ ...seen, crashes }),
    );
    assert.equal(seen.fired - seen.resolved, firing.size);
  });

  it("has one history for each seed", () => {
    const history = (seed: number): string => {
      const judging = createJudging(view, undefined);
      const stream = steps(createRandom(seed));
      const hash = createHash("sha256");
      for (let count = 0; count < 10_000; count++) hash.update(wordsOf(take(judging, stream.next().value)));
      return hash.digest("hex");
    };
    assert.equal(history(3), history(3));
    assert.notEqual(history(3), history(4));
  });
});
