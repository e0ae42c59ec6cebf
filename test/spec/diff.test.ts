import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FieldSpec } from "../../src/model/feature-view.ts";
import { compareSpecs, type SpecDiff } from "../../src/spec/diff.ts";
import { featureView, fieldSpec } from "../judge/samples.ts";

const location = (own: Partial<FieldSpec> = {}): FieldSpec => fieldSpec("user_location", "string", own);
const mapping = (...values: string[]): Partial<FieldSpec> => ({ mapping: { values, maxDefaultRate: 0.01 } });
const diff = (was: readonly FieldSpec[], is: readonly FieldSpec[]): SpecDiff =>
  compareSpecs(featureView(was, { version: 3 }), featureView(is, { version: 4 }));

describe("the difference of two specs", () => {
  it("is breaking when a domain changed, and says what that means for a rollback", () => {
    const { compatibility, rollback, rollForward, changes } = diff(
      [location(mapping("US", "GB"))],
      [location(mapping("United States", "Great Britain"))],
    );
    assert.equal(compatibility, "breaking");
    assert.equal(rollback.possible, false);
    assert.match(rollback.reason, /^v4 → v3 is not possible: user_location changed domain: "US", "GB" gone/);
    assert.match(rollForward.reason, /^v3 → v4 is not possible/);
    assert.equal(changes[0]?.rollback, false);
  });

  it("tells what only a rollback would break from what only the way forward would", () => {
    const wider: readonly [FieldSpec, FieldSpec][] = [
      [location(mapping("US")), location(mapping("US", "CA"))],
      [location({ nullable: false }), location()],
      [location({ pattern: "^x" }), location()],
      [fieldSpec("n", "int16"), fieldSpec("n", "int32")],
      [fieldSpec("n", "int16", { range: [0, 5] }), fieldSpec("n", "int16", { range: [0, 9] })],
      [fieldSpec("n", "float64", { finite: true }), fieldSpec("n", "float64")],
      [fieldSpec("n", "float64", { limit: 5 }), fieldSpec("n", "float64", { limit: 9 })],
    ];
    for (const [narrow, wide] of wider) {
      const [forth, back] = [diff([narrow], [wide]), diff([wide], [narrow])];
      const what = forth.changes.map(({ change }) => change).join();
      assert.equal(forth.compatibility, "backward", what);
      assert.equal(forth.rollback.possible, false, what);
      assert.equal(forth.rollForward.possible, true, what);
      assert.equal(back.compatibility, "forward", what);
      assert.equal(back.rollback.possible, true, what);
      assert.equal(back.rollForward.possible, false, what);
    }
  });

  it("is full for a nullable field that comes or goes, and for none", () => {
    for (const [was, is] of [
      [[location()], [location(), fieldSpec("age", "int8")]],
      [[location(), fieldSpec("age", "int8")], [location()]],
      [[location()], [location()]],
    ] as const) {
      const { compatibility, rollback } = diff(was, is);
      assert.equal(compatibility, "full");
      assert.deepEqual(rollback, { possible: true, reason: "v4 → v3 is possible" });
    }
  });

  it("breaks both ways when one change is wider and another narrower", () => {
    const { compatibility } = diff(
      [location(mapping("US")), fieldSpec("n", "int32")],
      [location(mapping("US", "CA")), fieldSpec("n", "int16")],
    );
    assert.equal(compatibility, "breaking");
  });
});
