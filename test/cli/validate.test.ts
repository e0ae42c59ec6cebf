import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryFolder } from "../services/process.ts";
import { inside } from "./inside.ts";

const spec = `apiVersion: tidemark/v1
kind: FeatureView
name: reco
version: 4
fields:
  country: { type: string, nullable: false, mapping: { values: [US, GB] } }
  age: { type: float64, range: [0, 120], redact: true }
`;

describe("tidemark validate", () => {
  it("exits 1, says which rows are rejected and why, and writes them down", async (t) => {
    const cwd = temporaryFolder(t, "validate");
    writeFileSync(join(cwd, "reco.yaml"), spec);
    writeFileSync(join(cwd, "a.csv"), "country,age\nUS,30\nUnited States,31\n");
    writeFileSync(join(cwd, "b.jsonl"), '{"country":"GB","age":1}\n{"country":null,"age":777}\n');
    const args = ["validate", "--spec", "reco.yaml", "--input", "a.csv", "b.jsonl"];
    const plain = await inside(args, { cwd });
    assert.equal(plain.code, 1, plain.stderr);
    assert.match(plain.stdout, /2 of 4 rows of 2 files break the spec of reco v4/);
    assert.match(plain.stdout, /a\.csv row 1 {2}default {2}"United States" is not in the mapping/);
    assert.doesNotMatch(plain.stdout, /777/);
    const { code, stdout } = await inside([...args, "--rejects", "out.jsonl", "--json"], { cwd });
    assert.equal(code, 1);
    const body = JSON.parse(stdout);
    assert.equal(body.rows, 4);
    assert.equal(body.rejectedRows, 2);
    assert.deepEqual(
      body.counts.map((each: { field: string; code: string }) => `${each.field} ${each.code}`).sort(),
      ["age range", "country default", "country null"],
    );
    const rejects = readFileSync(join(cwd, "out.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      rejects.map(({ file, row, record }) => ({ file, row, record })),
      [
        { file: "a.csv", row: 1, record: { country: "United States", age: "(redacted)" } },
        { file: "b.jsonl", row: 1, record: { country: null, age: "(redacted)" } },
      ],
    );
    assert.equal(rejects[1].errors.length, 2);
  });

  it("exits 0 when every row keeps the spec, and 2 or 4 when it cannot say", async (t) => {
    const cwd = temporaryFolder(t, "validate");
    writeFileSync(join(cwd, "reco.yaml"), spec);
    writeFileSync(join(cwd, "good.csv"), "country,age\nUS,30\n");
    writeFileSync(join(cwd, "empty.csv"), "country,age\n");
    writeFileSync(join(cwd, "torn.arrow"), "ARROW1 and nothing");
    const exit = async (input: string, file = "reco.yaml"): Promise<number> =>
      (await inside(["validate", "--spec", file, "--input", input], { cwd })).code;
    assert.equal(await exit("good.csv"), 0);
    assert.equal(await exit("empty.csv"), 2);
    assert.equal(await exit("torn.arrow"), 2);
    assert.equal(await exit("absent.csv"), 4);
    assert.equal(await exit("good.csv", "absent.yaml"), 4);
  });
});
