import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecordBatchStreamWriter, tableFromArrays } from "apache-arrow";
import fc from "fast-check";
import { validateBatch } from "../../src/check/validate.ts";
import { createDecoder } from "../../src/decode/decode.ts";
import type { Batch } from "../../src/model/batch.ts";
import { hintsOf } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { featureView, fieldSpec } from "../judge/samples.ts";

const view = featureView(
  [
    fieldSpec("country", "string", {
      nullable: false,
      mapping: { values: ["US", "GB"], maxDefaultRate: 0.5 },
      pattern: "^[A-Z]{2}$",
    }),
    fieldSpec("age", "float64", { range: [0, 120], finite: true }),
    fieldSpec("ready_ms", "float64", { max: 1 }),
  ],
  { source: { topic: undefined, format: "auto", eventTime: undefined, requestId: undefined } },
);

function decodeOne(bytes: Uint8Array): Batch {
  const [batch] = createDecoder({ hints: hintsOf(view), format: "auto", limits: defaultLimits }).decode(
    bytes,
  );
  assert(batch !== undefined);
  return batch;
}

const asJson = (rows: readonly object[]): Batch => decodeOne(new TextEncoder().encode(JSON.stringify(rows)));

interface Row {
  readonly country: string | null;
  readonly age: number | null;
}

function asArrow(rows: readonly Row[]): Batch {
  const table = tableFromArrays({
    country: rows.map(({ country }) => country), // becomes a dictionary
    age: Float64Array.from(rows, ({ age }) => age ?? Number.NaN),
  });
  return decodeOne(RecordBatchStreamWriter.writeAll(table).toUint8Array(true));
}

const summary = (batch: Batch): string[] =>
  validateBatch(view, batch, { maxErrors: 1_000 }).errors.map(
    ({ row, field, code, value }) => `${row} ${field} ${code} ${value}`,
  );

describe("row by row validation", () => {
  const country = fc.constantFrom("US", "GB", "Canada", "us", "", "ÖÄ");
  const row = fc.record({ country, age: fc.constantFrom(0, 35, 120, 121, -1, 1e9) });

  it("says the same of a dictionary as of texts, and of Arrow as of JSON", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), (rows) => {
        assert.deepEqual(summary(asArrow(rows)), summary(asJson(rows)));
      }),
    );
  });

  it("rejects a row when the row alone would be rejected, and no other", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), (rows) => {
        const { rejected, rejectedRows } = validateBatch(view, asJson(rows), { maxErrors: 0 });
        const alone = rows.map((one) => validateBatch(view, asJson([one]), { maxErrors: 0 }).rejectedRows);
        assert.deepEqual([...rejected], alone);
        assert.equal(
          rejectedRows,
          alone.reduce((sum, each) => sum + each, 0),
        );
        const bad = rows.map((one) => !["US", "GB"].includes(one.country) || one.age < 0 || one.age > 120);
        assert.deepEqual([...rejected], bad.map(Number));
      }),
    );
  });

  it("keeps the first errors in order of rows, then of the spec's fields, and counts all", () => {
    const rows = Array.from({ length: 50 }, () => ({ age: -1, country: "x" }));
    const { errors, errorCount, counts } = validateBatch(view, asJson(rows), { maxErrors: 5 });
    assert.deepEqual(
      errors.map(({ row: at, field, code }) => `${at} ${field} ${code}`),
      ["0 country default", "0 country pattern", "0 age range", "1 country default", "1 country pattern"],
    );
    assert.equal(errorCount, 150);
    assert.deepEqual(
      [...counts],
      [
        ["country|default", 50],
        ["country|pattern", 50],
        ["age|range", 50],
      ],
    );
  });

  it("tells null, missing and a wrong type apart", () => {
    assert.deepEqual(summary(asJson([{ country: null }, { country: "US", age: "x" }, { country: 7 }])), [
      "0 country null null",
      '1 age type "x"',
      "2 country type 7",
    ]);
    assert.deepEqual(summary(asJson([{ age: 3 }])), ["0 country missing nothing"]);
  });

  it("refuses no row for what only a share of rows can show", () => {
    assert.deepEqual(summary(asJson([{ country: "US", ready_ms: 5_000 }])), []);
  });
});
