import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ImportedSpec, importSpec } from "../../src/spec/foreign-carry.ts";
import { SpecError } from "../../src/spec/issue.ts";
import { parseSpec } from "../../src/spec/parse.ts";

const fixtures = join(import.meta.dirname, "fixtures/foreign");

function imported(from: string, file: string, more: { name?: string; eventTime?: string } = {}) {
  const text = readFileSync(join(fixtures, file), "utf8");
  return importSpec(text, { from, file, name: more.name, eventTime: more.eventTime });
}

function importedText(from: string, text: string): ImportedSpec {
  return importSpec(text, { from, file: "made.up", name: undefined, eventTime: undefined });
}

/** What a spec says of a field, without what it leaves to the defaults. */
function field({ view }: ImportedSpec, name: string): Record<string, unknown> | undefined {
  const found = view.fields.find((each) => each.name === name);
  if (found === undefined) return undefined;
  const { name: _name, drift: _drift, redact: _redact, ...rest } = found;
  return Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined && value !== false),
  );
}

/** `field rule` of everything that was not carried. */
function lost({ losses }: ImportedSpec): string[] {
  return losses.map(({ field, rule }) => `${field ?? "*"} ${rule}`);
}

describe("a Great Expectations suite", () => {
  it("of 0.18 gives the rules it has, and lists what is a table's, an aggregate's or a share's", () => {
    const spec = imported("great-expectations", "suite-0.18.json");
    assert.equal(spec.view.name, "taxi.warning");
    assert.deepEqual(field(spec, "vendor_id"), { type: "int64" });
    assert.equal(spec.view.fields.find(({ name }) => name === "vendor_id")?.nullable, false);
    assert.deepEqual(field(spec, "passenger_count"), { type: "int64", nullable: true, range: [1, 6] });
    assert.deepEqual(field(spec, "store_and_fwd_flag"), {
      type: "string",
      nullable: true,
      mapping: { values: ["N", "Y"], maxDefaultRate: 0.05 },
    });
    assert.deepEqual(field(spec, "trip_code"), { type: "string", nullable: true, pattern: "(?s)^.{8,8}$" });
    assert.deepEqual(field(spec, "fare_amount"), {
      type: "float64",
      nullable: true,
      range: [0, Number.MAX_VALUE],
    });
    assert.deepEqual(lost(spec).sort(), [
      "* expect_column_pair_values_a_to_be_greater_than_b",
      "* expect_table_columns_to_match_ordered_list",
      "* expect_table_row_count_to_be_between",
      "fare_amount expect_column_mean_to_be_between",
      "fare_amount type",
      "passenger_count expect_column_values_to_be_in_type_list",
      "store_and_fwd_flag expect_column_values_to_not_be_null",
      "store_and_fwd_flag type",
      "trip_code type",
      "trip_id expect_column_values_to_be_unique",
      "trip_id type",
      "vendor_id expect_column_values_to_be_in_set",
      "vendor_id type",
    ]);
  });

  it("leaves a column whose type nobody says in the spec as a comment", () => {
    const { text } = imported("great-expectations", "suite-0.18.json");
    assert.match(text, /^ {2}# trip_id: \{ type: \? \}$/m);
  });

  it("of 1.x is read by `type`; rules for some rows and patterns RE2 has not are listed with their line", () => {
    const spec = imported("great-expectations", "suite-1.x.json");
    assert.equal(spec.view.name, "reco_schema");
    assert.deepEqual(field(spec, "user_location"), {
      type: "string",
      mapping: { values: ["US", "GB", "no"], maxDefaultRate: 0 },
    });
    assert.deepEqual(field(spec, "session_seconds"), { type: "float64", nullable: true });
    const lines = spec.losses.map(({ rule, line }) => [rule, line]);
    assert.deepEqual(lines, [
      ["type", 0],
      ['pattern "^(?!XX)[A-Za-z]{2}$"', 17],
      ["expect_column_values_to_be_between", 31],
    ]);
  });

  it("is not what a validation found: that says so", () => {
    const result = '{"success": true, "results": [{"expectation_config": {"type": "x", "kwargs": {}}}]}';
    assert.throws(
      () => importedText("great-expectations", result),
      (error: Error) => {
        assert.match(String((error as { hint?: string }).hint ?? error.message), /what a validation found/);
        return true;
      },
    );
  });
});

describe("an ODCS contract", () => {
  it("gives types by width, enums, allowed shares of invalid values, vectors", () => {
    const spec = imported("odcs", "orders.odcs.yaml");
    assert.equal(spec.view.name, "orders");
    assert.deepEqual(field(spec, "order_id"), { type: "string", pattern: "ACC[0-9]{8}" });
    assert.deepEqual(field(spec, "placed_at"), { type: "timestamp" });
    assert.deepEqual(field(spec, "status"), {
      type: "string",
      mapping: { values: ["pending", "shipped"], maxDefaultRate: 0 },
    });
    assert.deepEqual(field(spec, "country"), {
      type: "string",
      mapping: { values: ["US", "GB", "no"], maxDefaultRate: 0.05 },
    });
    assert.deepEqual(field(spec, "priority"), { type: "uint8", nullable: true, range: [1, 3] });
    assert.deepEqual(field(spec, "age"), { type: "int64", nullable: true, range: [18, 99] });
    assert.deepEqual(field(spec, "embedding"), { type: "embedding", nullable: true, dimensions: 384 });
    assert.deepEqual(field(spec, "legacy"), { type: "float64", nullable: true });
    assert.equal(field(spec, "customer"), undefined);
    assert.deepEqual(lost(spec), [
      "order_id primaryKey",
      "order_id length 11 to 11",
      "placed_at minimum",
      "country quality text check",
      "amount multipleOf",
      "customer logicalType object",
      "* quality rowCount",
      "* schema customers",
      "* slaProperties",
    ]);
  });

  it("of several tables gives the one that is named", () => {
    const spec = imported("odcs", "orders.odcs.yaml", { name: "customers" });
    assert.deepEqual(
      spec.view.fields.map(({ name, type }) => [name, type]),
      [["id", "int64"]],
    );
    assert.ok(lost(spec).includes("* schema orders"));
  });
});

describe("a TFDV schema", () => {
  it("gives presence, domains by name and in place, and tensors as embeddings", () => {
    const spec = imported("tfdv", "schema.pbtxt", { name: "taxi" });
    assert.deepEqual(field(spec, "payment_type"), {
      type: "string",
      mapping: { values: ["Cash", 'Credit "Card"', "Prepaid", "Café"], maxDefaultRate: 0.1 },
    });
    assert.deepEqual(field(spec, "trip_seconds"), { type: "int64", nullable: true, range: [0, 2 ** 63] });
    assert.deepEqual(field(spec, "fare"), {
      type: "float64",
      nullable: true,
      range: [-0.5, 1000],
      finite: true,
    });
    assert.deepEqual(field(spec, "image"), { type: "embedding", dimensions: 12 });
    assert.deepEqual(lost(spec), [
      "trip_seconds presence.min_count",
      "fare presence.min_fraction 0.75",
      "fare presence.min_count",
      "fare drift_comparator",
      "image float_domain.min",
      "image float_domain.max",
      "tags several values of BYTES",
      "old DEPRECATED",
      "* default_environment",
      "* default_environment",
    ]);
  });

  it("tells of a share of values within a domain that is not said", () => {
    const text =
      'feature {\n  name: "x"\n  type: BYTES\n  distribution_constraints { min_domain_mass: 0.99 }\n}';
    assert.deepEqual(lost(importedText("tfdv", text)), ["x distribution_constraints.min_domain_mass 0.99"]);
  });

  it("that is broken is named by its line", () => {
    const at = (text: string) => () => importedText("tfdv", text);
    assert.throws(at('feature {\n  name: "x"\n  type INT\n}'), /made\.up:3:1 import\.wrong-format "type"/);
    assert.throws(at('feature {\n  name: "x"\n'), /a \} is missing/);
    assert.throws(at('feature {\n  name: "x\n"}'), /made\.up:2:1 .* is no protobuf text/);
    assert.throws(at("a {".repeat(100)), /more than 32 deep/);
    assert.throws(at('string_domain { name: "d" }'), /no feature/);
  });
});

