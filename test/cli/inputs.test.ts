import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { expandInputs, timeRangeOf } from "../../src/cli/inputs.ts";

describe("inputs", () => {
  it("are expanded from globs in the order of their names, and a plain name may hold glob characters", (t) => {
    const cwd = mkdtempSync(join(tmpdir(), "tidemark-inputs-"));
    t.after(() => rmSync(cwd, { recursive: true }));
    for (const name of ["b.csv", "a.csv", "c.jsonl", "odd[1].csv"]) writeFileSync(join(cwd, name), "");
    assert.deepEqual(
      expandInputs(["c.jsonl", "?.csv", "odd[1].csv"], { cwd }).map((file) => basename(file)),
      ["c.jsonl", "a.csv", "b.csv", "odd[1].csv"],
    );
    assert.throws(() => expandInputs(["*.parquet"], { cwd }), {
      code: "input.missing",
      message: /\*\.parquet/,
    });
  });

  it("take a half-open range of times, open at either end", () => {
    assert.equal(timeRangeOf(undefined, undefined), undefined);
    assert.deepEqual(timeRangeOf("1970-01-01T00:00:01Z", "2000"), { from: 1_000, to: 2_000 });
    assert.deepEqual(timeRangeOf("5", undefined), { from: 5, to: Number.POSITIVE_INFINITY });
    assert.throws(() => timeRangeOf("yesterday", undefined), {
      code: "usage",
      message: /--from-time yesterday/,
    });
    assert.throws(() => timeRangeOf("5", "5"), { code: "usage" });
  });
});
