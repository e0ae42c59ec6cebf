import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { RecordBatchStreamWriter, tableFromArrays } from "apache-arrow";
import { sparkline } from "../../src/cli/profile.ts";
import type { SurveyedField } from "../../src/pipeline/survey.ts";
import { tidemark } from "./command.ts";
import { inside } from "./inside.ts";

const clean = "replay-data/tensor-collapse/clean.arrow";

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-profile-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** A stream of the same batch of 65,536 rows again and again. @returns its size */
function writeLargeStream(file: string, batches: number): number {
  const column = <T extends TypedArray>(make: (row: number) => number, of: new (size: number) => T): T => {
    const values = new of(65_536);
    for (let row = 0; row < values.length; row++) values[row] = make(row);
    return values;
  };
  const columns: Record<string, TypedArray> = {};
  for (let c = 0; c < 6; c++) columns[`f${c}`] = column((row) => Math.sin(row * (c + 1)), Float64Array);
  for (let c = 0; c < 2; c++) columns[`i${c}`] = column((row) => row % (c + 5), Int32Array);
  const [batch] = tableFromArrays(columns).batches;
  assert(batch !== undefined);
  const [one, two] = [1, 2].map((times) => {
    const writer = new RecordBatchStreamWriter();
    for (let i = 0; i < times; i++) writer.write(batch);
    writer.finish();
    return writer.toUint8Array(true);
  });
  assert(one !== undefined && two !== undefined);
  const begin = two.length - 2 * (two.length - one.length) - 8;
  const body = one.subarray(begin, one.length - 8);
  const out = openSync(file, "w");
  writeSync(out, one.subarray(0, begin));
  for (let i = 0; i < batches; i++) writeSync(out, body);
  writeSync(out, one.subarray(one.length - 8));
  closeSync(out);
  return statSync(file).size;
}

type TypedArray = Float64Array | Int32Array;

const near = (value: number | null | undefined, expected: number, within: number): void =>
  assert.ok(Math.abs((value ?? Number.NaN) - expected) <= within, `${value} is not ${expected} ± ${within}`);

describe("tidemark profile", () => {
  it("says what is in an Arrow file without a spec", async () => {
    const { code, stdout, stderr } = await inside(["profile", clean, "--json"]);
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
    const { code, stdout } = await inside(["profile", clean]);
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
    const { code, stdout, stderr } = await inside(["profile", file, "--json"]);
    assert.equal(code, 0, stderr);
    const { fields } = JSON.parse(stdout) as { fields: SurveyedField[] };
    const c = fields.find(({ name }) => name === "c");
    assert.deepEqual(c?.top, [
      { value: "é", count: 2 },
      { value: "", count: 1 },
    ]);
    assert.deepEqual(fields.find(({ name }) => name === "b")?.bool, { trues: 1, falses: 1 });
    const table = await inside(["profile", file]);
    assert.ok(!table.stdout.includes("\u001b"), "a name cannot move the cursor");
  });

  it("profiles several files together: columns that only some have, whole numbers in one and not in another", async (t) => {
    const dir = scratch(t);
    const many = Array.from({ length: 25_000 }, (_, i) => `${i},${i % 3}`).join("\n");
    writeFileSync(join(dir, "1.csv"), `id,value\n${many}\n`);
    writeFileSync(join(dir, "2.csv"), `value,place\n0.5,here\n1.5,there\n,here\n`);
    writeFileSync(join(dir, "3.csv"), `id,place\n7,here\nx,\n`);
    const { code, stdout, stderr } = await inside(["profile", join(dir, "*.csv"), "--json"]);
    assert.equal(code, 0, stderr);
    const { rows, fields, files } = JSON.parse(stdout) as {
      rows: number;
      files: string[];
      fields: SurveyedField[];
    };
    assert.equal(rows, 25_005);
    assert.deepEqual(
      files,
      ["1.csv", "2.csv", "3.csv"].map((name) => join(dir, name)),
    );
    const [id, value, place] = fields;
    assert.deepEqual([id?.name, id?.missing, id?.misfits, id?.rows], ["id", 3, 2, 25_005]);
    assert.deepEqual([value?.type, value?.missing, value?.misfits, value?.nulls], ["float64", 2, 0, 1]);
    assert.equal(value?.numeric?.max, 2);
    near(value?.numeric?.mean, 25_001 / 25_002, 1e-9);
    assert.deepEqual(
      [place?.name, place?.type, place?.missing, place?.nulls],
      ["place", "string", 25_000, 1],
    );
    assert.deepEqual(place?.top, [
      { value: "here", count: 3 },
      { value: "there", count: 1 },
    ]);
    const table = await inside(["profile", join(dir, "*.csv")]);
    assert.match(
      table.stdout,
      /place +string +20\.0% +2 .*here 75\.0% · there 25\.0% {2}! absent from 100\.0% of the rows/,
    );
  });

  it("reads a file larger than the memory it has", async (t) => {
    const file = join(scratch(t), "large.arrows");
    const bytes = writeLargeStream(file, 96);
    const report = "process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS))";
    const { code, stdout, stderr } = await tidemark(["profile", file, "--json"], {
      env: { NODE_OPTIONS: `--max-old-space-size=48 --import "data:text/javascript,${report}"` },
    });
    assert.equal(code, 0, stderr);
    const { rows, fields } = JSON.parse(stdout) as { rows: number; fields: SurveyedField[] };
    assert.equal(rows, 96 * 65_536);
    assert.equal(fields.length, 8);
    const peak = Number(/peak (\d+)/.exec(stderr)?.[1]) * 1_024;
    assert.ok(bytes > 350e6, `${bytes} bytes`);
    assert.ok(peak < 0.75 * bytes, `a peak of ${peak} bytes for a file of ${bytes}`);
  });

  it("says what is wrong with a file, with the right exit code", async (t) => {
    const empty = join(scratch(t), "empty.csv");
    writeFileSync(empty, "");
    const nothing = await inside(["profile", empty]);
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /empty\.csv.*input\.empty/);
    const broken = join(scratch(t), "broken.parquet");
    writeFileSync(broken, "PAR1 and no more");
    const unread = await inside(["profile", broken]);
    assert.equal(unread.code, 2);
    assert.match(unread.stderr, /broken\.parquet: no closing PAR1/);
    const text = join(scratch(t), "notes.txt");
    writeFileSync(text, "hello");
    const unknown = await inside(["profile", text]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /notes\.txt: no known extension.*\n.*\.parquet/);
    const absent = await inside(["profile", "nowhere.csv"]);
    assert.equal(absent.code, 4);
    assert.match(absent.stderr, /nowhere\.csv: no such file/);
    assert.equal((await inside(["profile"])).code, 2);
  });
});

describe("sparkline", () => {
  it("shows the highest bin as a full block and no bin with anything in it as blank", () => {
    assert.equal(sparkline([0, 0.001, 0.5, 1]), " ▁▅█");
    assert.equal(sparkline([]), "");
    assert.equal(sparkline([0, 0]), "");
  });
});
