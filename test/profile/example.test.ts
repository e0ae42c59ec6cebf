import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rowsToBatch } from "../../src/decode/json.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { showCell } from "../../src/profile/tile.ts";

describe("an example of a vector", () => {
  const good = Array.from({ length: 16 }, (_, at) => 499.8970947265625 + at);
  const shown = (vector: readonly number[]): string => {
    const hints = new Map([["v", "embedding" as const]]);
    const column = rowsToBatch([{ v: vector }], hints, defaultLimits).columns.get("v");
    assert(column !== undefined);
    return showCell(column, 0);
  };

  it("names the element that is not finite, however far behind it stands", () => {
    assert.match(shown(good.with(13, Number.NaN)), /^NaN at 13 of \[499\.9, 500\.9, /);
    assert.match(shown(good.with(0, Number.NEGATIVE_INFINITY)), /^-Infinity at 0 of \[-Infinity, 500\.9, /);
    assert.match(shown(good), /^\[499\.9, 500\.9, /);
  });

  it("is shown as it is when there is room for it", () => {
    assert.equal(shown([499.8970947265625, Number.NaN]), "[499.8970947265625, NaN]");
  });
});