describe("a JSON Schema", () => {
  it("gives required keys, enums, references, nullable types and formats", () => {
    const spec = imported("json-schema", "user.schema.json");
    assert.equal(spec.view.name, "User_event");
    const enumOf = (...values: string[]) => ({ type: "string", mapping: { values, maxDefaultRate: 0 } });
    assert.deepEqual(field(spec, "user_location"), enumOf("US", "GB", "DE"));
    assert.deepEqual(field(spec, "device"), enumOf("ios", "android"));
    assert.deepEqual(field(spec, "language"), { type: "string", nullable: true, pattern: "^[a-z]{2}$" });
    assert.deepEqual(field(spec, "nickname"), { type: "string", nullable: true, pattern: "(?s)^.{1,40}$" });
    assert.deepEqual(field(spec, "age"), { type: "int32", range: [0, 149] });
    assert.deepEqual(field(spec, "score"), { type: "float64", range: [0, 1] });
    assert.deepEqual(field(spec, "seen_at"), { type: "timestamp" });
    assert.deepEqual(field(spec, "embedding"), { type: "embedding", dimensions: 4 });
    assert.deepEqual(field(spec, "member"), { type: "bool" });
    assert.deepEqual(lost(spec), [
      "* additionalProperties",
      "nickname required",
      "score exclusiveMinimum",
      "email format email",
      "tags type array",
      "address type object",
      "id_or_name type string, integer",
      "step multipleOf",
      "* minProperties",
    ]);
  });

  it("whose references go in a circle is an error, not a hang", () => {
    const text = '{"properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/a"}}}';
    assert.throws(() => importedText("json-schema", text), /more than 16 references/);
  });
});

