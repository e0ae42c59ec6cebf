import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { inside } from "../cli/inside.ts";
import { temporaryFolder } from "../services/process.ts";

const real = fileURLToPath(new URL("fixtures/real/", import.meta.url));
const clean = fileURLToPath(new URL("../../replay-data/tensor-collapse/clean.arrow", import.meta.url));

interface Case {
  readonly format: string;
  /** What has to stand in the spec, a line each. */
  readonly fields: readonly string[];
  /** What is not carried over: `field rule`; null: of the whole file. */
  readonly lost: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  "great-expectations.json": {
    format: "great-expectations",
    fields: [
      'user_location: { type: string, nullable: false, pattern: "^[A-Z]{2}$" }',
      "device: { type: string, mapping: { values: [android, ios, tv, web], maxDefaultRate: 0 } }",
      "items_seen: { type: int32, range: [0, 10000] }",
    ],
    lost: [
      "user_location type",
      "device type",
      "language type",
      "is_member type",
      "session_seconds type",
      "language expect_column_values_to_not_be_null",
      "session_seconds expect_column_mean_to_be_between",
      "null expect_table_row_count_to_be_between",
      "user_location length 2 to 2",
      "is_member expect_column_distinct_values_to_be_in_set",
    ],
  },
  "pandera-inferred.yaml": {
    format: "pandera",
    fields: ["language: { type: string }", "is_member: { type: bool, nullable: false }"],
    lost: ["null index", "null coerce"],
  },
  "pandera-checks.yaml": {
    format: "pandera",
    fields: [
      'user_location: { type: string, nullable: false, pattern: "^[A-Z]{2}$" }',
      "session_seconds: { type: float64, nullable: false, range: [0, 86400] }",
      "discount_percent: { type: int8, nullable: false, range: [0, 100] }",
    ],
    lost: ["user_location length 2 to 2", "result_count notin"],
  },
  "pydantic.schema.json": {
    format: "json-schema",
    fields: [
      "device: { type: string, nullable: false, mapping: { values: [ios, android, web, tv], maxDefaultRate: 0 } }",
      "cart_value: { type: float64, range: [0, 100000] }",
      "items_seen: { type: int64, nullable: false, range: [0, 10000] }",
      "last_purchase_at: { type: timestamp }",
      "user_embedding: { type: embedding, nullable: false, dimensions: 16 }",
    ],
    lost: ["null additionalProperties"],
  },
  "datacontract.odcs.yaml": {
    format: "odcs",
    fields: ["session_seconds: { type: float64, nullable: false }", "last_purchase_at: { type: timestamp }"],
    lost: [],
  },
  "tfdv.pbtxt": {
    format: "tfdv",
    fields: [
      "device: { type: string, nullable: false, mapping: { values: [android, ios, tv, web], maxDefaultRate: 0.01 } }",
      "session_seconds: { type: float64, nullable: false, range: [0, 86400], finite: true }",
      "user_embedding: { type: embedding, nullable: false, dimensions: 16 }",
    ],
    lost: [
      "device drift_comparator",
      "language presence.min_fraction",
      "language presence.min_count",
      "language in_environment",
      "cart_value presence.min_fraction",
      "cart_value presence.min_count",
      "last_purchase_at presence.min_fraction",
      "last_purchase_at presence.min_count",
      "last_purchase_at time_domain",
    ],
  },
};

describe("a schema that another project wrote of our own data", () => {
  for (const [file, { format, fields, lost }] of Object.entries(cases)) {
    it(`is read from ${file}, and what is not carried over is listed`, async () => {
      const { code, stdout, stderr } = await inside([
        "spec",
        "import",
        "--from",
        format,
        join(real, file),
        "--json",
      ]);
      assert.equal(code, 0, stderr);
      const found = JSON.parse(stdout);
      for (const field of fields) assert.ok(found.text.includes(`  ${field}\n`), `${field}\n${found.text}`);
      const losses = (found.notCarried as { field: string | null; rule: string }[]).map(
        ({ field, rule }) => `${field} ${rule}`,
      );
      assert.deepEqual(losses.map((loss) => loss.replace(/ 0\.\d+$/, "")).toSorted(), lost.toSorted());
    });
  }

  it("lets the data pass that the project let pass", async (t) => {
    const dir = temporaryFolder(t, "foreign-real");
    for (const [file, { format }] of Object.entries(cases)) {
      if (format === "tfdv") continue; // it knows no bools and no instants: they are whole numbers there
      const spec = join(dir, "reco_user.yaml");
      const { stdout } = await inside([
        "spec",
        "import",
        "--from",
        format,
        join(real, file),
        "--name",
        "reco_user",
      ]);
      writeFileSync(spec, stdout);
      const { code, stderr } = await inside(["validate", "--spec", spec, "--input", clean]);
      assert.equal(code, 0, `${file}: ${stderr}`);
    }
  });
});
