import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Baseline } from "../../src/judge/baseline.ts";
import { createDriftDetector } from "../../src/judge/drift.ts";
import { createRecorder } from "../../src/judge/recorder.ts";
import { signalsFor } from "../../src/judge/signals.ts";
import { createSeen } from "../../src/judge/statistic.ts";
import type { FieldDriftPolicy, FieldSpec } from "../../src/model/feature-view.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import type { FieldProfile, WindowProfile } from "../../src/profile/profile.ts";
import { baselineOf, profileOf, windowProfile } from "./profiles.ts";
import { createRandom } from "./random.ts";
import { featureView, fieldSpec, minute } from "./samples.ts";

const frame = { centre: 100, scale: 13.5 };

/** A field of 80 baseline windows around 100 ± 10, and what is told of 12 windows that moved by so much. */
function toldOf(drift: Partial<FieldDriftPolicy>, move: number, rows = 400): Verdict | undefined {
  const policy = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto", ...drift } as const;
  const field: FieldSpec = fieldSpec("amount", "float64", { drift: policy });
  const view = featureView([field]);
  const { normal } = createRandom(31);
  const cells = (count: number, shift: number): number[] =>
    Array.from({ length: count }, () => normal(100 + shift, 10));
  const windowOf = (number: number, count: number, shift: number): WindowProfile => {
    const profile = profileOf(field, cells(count, shift), frame);
    const window = { start: number * minute, end: (number + 1) * minute };
    return { ...windowProfile(view, new Map([["amount", profile]])), window };
  };
  const reference = profileOf(field, cells(80 * 400, 0), frame);
  const recorder = createRecorder(view, {
    profile: { ...windowOf(0, 1, 0), rows: 80 * 400, fields: new Map([["amount", reference]]) },
    windows: 80,
  });
  for (let number = 0; number < 80; number++) recorder.add(windowOf(number, 400, 0));
  const known = baselineOf(view, new Map([["amount", reference]]));
  const baseline: Baseline = {
    ...known,
    windows: 80,
    fields: new Map([
      [
        "amount",
        { profile: reference, statistics: new Map(), tracks: recorder.tracks().get("amount") ?? new Map() },
      ],
    ]),
  };
  const detector = createDriftDetector(view, baseline);
  for (let number = 80; number < 92; number++) {
    const profile = windowOf(number, rows, move);
    const { verdicts } = detector.follow(profile, {
      featureView: view.name,
      spec: view.fingerprint,
      segment: null,
      window: profile.window,
      final: true,
      rows,
      late: 0,
      asOf: profile.window.end,
      verdicts: [],
    });
    const [first] = verdicts;
    if (first !== undefined) return first;
  }
  return undefined;
}

describe("a warning", () => {
  it("is of the direction that the field asks about", () => {
    assert.equal(toldOf({ direction: "up" }, 3)?.statistic, "location");
    assert.equal(toldOf({ direction: "down" }, -3)?.statistic, "location");
    assert.equal(toldOf({ direction: "down" }, 3), undefined);
    assert.equal(toldOf({ direction: "up" }, -3), undefined);
  });

  it("is not given for a change that the field calls too small to matter, in its own unit", () => {
    assert.equal(toldOf({}, 3)?.status, "warning");
    assert.equal(toldOf({ ignoreBelow: 5 }, 3), undefined);
    assert.equal(toldOf({ ignoreBelow: 2 }, 3)?.status, "warning");
    assert.equal(toldOf({ ignoreBelow: 5 }, 8)?.status, "warning");
  });

  it("needs the rows that the field asks for", () => {
    assert.equal(toldOf({ minRows: 300 }, 8, 200), undefined);
    assert.equal(toldOf({ minRows: 200 }, 8, 200)?.status, "warning");
  });
});

describe("the level of a metric that is sampled once a window", () => {
  const field = fieldSpec("cpu", "float64");
  const values = Array.from({ length: 400 }, (_, at) => 40 + 20 * Math.sin(at));
  const reference: FieldProfile = profileOf(field, values, { centre: 40, scale: 27 });
  const [level, ...others] = signalsFor(field, reference, 1).filter(({ kind }) => kind === "number");
  const read = (value: number): number | undefined =>
    level?.read(createSeen(profileOf(field, [value], { centre: 40, scale: 27 }), null, 0))?.value;

  it("is all that is followed of it, in widths of the baseline from its median", () => {
    assert.equal(level?.name, "level");
    assert.deepEqual(others, []);
    assert.equal(read(40), 0);
    assert.ok(
      Math.abs((read(60) ?? 0) - 1) < 1e-3,
      "20 is one SD of a normal with an interquartile range of 27",
    );
  });

  it("does not saturate where scores do, and is bounded all the same", () => {
    assert.ok((read(240) ?? 0) > 9.9);
    assert.equal(read(1e9), 30);
    assert.equal(read(-1e9), -30);
  });

  it("says the value itself", () => {
    assert.equal(level?.say(5, 0), "cpu is 140.1, where 40 is usual");
  });
});
