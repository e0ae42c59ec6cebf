import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeBreakers, encodeBreakers, foldBreaker, newBreaker } from "../../src/judge/breaker.ts";
import type { Breaker, BreakerTransition, JudgedWindow } from "../../src/model/verdict.ts";
import { breach, judgedMinute, minute, verdict } from "./samples.ts";

const policy = { openAfter: 1, closeAfter: 3, minRows: 50 };

const foldAll = (
  windows: readonly JudgedWindow[],
  own = policy,
): { breaker: Breaker; transitions: BreakerTransition[] } => {
  let breaker = newBreaker("reco_user", null, 0);
  const transitions: BreakerTransition[] = [];
  for (const window of windows) {
    const folded = foldBreaker(breaker, window, own);
    breaker = folded.breaker;
    if (folded.transition !== null) transitions.push(folded.transition);
  }
  return { breaker, transitions };
};
const path = (transitions: readonly BreakerTransition[]): string[] =>
  transitions.map(({ from, to, time }) => `${from} → ${to} at ${time / minute}`);
const clean = (number: number): JudgedWindow => judgedMinute(number, [verdict()]);
const bad = (number: number): JudgedWindow => judgedMinute(number, [breach()]);

describe("breaker", () => {
  it("opens at the first breach, half-opens at the first clean window, closes after three", () => {
    const { breaker, transitions } = foldAll([clean(0), bad(1), bad(2), clean(3), clean(4), clean(5)]);
    assert.deepEqual(path(transitions), [
      "closed → open at 2",
      "open → half-open at 4",
      "half-open → closed at 6",
    ]);
    assert.deepEqual([breaker.state, breaker.openedAt, breaker.reasons], ["closed", null, []]);
    assert.deepEqual(breaker.history, transitions);
  });

  it("opens early, at the moment it was seen, and the window's final verdict counts no second time", () => {
    const early = judgedMinute(1, [breach()], { asOf: 1.2 * minute });
    assert.deepEqual(path(foldAll([early, bad(1)]).transitions), ["closed → open at 1.2"]);
    assert.deepEqual(path(foldAll([early, early, bad(1)], { ...policy, openAfter: 2 }).transitions), []);
    assert.deepEqual(path(foldAll([early, bad(1), bad(2)], { ...policy, openAfter: 2 }).transitions), [
      "closed → open at 3",
    ]);
  });

  it("opens at the deciding event of a hard rule, however few rows there are", () => {
    const hard = breach({ statistic: "nonfinite", hard: true, decidedAt: 61_234, rows: 3 });
    const { transitions } = foldAll([judgedMinute(1, [hard], { asOf: 62_000, rows: 3 })]);
    assert.equal(transitions[0]?.time, 61_234);
  });

  it("of a segment with few rows closes when its small clean windows have shown enough rows together", () => {
    const nan = breach({ statistic: "nonfinite", hard: true, decidedAt: 61_000, rows: 12 });
    const quiet = (number: number): JudgedWindow =>
      judgedMinute(number, [verdict({ statistic: "nonfinite", status: "insufficient", rows: 12 })], {
        rows: 12,
      });
    const opened = judgedMinute(1, [nan], { rows: 12 });
    const windows = [opened, ...[2, 3, 4, 5, 6].map(quiet)];
    assert.deepEqual(path(foldAll(windows).transitions).slice(1), [
      "open → half-open at 3",
      "half-open → closed at 7", // five windows of 12 rows hold 50
    ]);
  });

  it("that a distribution opened does not take small windows for clean ones", () => {
    const quiet = (number: number): JudgedWindow =>
      judgedMinute(number, [verdict({ rows: 12 })], { rows: 12 });
    const { breaker } = foldAll([bad(1), ...[2, 3, 4, 5, 6, 7, 8].map(quiet)]);
    assert.equal(breaker.state, "open");
  });

  it("needs the breaching windows in a row", () => {
    const twice = { ...policy, openAfter: 2 };
    assert.deepEqual(foldAll([bad(0), clean(1), bad(2), clean(3)], twice).transitions, []);
  });

  it("opens again from half-open and starts to count anew", () => {
    const { transitions, breaker } = foldAll([
      bad(0),
      clean(1),
      clean(2),
      bad(3),
      clean(4),
      clean(5),
      clean(6),
    ]);
    assert.deepEqual(path(transitions), [
      "closed → open at 1",
      "open → half-open at 2",
      "half-open → open at 4",
      "open → half-open at 5",
      "half-open → closed at 7",
    ]);
    assert.equal(breaker.cleans, 3);
  });

  it("is left as it is by windows of too few rows, early clean ones, and ones that cannot tell", () => {
    const few = judgedMinute(1, [verdict({ status: "insufficient" })], { rows: 49 });
    const early = judgedMinute(2, [verdict()], { asOf: 2.5 * minute });
    const silent = judgedMinute(3, [verdict({ status: "insufficient" }), verdict({ field: "other" })]);
    const { breaker } = foldAll([bad(0), few, early, silent]);
    assert.equal(breaker.state, "open");
    assert.equal(breaker.cleans, 0);
    const fewBreach = judgedMinute(0, [breach()], { rows: 49 });
    assert.equal(foldAll([fewBreach]).breaker.state, "closed");
  });

  it("is not closed by older windows or by one that is judged three times", () => {
    assert.equal(foldAll([bad(5), clean(3), clean(4)]).breaker.state, "open");
    assert.equal(foldAll([bad(5), clean(6), clean(6), clean(6)]).breaker.state, "half-open");
  });

  it("is not opened again by an older window that breached before it recovered", () => {
    assert.equal(foldAll([bad(0), clean(1), clean(2), clean(3), bad(0)]).breaker.state, "closed");
  });

  it("names default cases first, then hard rules, then the largest shift, at most twenty", () => {
    const verdicts = [
      breach({ field: "a", shift: 3, summary: "a" }),
      breach({ field: "b", shift: 30, summary: "b" }),
      breach({ field: "c", shift: 1, hard: true, statistic: "type", summary: "c" }),
      breach({ field: "d", shift: 2, statistic: "default_rate", summary: "d" }),
      ...Array.from({ length: 30 }, (_, i) => breach({ field: `x${i}`, shift: 2 })),
    ];
    const { breaker } = foldAll([judgedMinute(0, verdicts)]);
    assert.deepEqual(
      breaker.reasons.slice(0, 4).map((reason) => reason.field),
      ["d", "c", "b", "a"],
    );
    assert.equal(breaker.reasons.length, 20);
  });

  it("survives a restart, and refuses what it has not written", () => {
    const { breaker } = foldAll([bad(0), clean(1)]);
    assert.deepEqual(decodeBreakers(encodeBreakers([breaker])), [breaker]);
    for (const text of ["", "{}", '{"version":2,"breakers":[]}', '{"version":1}']) {
      assert.throws(() => decodeBreakers(text), { code: "store.version" });
    }
  });

  it("keeps its history bounded and in order, whatever comes", () => {
    const window = fc.tuple(fc.nat(40), fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(fc.array(window, { maxLength: 400 }), (windows) => {
        const { breaker } = foldAll(
          windows.map(([number, isBad, early]) =>
            judgedMinute(
              number,
              [isBad ? breach() : verdict()],
              early ? { asOf: (number + 0.5) * minute } : {},
            ),
          ),
        );
        const times = breaker.history.map(({ time }) => time);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        assert.ok(times.length <= 50);
        assert.equal(breaker.state === "closed", breaker.openedAt === null);
      }),
    );
  });
});
