import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alertFingerprint, alertLabels } from "../../src/judge/alert-labels.ts";
import {
  type AlertBook,
  activeAlerts,
  decodeAlertBook,
  encodeAlertBook,
  foldAlerts,
  newAlertBook,
} from "../../src/judge/alerts.ts";
import { foldBreaker, newBreaker } from "../../src/judge/breaker.ts";
import type { FeatureView } from "../../src/model/feature-view.ts";
import type {
  Alert,
  Breaker,
  BreakerTransition,
  JudgedWindow,
  StatisticName,
} from "../../src/model/verdict.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import { breach, featureView, fieldSpec, judgedMinute, minute, verdict } from "./samples.ts";

const view = featureView([
  fieldSpec("age", "float64"),
  fieldSpec("ready_ms", "float64", { max: 50, taints: "node" }),
]);
const node = (value: string): { segment: { field: string; value: string } } => ({
  segment: { field: "node", value },
});

/** Steps of the loop, one judgement or several each, with the breakers that go with them. */
function play(
  steps: readonly (readonly JudgedWindow[])[],
  of: FeatureView = view,
): { book: AlertBook; lines: Alert[] } {
  let book = newAlertBook();
  const lines: Alert[] = [];
  const breakers = new Map<string, Breaker>();
  for (const judged of steps) {
    const transitions: { breaker: Breaker; transition: BreakerTransition }[] = [];
    for (const window of judged) {
      const key = segmentKey(window.segment);
      const before = breakers.get(key) ?? newBreaker(of.name, window.segment, 0);
      const { breaker, transition } = foldBreaker(before, window, of.breaker);
      breakers.set(key, breaker);
      if (transition !== null) transitions.push({ breaker, transition });
    }
    const folded = foldAlerts(book, judged, transitions, of);
    book = folded.book;
    lines.push(...folded.changed);
  }
  return { book, lines };
}
const told = (lines: readonly Alert[]): string[] =>
  lines.map(({ status, alertname, segment, time }) =>
    [status, alertname, ...(segment === null ? [] : [segmentKey(segment)]), time / minute].join(" "),
  );

