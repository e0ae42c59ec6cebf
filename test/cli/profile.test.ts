import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { sparkline } from "../../src/cli/profile.ts";
import type { SurveyedField } from "../../src/pipeline/survey.ts";
import { tidemark } from "./command.ts";

const clean = "replay-data/tensor-collapse/clean.arrow";

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-profile-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

const near = (value: number | null | undefined, expected: number, within: number): void =>
  assert.ok(Math.abs((value ?? Number.NaN) - expected) <= within, `${value} is not ${expected} ± ${within}`);

describe("tidemark profile", () => {
  it("says what is in an Arrow file without a spec", async () => {
    const { code, stdout, stderr } = await tidemark(["profile", clean, "--json"]);
    assert.equal(code, 0, stderr);
    const { rows, fields } = JSON.parse(stdout) as { rows: number; fields: SurveyedField[] };
    assert.equal(rows, 26_182);
    const byName = new Map(fields.map((field) => [field.name, field]));
    assert.equal(fields.length, 27);
    assert.equal(byName.get("account_age_seconds")?.type, "int64");
    assert.equal(byName.get("device")?.type, "string");
    assert.equal(byName.get("device")?.distinct, 4);
    assert.equal(byName.get("user_location")?.top?.[0]?.value, "US");
    near(byName.get("cart_value")?.nulls, 26_182 * 0.06, 200);
    near(byName.get("price_sensitivity")?.numeric?.mean, 0.5, 0.01);
    near(byName.get("price_sensitivity")?.numeric?.sd, 0.16, 0.01);
    near(byName.get("price_sensitivity")?.numeric?.quantiles["p50"], 0.5, 0.01);
    near(byName.get("user_embedding")?.embedding?.mean, 0.05, 0.01);
    near((byName.get("is_member")?.bool?.trues ?? 0) / rows, 0.37, 0.02);
    near(byName.get("request_id")?.distinct, 26_182, 26_182 * 0.06);
    const shares = byName.get("price_sensitivity")?.numeric?.histogram ?? [];
    near(
      shares.reduce((sum, share) => sum + share, 0),
      0.98,
      0.02,
    );
  });

  it("prints one aligned line a field", async () => {
    const { code, stdout } = await tidemark(["profile", clean]);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines[0], "26,182 rows, 27 fields, 1 file");
    assert.equal(lines.length, 2 + 1 + 27);
    assert.match(stdout, /user_location +string +0 +15 .*US 3\d\.\d%/);
  });

  it("reads rows with gaps, odd values and hostile names", async (t) => {
    const file = join(scratch(t), "rows.jsonl");
    const rows = [
      { a: 1, "__proto__\u001b[2J": "x", b: true, c: "é" },
      { a: 2.5, b: null, c: "" },
      { a: "three", b: false, c: "é" },
    ];
    writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
    const { code, stdout, stderr } = await tidemark(["profile", file, "--json"]);
    assert.equal(code, 0, stderr);
    const { fields } = JSON.parse(stdout) as { fields: SurveyedField[] };
    const c = fields.find(({ name }) => name === "c");
    assert.deepEqual(c?.top, [
      { value: "é", count: 2 },
      { value: "", count: 1 },
    ]);
    assert.deepEqual(fields.find(({ name }) => name === "b")?.bool, { trues: 1, falses: 1 });
    const table = await tidemark(["profile", file]);
    assert.ok(!table.stdout.includes("\u001b"), "a name cannot move the cursor");
  });

  it("says what is wrong with a file, with the right exit code", async (t) => {
    const empty = join(scratch(t), "empty.csv");
    writeFileSync(empty, "");
    const nothing = await tidemark(["profile", empty]);
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /empty\.csv.*input\.empty/);
    assert.equal((await tidemark(["profile", "nowhere.csv"])).code, 4);
    assert.equal((await tidemark(["profile"])).code, 2);
  });
});

describe("sparkline", () => {
  it("shows the highest bin as a full block and no bin with anything in it as blank", () => {
    assert.equal(sparkline([0, 0.001, 0.5, 1]), " ▁▅█");
    assert.equal(sparkline([]), "");
    assert.equal(sparkline([0, 0]), "");
  });
});
