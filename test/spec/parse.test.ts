import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Issue, SpecError } from "../../src/spec/issue.ts";
import { specJsonSchema } from "../../src/spec/json-schema.ts";
import { parseSpec } from "../../src/spec/parse.ts";

const root = new URL("../../", import.meta.url);
const head = "apiVersion: tidemark/v1\nkind: FeatureView\nname: orders\nversion: 1\n";
const files: Readonly<Record<string, string>> = {
  "specs/countries.csv": "code,name\nUS,United States\nGB,Great Britain\n",
  "specs/devices.txt": "ios\n\n android \n",
  "specs/odd.json": '["a", 1]',
};

function parse(text: string) {
  return parseSpec(text, {
    file: "specs/orders.yaml",
    readText(path) {
      const found = files[path];
      if (found === undefined) throw new Error(`${path}: no such file`);
      return found;
    },
  });
}

function issuesOf(text: string): readonly Issue[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof SpecError) return error.issues;
    throw error;
  }
  return [];
}

/** `line:column code message (hint)` of the only issue. */
function only(text: string): string {
  const issues = issuesOf(text);
  assert.equal(issues.length, 1, JSON.stringify(issues));
  const [{ line, column, code, message, hint }] = issues as [Issue];
  return `${line}:${column} ${code} ${message}${hint === undefined ? "" : ` (${hint})`}`;
}

describe("a spec", () => {
  it("has every default of the contract filled in", () => {
    const view = parse(`${head}fields:\n  age: { type: int32 }\n`);
    assert.deepEqual(view.window, { sizeMs: 60_000, latenessMs: 30_000, minRows: 50 });
    assert.deepEqual(view.breaker, { openAfter: 1, closeAfter: 3, minRows: 50 });
    assert.equal(view.drift.sigma, 2);
    assert.equal(view.drift.falseAlarmsPerMonth, 1);
    assert.equal(view.drift.seasonality, "auto");
    assert.equal(view.source.format, "auto");
    assert.equal(view.fields[0]?.nullable, true);
  });

  it("reads `category` as string, and durations in every unit", () => {
    const view = parse(`${head}window: { size: 1.5h, lateness: 250ms }\nfields:\n  c: { type: category }\n`);
    assert.equal(view.fields[0]?.type, "string");
    assert.deepEqual([view.window.sizeMs, view.window.latenessMs], [5_400_000, 250]);
  });

  it("has late rows revise windows when it says for how long, and not for no time at all", () => {
    const withWindow = (window: string) =>
      parse(`${head}window: { ${window} }\nfields:\n  a: { type: bool }\n`);
    assert.equal(withWindow("reviseWithin: 5m").window.reviseMs, 300_000);
    assert.deepEqual(withWindow("size: 1m, reviseWithin: 0s"), withWindow("size: 1m"));
  });

  it("reads mapping files beside it: a header's column, lines, without blanks", () => {
    const view = parse(
      `${head}fields:\n  country: { type: string, mapping: { file: countries.csv } }\n` +
        "  device: { type: string, mapping: { file: devices.txt, maxDefaultRate: 0.2 } }\n",
    );
    assert.deepEqual(view.fields[0]?.mapping, { values: ["US", "GB"], maxDefaultRate: 0.01 });
    assert.deepEqual(view.fields[1]?.mapping, { values: ["ios", "android"], maxDefaultRate: 0.2 });
  });

  it("keeps the order of its fields, and `__proto__` as a name like any other", () => {
    const view = parse(
      `${head}fields:\n  z: { type: bool }\n  __proto__: { type: int8 }\n  a: { type: bool }\n`,
    );
    assert.deepEqual(
      view.fields.map(({ name }) => name),
      ["z", "__proto__", "a"],
    );
  });

  it("lets a field override the view's drift policy", () => {
    const view = parse(
      `${head}drift: { sigma: 3 }\nfields:\n  a: { type: int8, drift: { sigma: 5 } }\n  b: { type: int8 }\n`,
    );
    assert.deepEqual(
      view.fields.map(({ drift }) => drift.sigma),
      [5, 3],
    );
  });

  it("that is shipped is right, and so is its JSON Schema", () => {
    const text = readFileSync(new URL("feature-specs/reco_user.yaml", root), "utf8");
    const view = parseSpec(text, {
      file: "feature-specs/reco_user.yaml",
      readText: (path) => readFileSync(new URL(path, root), "utf8"),
    });
    assert(view.fields.length >= 15);
    const kept: unknown = JSON.parse(readFileSync(new URL("feature-specs/schema.json", root), "utf8"));
    assert.deepEqual(
      kept,
      JSON.parse(JSON.stringify(specJsonSchema())),
      "make it anew: bin/tidemark spec schema > feature-specs/schema.json",
    );
  });
});

