import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Verdict } from "../../src/model/verdict.ts";
import { collectFindings, type FindingsCollector } from "../../src/report/findings.ts";
import { profileOf, windowProfile } from "../judge/profiles.ts";
import { breach, featureView, fieldSpec, judgedMinute, minute, verdict } from "../judge/samples.ts";
import { alertOf } from "../pipeline/outcomes.ts";

const age = fieldSpec("age", "float64", { range: [0, 120] });
const view = featureView([age, fieldSpec("quiet", "float64")]);
const profile = windowProfile(view, new Map([["age", profileOf(age, [1, null, 200])]]));

function add(collector: FindingsCollector, number: number, ...verdicts: readonly Verdict[]): void {
  collector.judged(judgedMinute(number, verdicts), profile);
}

describe("findings", () => {
  it("keep the worst window of a field with its profile, and count the critical ones", () => {
    const collector = collectFindings(view, () => []);
    add(collector, 0, verdict({ shift: 1 }));
    add(collector, 1, breach({ shift: 5 }), verdict({ statistic: "spread", shift: 90 }));
    add(collector, 2, breach({ shift: 7 }));
    const { fields, cells } = collector.findings();
    const found = fields.get("age");
    assert.equal(found?.status, "critical");
    assert.equal(found?.criticalWindows, 2);
    assert.equal(found?.worst?.window.start, 2 * minute);
    assert.equal(found?.worst?.profile, profile.fields.get("age"));
    assert.deepEqual(found?.shifts, [1, 90, 7]);
    assert.deepEqual(
      cells.map(({ status }) => status),
      ["ok", "critical", "critical"],
    );
    assert.equal(fields.get("quiet")?.status, "insufficient");
    assert.deepEqual(fields.get("quiet")?.shifts, [undefined, undefined, undefined]);
  });

  it("let a default case tell more than a larger shift of anything else", () => {
    const collector = collectFindings(view, () => []);
    add(
      collector,
      0,
      breach({ statistic: "pattern_rate", shift: 40 }),
      breach({ statistic: "default_rate", shift: 39 }),
    );
    assert.equal(collector.findings().fields.get("age")?.worst?.verdict.statistic, "default_rate");
  });

  it("know from early verdicts when it began, and count only closed windows of the whole view", () => {
    const collector = collectFindings(view, () => []);
    collector.judged(judgedMinute(3, [breach()], { asOf: 3 * minute + 5_000 }), profile);
    collector.judged(
      judgedMinute(1, [breach()], { segment: { field: "node", value: "a7" }, asOf: minute }),
      profile,
    );
    add(collector, 3, breach({ hard: true, decidedAt: 3 * minute + 9_000 }));
    const { fields, cells } = collector.findings();
    assert.equal(fields.get("age")?.firstCriticalAt, 3 * minute + 5_000);
    assert.equal(fields.get("age")?.criticalWindows, 1);
    assert.equal(cells.length, 1);
  });

  it("sum up broken rules and nulls, with the first example", () => {
    const collector = collectFindings(view, () => []);
    add(collector, 0, verdict());
    add(collector, 1, verdict());
    const found = collector.findings().fields.get("age");
    assert.equal(found?.rows, 6);
    assert.equal(found?.nulls, 2);
    assert.equal(found?.rules.get("range")?.count, 2);
    assert.equal(found?.rules.get("range")?.example?.value, "200");
    assert.equal(profile.fields.get("age")?.rules.get("range")?.count, 1, "the profile is not changed");
  });

  it("stay bounded over a month, and lose neither time nor the one bad minute", () => {
    const collector = collectFindings(view, () => []);
    const windows = 43_200;
    for (let at = 0; at < windows; at++)
      add(collector, at, at === 31_415 ? breach({ shift: 9 }) : verdict({ shift: 0.5 }));
    const { cells, fields } = collector.findings();
    assert.ok(cells.length <= 720 && cells.length > 300, String(cells.length));
    assert.equal(cells.reduce((sum, cell) => sum + cell.windows, 0), windows); // biome-ignore format: one sum
    assert.equal(cells[0]?.window.start, 0);
    assert.equal(cells.at(-1)?.window.end, windows * minute);
    for (const [at, { window }] of cells.entries()) {
      const next = cells[at + 1];
      if (next !== undefined) assert.equal(window.end, next.window.start);
    }
    const bad = cells.findIndex(({ status }) => status === "critical");
    const shifts = fields.get("age")?.shifts ?? [];
    assert.equal(shifts.length, cells.length);
    assert.equal(shifts.indexOf(9), bad);
    assert.equal(shifts.filter((shift) => shift === 0.5).length, cells.length - 1);
  });

  it("keep the first 200 alerts and say how many they left out", () => {
    const collector = collectFindings(view, () => []);
    const outcome = alertOf();
    assert(outcome.kind === "alert");
    for (let at = 0; at < 250; at++) collector.alert(outcome.alert);
    const { alerts, alertsLeftOut } = collector.findings();
    assert.deepEqual([alerts.length, alertsLeftOut], [200, 50]);
  });
});
