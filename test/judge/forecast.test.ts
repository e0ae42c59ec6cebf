import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forecast, type Point } from "../../src/judge/forecast.ts";
import { createRandom } from "./random.ts";

const minute = 60_000;
const points = (count: number, value: (at: number) => number, stepMs = minute): Point[] =>
  Array.from({ length: count }, (_, at) => ({ time: at * stepMs, value: value(at) }));

describe("a forecast", () => {
  it("says when a steady leak reaches its limit", () => {
    const ahead = forecast(
      points(60, (at) => 20 + at),
      105,
    );
    assert.ok(ahead !== undefined);
    assert.ok(Math.abs(ahead.leftMs - 26 * minute) < 1, `${ahead.leftMs / minute} min`);
    assert.ok(Math.abs(ahead.slope * minute - 1) < 1e-9);
  });

  it("finds a leak that began a moment ago, through noise and outliers", () => {
    const random = createRandom(1);
    const leak = points(
      80,
      (at) => 24 + random.normal(0, 0.5) + Math.max(0, at - 60) + (at % 17 === 3 ? 30 : 0),
    );
    const ahead = forecast(leak, 76);
    assert.ok(ahead !== undefined);
    assert.ok(Math.abs(ahead.slope * minute - 1) < 0.2, `${ahead.slope * minute}`);
  });

  it("is silent on noise, a fall, a plateau, a saw and a level above the limit", () => {
    const random = createRandom(2);
    for (let round = 0; round < 200; round++) {
      assert.equal(
        forecast(
          points(96, () => 74 + random.normal()),
          80,
        ),
        undefined,
      );
    }
    assert.equal(
      forecast(
        points(96, (at) => 70 - at),
        80,
      ),
      undefined,
    );
    assert.equal(
      forecast(
        points(96, (at) => Math.min(60, at)),
        80,
      ),
      undefined,
    );
    assert.equal(
      forecast(
        points(96, (at) => 40 + (at % 20)),
        80,
      ),
      undefined,
    );
    assert.equal(
      forecast(
        points(60, (at) => 100 + at),
        80,
      ),
      undefined,
    );
    assert.equal(
      forecast(
        points(5, (at) => at),
        80,
      ),
      undefined,
      "too few to say",
    );
  });
});