describe("a wrong spec", () => {
  const field = (text: string): string => `${head}fields:\n  a: ${text}\n`;
  const cases: readonly (readonly [name: string, text: string, said: string])[] = [
    [
      "unknown key",
      `${head}windw: {}\nfields:\n  a: { type: bool }\n`,
      '5:1 spec.unknown-key windw: unknown key (did you mean "window"?)',
    ],
    [
      "unknown key of a field",
      field("{ type: bool, nulable: true }"),
      '6:20 spec.unknown-key fields.a.nulable: unknown key (did you mean "nullable"?)',
    ],
    ["unknown type", field("{ type: int31 }"), '6:14 spec.bad-value fields.a.type: "int31" is none of'],
    [
      "text for a number",
      `${head.replace("version: 1", 'version: "1"')}fields:\n  a: { type: bool }\n`,
      '4:10 spec.wrong-type version: "1" is not a number (write it without quotes: 1)',
    ],
    [
      "no name",
      `${head.replace("name: orders\n", "")}fields:\n  a: { type: bool }\n`,
      '1:1 spec.missing-key no "name"',
    ],
    ["no fields", head, '1:1 spec.missing-key no "fields"'],
    ["no field", `${head}fields: {}\n`, "5:1 spec.bad-value fields: no field"],
    [
      "a range the wrong way round",
      field("{ type: int8, range: [9, 1] }"),
      "6:27 spec.bad-value fields.a.range: [9,1]: the lower end is above the upper (did you mean [1,9]?)",
    ],
    [
      "a rule that does not fit its type",
      field("{ type: bool, range: [0, 1] }"),
      "6:20 spec.bad-value fields.a.range: not for type bool",
    ],
    [
      "a pattern with a lookahead",
      field('{ type: string, pattern: "(?=a)" }'),
      "6:31 spec.bad-value fields.a.pattern",
    ],
    [
      "a mapping without values",
      field("{ type: string, mapping: {} }"),
      '6:22 spec.missing-key fields.a.mapping: no "values" and no "file"',
    ],
    [
      "a mapping file that is not there",
      field("{ type: string, mapping: { file: no.csv } }"),
      "6:39 spec.mapping-file fields.a.mapping.file: specs/no.csv: no such file",
    ],
    [
      "a mapping file that holds a number",
      field("{ type: string, mapping: { file: odd.json } }"),
      "6:39 spec.mapping-file fields.a.mapping.file: specs/odd.json value 2 is 1, not a string",
    ],
    [
      "a trend without a limit",
      field("{ type: int8, trend: { warnBefore: 30m } }"),
      "6:20 spec.reference fields.a.trend: no limit that the trend could reach (give the field a limit)",
    ],
    [
      "taints of no segment",
      field("{ type: int8, max: 1, taints: nod }"),
      '6:36 spec.reference fields.a.taints: "nod" is no segment (list it under segments)',
    ],
    [
      "a correlation of a text",
      `${head}drift: { correlations: [[a, b]] }\nfields:\n  a: { type: float32 }\n  b: { type: string }\n`,
      '5:29 spec.reference drift.correlations[0][1]: "b" is of type string (correlations are of numeric columns)',
    ],
    [
      "a correlation with a field that is none",
      `${head}drift: { correlations: [[amount, amuont]] }\nfields:\n  amount: { type: float32 }\n`,
      '5:34 spec.reference drift.correlations[0][1]: "amuont" is no field (did you mean "amount"?)',
    ],
    [
      "a correlation that stands twice",
      `${head}drift: { correlations: [[a, b], [b, a]] }\nfields:\n  a: { type: int8 }\n  b: { type: int8 }\n`,
      '5:33 spec.bad-value drift.correlations[1]: ["b","a"] stands twice',
    ],
    [
      "a redacted segment",
      `${head}segments: [a]\nfields:\n  a: { type: string, redact: true }\n`,
      '5:12 spec.reference segments[0]: "a" is redacted',
    ],
    [
      "a redacted request id",
      `${head}source: { requestId: a }\nfields:\n  a: { type: string, redact: true }\n`,
      '5:22 spec.reference source.requestId: "a" is redacted',
    ],
    [
      "a segment of floats",
      `${head}segments: [a]\nfields:\n  a: { type: float32 }\n`,
      '5:12 spec.reference segments[0]: "a" is of type float32',
    ],
    [
      "a time derived from itself",
      field("{ type: float64, derive: { from: t, to: t } }"),
      '6:46 spec.bad-value fields.a.derive.to: "t" is from as well',
    ],
    [
      "more closed windows to revise than are kept",
      `${head}window: { size: 10s, reviseWithin: 11m }\nfields:\n  a: { type: bool }\n`,
      '5:36 spec.bad-value window.reviseWithin: "11m" is more than 60 windows of 10s',
    ],
    [
      "a duration without a unit",
      `${head}window: { size: 60 }\nfields:\n  a: { type: bool }\n`,
      '5:17 spec.wrong-type window.size: 60 is not a text (quote it: "60")',
    ],
    [
      "a key that stands twice",
      `${head}fields:\n  a: { type: bool }\n  a: { type: int8 }\n`,
      "7:3 spec.duplicate-key",
    ],
    ["nothing", "", "1:1 spec.empty nothing in it"],
    ["broken YAML", `${head}fields: [\n`, "spec.syntax"],
    ["another kind of document", "apiVersion: v1\nkind: Pod\n", "spec."],
  ];
  for (const [name, text, said] of cases) {
    it(`is placed and explained: ${name}`, () => {
      const issues = issuesOf(text);
      assert(issues.length > 0, "it passed");
      if (/^\d/.test(said)) assert(only(text).startsWith(said), only(text));
      else
        assert(
          issues.some(({ code }) => code.startsWith(said)),
          JSON.stringify(issues),
        );
    });
  }

  it("has all its mistakes said at once, in the order of the file", () => {
    const issues = issuesOf(
      `${head}windw: {}\nfields:\n  a: { type: int31 }\n  b: { type: int8, range: [2, 1] }\n`,
    );
    assert.deepEqual(
      issues.map(({ line, code }) => `${line} ${code}`),
      ["5 spec.unknown-key", "7 spec.bad-value", "8 spec.bad-value"],
    );
  });

  it("of aliases that unfold into millions is refused, not unfolded", () => {
    const bomb = `a: &a [${"x,".repeat(20)}]\nb: &b [${"*a,".repeat(60)}]\nc: [${"*b,".repeat(60)}]\n`;
    assert(issuesOf(bomb).length > 0);
  });

  it("of any bytes is a SpecError and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        assert(issuesOf(`${head}${text}`).length > 0 || text.includes("fields"));
      }),
      { numRuns: 300 },
    );
  });
});

