import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import type { FeatureView } from "../../src/model/feature-view.ts";
import { exportSpec, importSpec } from "../../src/spec/foreign-carry.ts";
import { parseSpec } from "../../src/spec/parse.ts";

const root = new URL("../../", import.meta.url);

function view(fields: string): FeatureView {
  const text = `apiVersion: tidemark/v1\nkind: FeatureView\nname: orders\nversion: 1\nfields:\n${fields}`;
  return parseSpec(text, { file: "orders.yaml", readText: () => assert.fail("it names no file") });
}

function andBack(of: FeatureView, format: string): FeatureView {
  const { text } = exportSpec(of, format);
  return importSpec(text, { from: format, file: "out", name: undefined, eventTime: undefined }).view;
}

const formats = ["odcs", "json-schema", "great-expectations"];

describe("an exported spec", () => {
  const word = fc.stringMatching(/^[ -~é]{1,12}$/);
  const rate = fc.constantFrom(0, 0.01, 0.25, 0.999);
  const ends = fc.tuple(fc.integer({ min: -100, max: 0 }), fc.integer({ min: 0, max: 100 }));
  const whole = fc.constantFrom("int8", "int16", "int32", "int64", "float32", "float64");
  const declared = fc.oneof(
    fc.record({ type: whole, range: ends }),
    fc.record({ type: fc.constantFrom("bool", "timestamp", "uint8", "uint64", "string") }),
    fc.record({
      type: fc.constant("string"),
      mapping: fc.record({
        values: fc.uniqueArray(word, { minLength: 1, maxLength: 5 }),
        maxDefaultRate: rate,
      }),
      pattern: fc.constantFrom("^[A-Z]{2}$", "a|b", '"\\\\s'),
    }),
  );
  const fields = fc.dictionary(
    fc.stringMatching(/^[a-z][a-z0-9_ .]{0,8}$/),
    fc.tuple(declared, fc.boolean()).map(([field, nullable]) => ({ ...field, nullable })),
    { minKeys: 1, maxKeys: 6 },
  );

  for (const format of formats) {
    it(`comes back from ${format} with the same rules`, () => {
      fc.assert(
        fc.property(fields, (declared) => {
          const before = view(
            Object.entries(declared)
              .map(([name, field]) => `  ${JSON.stringify(name)}: ${JSON.stringify(field)}\n`)
              .join(""),
          );
          // an enum of JSON Schema lets nothing else through; the loss is listed
          const expected = before.fields.map((field) =>
            format === "json-schema" && field.mapping !== undefined
              ? { ...field, mapping: { ...field.mapping, maxDefaultRate: 0 } }
              : field,
          );
          const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
          assert.deepEqual(andBack(before, format).fields.toSorted(byName), expected.toSorted(byName));
        }),
        { numRuns: 60 },
      );
    });

    it(`to ${format} lists what it has no word for`, () => {
      const { losses } = exportSpec(
        view(`  x: { type: float64, finite: true, limit: 80, trend: { warnBefore: 30m }, maxEmptyRate: 0.1 }
  wait: { type: float64, derive: { from: a, to: b } }
  secret: { type: string, redact: true }
`),
        format,
      );
      const told = new Set(losses.map(({ field, rule }) => `${field ?? "*"} ${rule}`));
      for (const rule of ["x finite", "x limit", "x trend", "x maxEmptyRate", "wait derive", "secret redact"])
        assert.ok(told.has(rule), rule);
      assert.ok(told.has("* window, drift, breaker"));
    });
  }

  it("keeps embeddings where the format has lists", () => {
    const before = view("  e: { type: embedding, dimensions: 3, nullable: false }\n");
    for (const format of ["odcs", "json-schema"])
      assert.deepEqual(andBack(before, format).fields, before.fields);
  });

  it("to json-schema accepts and rejects the rows the spec does", () => {
    const file = new URL("feature-specs/reco_user.yaml", root);
    const reco = parseSpec(readFileSync(file, "utf8"), {
      file: "feature-specs/reco_user.yaml",
      readText: (path) => readFileSync(new URL(path, root), "utf8"),
    });
    const ajv = new Ajv2020({ allowUnionTypes: true });
    addFormats.default(ajv, ["int32", "int64", "float", "double", "date-time"]);
    for (const format of ["int8", "int16", "uint8", "uint16", "uint32", "uint64"])
      ajv.addFormat(format, true);
    const { properties } = JSON.parse(exportSpec(reco, "json-schema").text);
    const accepts = (name: string, value: unknown): boolean => ajv.validate(properties[name], value);
    assert.equal(accepts("user_location", "US"), true);
    assert.equal(accepts("user_location", "United States"), false);
    assert.equal(accepts("user_location", null), false);
    assert.equal(accepts("language", null), true);
    assert.equal(accepts("discount_percent", 101), false);
    assert.equal(accepts("discount_percent", 100), true);
    assert.equal(accepts("gpu_memory_gib", 77), false);
    assert.equal(accepts("user_embedding", Array(16).fill(0.5)), true);
    assert.equal(accepts("user_embedding", Array(15).fill(0.5)), false);
    assert.equal(properties["ready_ms"], undefined);
  });

  it("to a format that is only read says which can be written", () => {
    const one = view("  x: { type: bool }\n");
    assert.throws(() => exportSpec(one, "pandera"), {
      hint: "there are great-expectations, odcs, json-schema",
    });
    assert.throws(() => exportSpec(one, "json-shema"), { hint: "did you mean json-schema?" });
  });
});
