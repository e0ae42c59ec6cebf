import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rowsToBatch } from "../../src/decode/json.ts";
import { buildBaseline } from "../../src/judge/baseline-build.ts";
import type { Batch } from "../../src/model/batch.ts";
import type { FieldType, ViewDriftPolicy } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { createRandom } from "./random.ts";
import { featureView, fieldSpec, minute } from "./samples.ts";

const names = ["a", "b", "c", "d"] as const;

/** a and b move together closely, a and c a little, d alone. */
function batchOf(): Batch {
  const { normal } = createRandom(51);
  const rows = Array.from({ length: 3_000 }, (_, row) => {
    const a = normal();
    return { time: row * 600, a, b: a + normal(0, 0.3), c: 0.1 * a + normal(), d: normal() };
  });
  const types = names.map((name): [string, FieldType] => [name, "float64"]);
  return rowsToBatch(rows, new Map<string, FieldType>([["time", "timestamp"], ...types]), defaultLimits);
}

async function pairsOf(correlations: ViewDriftPolicy["correlations"]): Promise<readonly string[]> {
  const drift = { sigma: 2, falseAlarmsPerMonth: 1, seasonality: "auto", correlations } as const;
  const source = { topic: undefined, format: "auto", eventTime: "time", requestId: undefined } as const;
  const view = featureView(
    names.map((name) => fieldSpec(name, "float64")),
    { drift, source },
  );
  async function* open(): AsyncGenerator<Batch> {
    yield batchOf();
  }
  const { pairs } = await buildBaseline(view, open, { limits: defaultLimits, toolVersion: "0" });
  for (const { track } of pairs ?? []) assert.ok(track.windows >= (3_000 * 600 * 0.9) / minute);
  return (pairs ?? []).map(({ a, b }) => `${a}~${b}`);
}

describe("pairs whose correlation is watched", () => {
  it("are the strong ones of the baseline", async () => {
    assert.deepEqual(await pairsOf(undefined), ["a~b"]);
  });

  it("are those that the spec names first, weak ones too, and none of them twice", async () => {
    assert.deepEqual(
      await pairsOf([
        ["c", "a"],
        ["a", "d"],
      ]),
      ["c~a", "a~d", "a~b"],
    );
    assert.deepEqual(await pairsOf([["b", "a"]]), ["b~a"]);
  });
});
