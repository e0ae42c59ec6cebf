import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { jsonNumber } from "../../src/model/json-number.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import { createTally } from "../../src/pipeline/summary.ts";
import { alertOf, breakerOf, judgedOf, movedOf, noon, verdictOf, viewOf } from "./outcomes.ts";

const counts = { read: 10, profiled: 6, late: 2, rejected: 1, deadLettered: 1 };
const closed = { counts, breaker: breakerOf("closed"), segments: new Map() };
const minuteMs = 60_000;

describe("summary", () => {
  it("of nothing says so without inventing times", () => {
    const summary = createTally(viewOf("a")).summarize(closed);
    assert.equal(summary.from, null);
    assert.equal(summary.windows, 0);
    assert.deepEqual(summary.breaker, {
      state: "closed",
      openedAt: null,
      closedAt: null,
      reasons: [],
      openings: 0,
    });
    assert.equal(summary.fields.a?.status, "insufficient");
    assert.equal(summary.rows, summary.profiled + summary.late + summary.rejected + summary.deadLettered);
  });

  it("counts closed windows of the whole view only", () => {
    const tally = createTally(viewOf("a"));
    tally.add([judgedOf(0, []), judgedOf(1, []), judgedOf(2, [], { final: false })]);
    tally.add([judgedOf(0, [], { segment: { field: "node", value: "a7" } })]);
    const summary = tally.summarize(closed);
    assert.equal(summary.windows, 2);
    assert.equal(summary.from, "2026-03-03T12:00:01.000Z");
    assert.equal(summary.to, "2026-03-03T12:01:59.000Z");
  });

  it("keeps a field's worst verdict and when it first became critical, also when that was early", () => {
    const tally = createTally(viewOf("a", "b"));
    const critical = { status: "critical", shift: 3 } as const;
    tally.add([
      judgedOf(0, [verdictOf("a", { shift: 9 }), verdictOf("b", { status: "insufficient", shift: 99 })]),
      judgedOf(1, [verdictOf("a", critical)], { final: false, asOf: noon + 1.5 * minuteMs }),
      judgedOf(1, [verdictOf("a", { ...critical, shift: 5, statistic: "spread" }), verdictOf("b")]),
      judgedOf(2, [verdictOf("a", { status: "warning", shift: 50 })]),
    ]);
    const { a, b } = tally.summarize(closed).fields;
    assert.equal(a?.status, "critical");
    assert.equal(a?.statistic, "spread");
    assert.equal(a?.shift, 5);
    assert.equal(a?.firstCriticalAt, "2026-03-03T12:01:30.000Z");
    assert.equal(a?.firstWarningAt, "2026-03-03T12:03:00.000Z");
    assert.equal(a?.criticalWindows, 1);
    assert.equal(b?.status, "ok");
  });

  it("dates a hard rule by its deciding event", () => {
    const tally = createTally(viewOf("a"));
    tally.add([judgedOf(0, [verdictOf("a", { status: "critical", hard: true, decidedAt: noon + 7 })])]);
    assert.equal(tally.summarize(closed).fields.a?.firstCriticalAt, "2026-03-03T12:00:00.007Z");
  });

  it("says when the breaker first opened and last closed, and counts openings, not returns from half-open", () => {
    const tally = createTally(viewOf("a"));
    tally.add([movedOf("closed", "open", noon), movedOf("open", "half-open", noon + 1)]);
    tally.add([movedOf("half-open", "open", noon + 2)]);
    assert.equal(tally.summarize(closed).breaker.closedAt, null);
    tally.add([movedOf("open", "half-open", noon + 3), movedOf("half-open", "closed", noon + 4)]);
    const { breaker } = tally.summarize(closed);
    assert.equal(breaker.openedAt, "2026-03-03T12:00:00.000Z");
    assert.equal(breaker.closedAt, "2026-03-03T12:00:00.004Z");
    assert.equal(breaker.openings, 1);
    assert.equal(breaker.reasons[0]?.field, "user_location");
  });

  it("lists segments whose breaker opened with their state at the end", () => {
    const segment = { field: "node", value: "a7" };
    const tally = createTally(viewOf("a"));
    tally.add([movedOf("closed", "open", noon, segment)]);
    const segments = new Map([[segmentKey(segment), breakerOf("half-open", segment)]]);
    assert.deepEqual(tally.summarize({ ...closed, segments }).segments, {
      "node:a7": { state: "half-open", openedAt: "2026-03-03T12:00:00.000Z" },
    });
  });

  it("counts alerts that began, by severity", () => {
    const tally = createTally(viewOf("a"));
    tally.add([alertOf(), alertOf({ severity: "warning" }), alertOf({ status: "resolved" })]);
    assert.deepEqual(tally.summarize(closed).alerts, { warning: 1, critical: 1 });
  });

  it("holds no number that JSON turns into null by accident", () => {
    assert.equal(jsonNumber(Number.POSITIVE_INFINITY), Number.MAX_VALUE);
    assert.equal(jsonNumber(Number.NEGATIVE_INFINITY), -Number.MAX_VALUE);
    assert.equal(jsonNumber(Number.NaN), null);
    assert.equal(jsonNumber(0.5), 0.5);
  });
});