describe("the fingerprint of a spec", () => {
  const base = `${head}fields:\n  a: { type: int8, range: [0, 9] }\n  b: { type: string, mapping: { values: [x, y] } }\n`;
  const same = (text: string): void => assert.equal(parse(text).fingerprint, parse(base).fingerprint);
  const other = (text: string): void => assert.notEqual(parse(text).fingerprint, parse(base).fingerprint);

  it("does not see layout, comments, order, defaults that are spelt out, owners and models", () => {
    same(
      `# a comment\n${head}owner: me\nmodels: [{ name: m }]\nfields:\n  b: { mapping: { values: [y, x] }, type: string }\n  a:\n    range: [0, 9]\n    type: int8\n    nullable: true\n`,
    );
  });

  it("sees each rule", () => {
    other(base.replace("range: [0, 9]", "range: [0, 8]"));
    other(base.replace("type: int8", "type: int16"));
    other(base.replace("values: [x, y]", "values: [x]"));
    other(base.replace("b: { type: string", "b: { redact: true, type: string"));
    same(base.replace("b: { type: string", "b: { redact: false, type: string"));
    other(base.replace("version: 1", "version: 2"));
    other(base.replace("name: orders", "name: order"));
  });

  it("is the same for a mapping in a file and one in place", () => {
    const inFile = parse(`${head}fields:\n  c: { type: string, mapping: { file: countries.csv } }\n`);
    const inPlace = parse(`${head}fields:\n  c: { type: string, mapping: { values: [GB, US] } }\n`);
    assert.equal(inFile.fingerprint, inPlace.fingerprint);
  });
});