describe("alerts", () => {
  it("are not fired again by a window of their time that is judged again after they have ended", () => {
    const clean = (at: number): readonly JudgedWindow[] => [judgedMinute(at, [verdict()])];
    const { book, lines } = play([[judgedMinute(10, [breach()])], ...[11, 12, 13].map(clean)]);
    assert.deepEqual(told(lines).slice(2), ["resolved TidemarkDrift 14", "resolved TidemarkBreakerOpen 14"]);
    const restored = decodeAlertBook(encodeAlertBook(book));
    const fires = (at: number): boolean =>
      foldAlerts(restored, [judgedMinute(at, [breach()])], [], view).changed.length > 0;
    assert.equal(fires(11), false, "a part of it came late");
    assert.equal(fires(8), false, "it would have begun there");
    assert.equal(fires(6), true, "another incident, before it");
    assert.equal(fires(14), true, "and one after it");
  });

  it("fire at the window's end and resolve at the end of the third clean one, together with the breaker's", () => {
    const { lines, book } = play([
      [judgedMinute(0, [breach()])],
      [judgedMinute(1, [breach()])],
      [judgedMinute(2, [verdict()])],
      [judgedMinute(3, [verdict()])],
      [judgedMinute(4, [verdict()])],
    ]);
    assert.deepEqual(told(lines), [
      "firing TidemarkDrift 1",
      "firing TidemarkBreakerOpen 1",
      "resolved TidemarkDrift 5",
      "resolved TidemarkBreakerOpen 5",
    ]);
    assert.deepEqual(activeAlerts(book), []);
    assert.deepEqual(lines[2]?.window, { start: 4 * minute, end: 5 * minute });
    assert.equal(lines[0]?.fingerprint, lines[2]?.fingerprint);
  });

  it("fire at an early verdict once, begin when it was seen, and take the closed window's figures", () => {
    const early = judgedMinute(1, [breach({ shift: 3 })], { asOf: 1.1 * minute });
    const { lines, book } = play([[early], [early], [judgedMinute(1, [breach({ shift: 5 })])]]);
    assert.deepEqual(told(lines), ["firing TidemarkDrift 2", "firing TidemarkBreakerOpen 1.1"]);
    const [alert] = activeAlerts(book);
    assert.deepEqual([alert?.shift, alert?.time, alert?.startsAt], [5, 2 * minute, 1.1 * minute]);
  });

  it("carry the deciding event's time when a hard rule broke", () => {
    const hard = breach({ statistic: "nonfinite", hard: true, decidedAt: 90_500 });
    const [first] = play([[judgedMinute(1, [hard], { asOf: 91_000 })]]).lines;
    assert.deepEqual([first?.alertname, first?.time, first?.startsAt], ["TidemarkNonFinite", 90_500, 90_500]);
  });

  it("do not flap: a breach between clean windows starts the count anew, an insufficient window counts for neither", () => {
    const unsure = judgedMinute(3, [verdict({ status: "insufficient" })]);
    const { lines } = play([
      [judgedMinute(0, [breach()])],
      [judgedMinute(1, [verdict()])],
      [judgedMinute(2, [verdict()])],
      [unsure],
      [judgedMinute(4, [breach()])],
      [judgedMinute(5, [verdict()])],
      [judgedMinute(5, [verdict()])],
      [judgedMinute(6, [verdict()])],
      [judgedMinute(7, [verdict()])],
    ]);
    assert.deepEqual(
      told(lines).filter((line) => line.includes("Drift")),
      ["firing TidemarkDrift 1", "resolved TidemarkDrift 8"],
    );
  });

  it("are one incident: segments stay silent while the whole view's alert fires", () => {
    const { lines } = play([
      [
        judgedMinute(0, [breach()], node("a7")),
        judgedMinute(0, [breach()]),
        judgedMinute(0, [breach()], node("b1")),
      ],
    ]);
    assert.deepEqual(told(lines), ["firing TidemarkDrift 1", "firing TidemarkBreakerOpen 1"]);
  });

  it("fire for a segment alone, and for its breaker once the whole view's has closed", () => {
    const alone = play([[judgedMinute(0, [verdict()]), judgedMinute(0, [breach()], node("a7"))]]);
    assert.deepEqual(told(alone.lines), [
      "firing TidemarkDrift node:a7 1",
      "firing TidemarkBreakerOpen node:a7 1",
    ]);

    const both = Array.from({ length: 5 }, (_, i) => [
      judgedMinute(i, [i === 0 ? breach() : verdict()]),
      judgedMinute(i, [breach()], node("a7")),
    ]);
    assert.deepEqual(told(play(both).lines), [
      "firing TidemarkDrift 1",
      "firing TidemarkBreakerOpen 1",
      "resolved TidemarkDrift 4",
      "firing TidemarkDrift node:a7 4",
      "resolved TidemarkBreakerOpen 4",
      "firing TidemarkBreakerOpen node:a7 4",
    ]);
  });

  it("name a tainted node even while the whole view is tainted", () => {
    const slow = breach({ field: "ready_ms", statistic: "max_rate" });
    const { lines } = play([[judgedMinute(0, [slow]), judgedMinute(0, [slow], node("a7"))]]);
    assert.deepEqual(told(lines).slice(0, 2), [
      "firing TidemarkTainted 1",
      "firing TidemarkTainted node:a7 1",
    ]);
  });

  it("are named by their statistic", () => {
    const names: [StatisticName, string][] = [
      ["default_rate", "TidemarkDefaultCase"],
      ["missing", "TidemarkSchema"],
      ["type", "TidemarkSchema"],
      ["dimension_rate", "TidemarkSchema"],
      ["fingerprint", "TidemarkVersionMismatch"],
      ["max_rate", "TidemarkDrift"],
      ["limit", "TidemarkDrift"],
      ["null_rate", "TidemarkDrift"],
    ];
    for (const [statistic, name] of names) {
      const [alert] = play([[judgedMinute(0, [breach({ statistic })])]]).lines;
      assert.equal(alert?.alertname, name, statistic);
    }
  });

  it("are at most 500 a view; the open breaker speaks for the rest", () => {
    const many = Array.from({ length: 700 }, (_, i) => breach({ field: `f${i}` }));
    const { book, lines } = play([[judgedMinute(0, many)]]);
    assert.equal(activeAlerts(book).length, 501);
    assert.equal(book.unlisted, 200);
    assert.equal(lines.at(-1)?.alertname, "TidemarkBreakerOpen");
  });

  it("have labels of places, never of numbers or times, and none that is empty", () => {
    const owned = featureView([], {
      owner: undefined,
      models: [
        { name: "reco", version: "v4", gitSha: undefined, weights: undefined, fingerprint: undefined },
      ],
    });
    const place = {
      alertname: "TidemarkDrift",
      featureView: "reco_user",
      field: null,
      statistic: "location",
      segment: { field: "model-version", value: "v4" },
      severity: "critical",
    } as const;
    assert.deepEqual(alertLabels(place, owned), {
      alertname: "TidemarkDrift",
      feature_view: "reco_user",
      statistic: "location",
      severity: "critical",
      model: "reco",
      model_version: "v4",
    });
    assert.equal(
      alertLabels({ ...place, segment: { field: "model", value: "x" } }, owned)["segment_model"],
      "x",
    );
    assert.equal(alertLabels({ ...place, segment: { field: "9", value: "x" } }, owned)["_9"], "x");
  });

  it("have fingerprints that do not hang on the order of labels", () => {
    assert.match(alertFingerprint({ b: "2", a: "1" }), /^[0-9a-f]{16}$/);
    assert.equal(alertFingerprint({ b: "2", a: "1" }), alertFingerprint({ a: "1", b: "2" }));
    assert.notEqual(alertFingerprint({ a: "1" }), alertFingerprint({ a: "2" }));
  });

  it("survive a restart", () => {
    const { book } = play([[judgedMinute(0, [breach()])], [judgedMinute(1, [verdict()])]]);
    assert.deepEqual(decodeAlertBook(encodeAlertBook(book)), book);
    assert.throws(() => decodeAlertBook("[]"), { code: "store.version" });
  });
});