describe("a Pandera schema", () => {
  it("of 0.24 gives the checks of its lists; a check that only warns is listed", () => {
    const spec = imported("pandera", "pandera-0.24.yaml");
    assert.equal(spec.view.name, "vitals");
    assert.deepEqual(field(spec, "heart_rate"), { type: "int64", range: [21, 2 ** 63] });
    assert.deepEqual(field(spec, "ward"), {
      type: "string",
      nullable: true,
      mapping: { values: ["north", "south"], maxDefaultRate: 0 },
    });
    assert.deepEqual(lost(spec), ["heart_rate less_than_or_equal_to", "* index", "* coerce"]);
  });

  it("of 0.7 gives the checks of its maps; ends that are not let through move inwards for whole numbers", () => {
    const spec = imported("pandera", "pandera-0.7.yaml");
    assert.deepEqual(field(spec, "int_column"), { type: "int32", range: [1, 8] });
    assert.deepEqual(field(spec, "str_column"), { type: "string", pattern: "^(?:[a-z]+)" });
    assert.deepEqual(lost(spec), [
      "float_column nullable: false",
      "float_column less_than",
      "str_column unique",
      "str_column length 1 to 3",
      "str_column notin",
      "datetime_column greater_than",
      "^x_[0-9]+$ regex",
    ]);
  });

  it("in the short form gives the checks beside the type", () => {
    const spec = imported("pandera", "pandera-short.yaml");
    assert.deepEqual(field(spec, "id"), { type: "int64", range: [1, 3] });
    assert.deepEqual(field(spec, "name"), { type: "string", pattern: "(?s)^.{3,5}$" });
    assert.deepEqual(lost(spec), ["name dtype object", "* index", "* coerce"]);
  });
});

