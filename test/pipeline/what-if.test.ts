import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Alert } from "../../src/model/verdict.ts";
import { createJudging } from "../../src/pipeline/judging.ts";
import { judgeAgain } from "../../src/pipeline/what-if.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { baselineOf, profileOf, windowProfile } from "../judge/profiles.ts";
import { createRandom } from "../judge/random.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";

const shop = featureView([
  fieldSpec("country", "string", { mapping: { values: ["DE", "FR"], maxDefaultRate: 0.01 } }),
  fieldSpec("age", "float64"),
  fieldSpec("score", "float64", { finite: true }),
]);
const random = createRandom(5);

/** A minute: ages of `mean`; the first score, at second 7 of it, and half of the countries may be wrong. */
function minuteOf(index: number, mean: number, wrong: boolean): WindowProfile {
  const rows = Array.from({ length: 200 }, (_, row) => row);
  const cells = {
    country: rows.map((row) => (wrong && row % 2 === 0 ? "Germany" : "DE")),
    age: rows.map(() => random.normal(mean)),
    score: rows.map((row) => (wrong && row === 0 ? Number.NaN : random.normal())),
  };
  const fields = new Map(
    shop.fields.map((field) => [field.name, profileOf(field, cells[field.name as keyof typeof cells])]),
  );
  const window = { start: index * minute, end: (index + 1) * minute };
  return { ...windowProfile(shop, fields), window, lastEvent: window.end - 1 };
}

describe("what if", () => {
  const { fields } = minuteOf(0, 0, false);
  const baseline = baselineOf(shop, fields, [fields]);
  const profiles = [0, 0.9, 1.7, 2.6, 0].map((mean, index) => minuteOf(index, mean, index === 0));
  const again = (sigmas: readonly number[]): ReturnType<typeof judgeAgain> =>
    judgeAgain(
      shop,
      baseline,
      sigmas,
      (async function* () {
        yield* profiles;
      })(),
      undefined,
    );

  it("reads each profile once, and says of every line what a judge of that line alone says", async () => {
    const sigmas = [0.5, 1, 1.5, 2, 2.5, 3];
    const { values } = await again(sigmas);
    assert.ok(new Set(values.map(({ alerts }) => alerts)).size > 1);
    for (const value of values) {
      const judging = createJudging(shop, baseline, { sigma: value.sigma });
      const fired: Alert[] = [];
      for (const profile of profiles) {
        judging.add("", profile);
        for (const outcome of judging.close(profile.window.end, profile.window.end))
          if (outcome.kind === "alert" && outcome.alert.status === "firing") fired.push(outcome.alert);
      }
      assert.equal(value.alerts, fired.filter(({ severity }) => severity === "critical").length);
    }
  });

  it("calls first what was first in time, not what is told first of a window", async () => {
    const { values } = await again([9]);
    assert.equal(values[0]?.firstAlertAt, "1970-01-01T00:00:07.000Z");
  });
});