describe("every import", () => {
  const files = {
    "suite-0.18.json": "great-expectations",
    "suite-1.x.json": "great-expectations",
    "orders.odcs.yaml": "odcs",
    "schema.pbtxt": "tfdv",
    "user.schema.json": "json-schema",
    "pandera-0.24.yaml": "pandera",
    "pandera-0.7.yaml": "pandera",
    "pandera-short.yaml": "pandera",
  };
  for (const [file, from] of Object.entries(files)) {
    it(`of ${file} is a spec that names each loss at its head`, () => {
      const { text, losses, view } = imported(from, file, { name: "view", eventTime: "event_time" });
      const read = parseSpec(text, { file, readText: () => assert.fail("it names no file") });
      assert.equal(read.fingerprint, view.fingerprint);
      assert.equal(view.source.eventTime, "event_time");
      assert.ok(!view.fields.some(({ name }) => name === "event_time"));
      const head = text.slice(0, text.indexOf("apiVersion:"));
      assert.ok(losses.length > 0);
      for (const { rule, reason } of losses) assert.ok(head.includes(`${rule}: ${reason}`), rule);
    });

    it(`of ${file} as something else says what it looks like`, () => {
      for (const other of new Set(Object.values(files))) {
        if (other === from) continue;
        const hint = from === "tfdv" ? /made\.up:\d+:\d+ import\./ : new RegExp(`--from ${from}\\b`);
        const text = readFileSync(join(fixtures, file), "utf8");
        assert.throws(() => importedText(other, text), other === "tfdv" ? /made\.up:\d+:1 import\./ : hint);
      }
    });
  }

  it("of a format there is not says which was meant", () => {
    assert.throws(() => importedText("great-expectation", "{}"), {
      hint: "did you mean great-expectations?",
    });
    assert.throws(() => importedText("soda", "{}"), { hint: /there are great-expectations, odcs, tfdv/ });
  });

  it("keeps the narrowest of several bounds, and says when nothing is left between them", () => {
    const suite = (...bounds: object[]): string =>
      JSON.stringify({
        expectations: bounds.map((kwargs) => ({
          type: "expect_column_values_to_be_between",
          kwargs: { column: "x", ...kwargs },
        })),
      });
    const both = importedText("great-expectations", suite({ min_value: 0, max_value: 9 }, { min_value: 3 }));
    assert.deepEqual(field(both, "x")?.["range"], [3, 9]);
    const none = importedText("great-expectations", suite({ min_value: 5 }, { max_value: 4 }));
    assert.equal(field(none, "x")?.["range"], undefined);
    assert.ok(lost(none).includes("x range"));
  });

  it("of a file cut, doubled or scrambled anywhere is a spec or a fault with a place, and nothing else", () => {
    for (const [file, from] of Object.entries(files)) {
      const text = readFileSync(join(fixtures, file), "utf8");
      const place = fc.nat(text.length);
      const put = fc.constantFrom(
        "",
        "{",
        "}",
        "[",
        "]",
        '"',
        ": ",
        "- ",
        "null",
        "1e999",
        "\n",
        "\\u0000",
        "\\",
      );
      fc.assert(
        fc.property(place, place, put, fc.boolean(), (a, b, put, double) => {
          const [from_, to] = double ? [Math.max(a, b), Math.min(a, b)] : [Math.min(a, b), Math.max(a, b)];
          try {
            importedText(from, text.slice(0, from_) + put + text.slice(to));
          } catch (error) {
            assert.ok(error instanceof SpecError, `${file}: ${String(error)}`);
            assert.ok(error.issues.every((issue) => issue.line > 0));
          }
        }),
        { numRuns: 50 },
      );
    }
  });

  it("of large files neither hangs nor overflows", () => {
    const numbers = Array.from({ length: 130_000 }, (_, value) => value).join(",");
    const ints = `{"properties":{"n":{"type":"integer","enum":[${numbers}]}}}`;
    assert.deepEqual(field(importedText("json-schema", ints), "n")?.["range"], [0, 129_999]);
    const long = `feature { name: "x" type: BYTES string_domain { value: "${"\\303\\251".repeat(100)}" } }`;
    assert.deepEqual(field(importedText("tfdv", long), "x")?.["mapping"], {
      values: ["é".repeat(100)],
      maxDefaultRate: 0,
    });
    const huge = `feature { name: "${"x".repeat(900_000)}" type: INT }`;
    assert.throws(() => importedText("tfdv", huge), SpecError);
  });

  it("lists what lies beside a rule that is carried", () => {
    const suite = {
      suite_parameters: { most: 9 },
      expectations: [
        {
          type: "expect_column_values_to_be_of_type",
          kwargs: { column: "x", type_: "int64" },
          severity: "info",
        },
        {
          type: "expect_column_values_to_be_between",
          kwargs: { column: "x", max_value: { $PARAMETER: "most" } },
        },
      ],
    };
    assert.deepEqual(lost(importedText("great-expectations", JSON.stringify(suite))), [
      "* suite_parameters",
      "x expect_column_values_to_be_of_type severity info",
      "x expect_column_values_to_be_between",
    ]);
    const share = `feature { name: "n" type: INT int_domain { min: 0 } distribution_constraints { min_domain_mass: 0.5 } }
feature { name: "t" type: FLOAT value_count { min: 1 max: 9 } }`;
    const taxi = importedText("tfdv", share);
    assert.equal(field(taxi, "n")?.["range"], undefined);
    assert.deepEqual(lost(taxi), ["n distribution_constraints.min_domain_mass 0.5", "t value_count"]);
    const list = { type: "array", items: { type: "number", minimum: 0 }, maxItems: 9 };
    const schema = {
      properties: { e: list },
      required: ["e", "ghost"],
      additionalProperties: { type: "string" },
    };
    assert.deepEqual(lost(importedText("json-schema", JSON.stringify(schema))).sort(), [
      "* additionalProperties",
      "e items.minimum",
      "e maxItems",
      "ghost required",
    ]);
  });

  it("takes names for data: none reaches a prototype, none breaks out of its comment", () => {
    const text = JSON.stringify({
      properties: JSON.parse('{"__proto__": {"type": "string"}, "a\\nname: evil": {"type": "string"}}'),
    });
    const spec = importedText("json-schema", text);
    assert.deepEqual(
      spec.view.fields.map(({ name }) => name),
      ["__proto__"],
    );
    assert.ok(lost(spec).some((line) => line.endsWith(" name")));
    assert.doesNotMatch(spec.text, /^name: evil/m);
  });
});
