import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Batch } from "../../src/model/batch.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import { parseInstant } from "../../src/model/time.ts";
import { cellsOf, columnOf, decoderOf, reasonOf } from "./support.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function decode(text: string, hints?: Readonly<Record<string, FieldType>>): readonly Batch[] {
  return decoderOf(hints === undefined ? {} : { hints: new Map(Object.entries(hints)) }).decode(encode(text));
}

describe("JSON rows", () => {
  it("come as one object, an array, or a line each", () => {
    const expected = [1.5, 2.5];
    assert.deepEqual(cellsOf(decode('\uFEFF {"x":1.5}'), "x"), [1.5]);
    assert.deepEqual(cellsOf(decode('[{"x":1.5},{"x":2.5}]'), "x"), expected);
    assert.deepEqual(cellsOf(decode('{"x":1.5}\r\n\n{"x":2.5}\n'), "x"), expected);
    assert.deepEqual(cellsOf(decode('[{"x":1.5},\n{"x":2.5}]'), "x"), expected);
  });

  it("list what does not fit and coerce nothing", () => {
    const bad: Readonly<Partial<Record<FieldType, readonly string[]>>> = {
      float64: ['"12"', "true", "[1]", '{"a":1}', '"nan"'],
      float32: ["1e300", '"1"'],
      int8: ["128", "-129", "1.5", '"1"'],
      uint8: ["-1", "256"],
      int64: ["9223372036854775808", "1.5", '"1"'],
      uint64: ["-1", "18446744073709551616"],
      bool: ["0", '"true"'],
      string: ["12", "false"],
      timestamp: ['"soon"', '"1772511240000"', "true", "1e300"],
      embedding: ["1", '["a"]', "[[1]]"],
    };
    for (const [type, cells] of Object.entries(bad) as [FieldType, string[]][]) {
      for (const cell of cells) {
        const column = columnOf(decode(`[{"f":null},{"f":${cell}},{}]`, { f: type }), "f");
        assert.deepEqual([...(column.misfits?.rows ?? [])], [1], `${cell} as ${type}`);
        assert.equal(column.nullCount, 3);
        assert.notEqual(column.misfits?.example, "");
      }
    }
  });

  it("show the first misfit as it stood in the bytes", () => {
    const { misfits } = columnOf(decode('[{"f":"12"},{"f":true}]', { f: "float64" }), "f");
    assert.deepEqual(
      { ...misfits, rows: [...(misfits?.rows ?? [])] },
      { rows: [0, 1], example: '"12"', found: "string" },
    );
  });

  it("keep every kind of value that fits", () => {
    const good: readonly [FieldType, string, unknown][] = [
      ["float64", "12", 12],
      ["float64", '"NaN"', Number.NaN],
      ["float64", '"-Infinity"', Number.NEGATIVE_INFINITY],
      ["float32", "0.5", 0.5],
      ["int8", "-128", -128],
      ["uint32", "4294967295", 4_294_967_295],
      ["int64", "-3", -3],
      ["int64", "9223372036854775807", "9223372036854775807"],
      ["int64", "-9223372036854775808", "-9223372036854775808"],
      ["uint64", "18446744073709551615", "18446744073709551615"],
      ["bool", "false", false],
      ["string", '"Österreich 🎿"', "Österreich 🎿"],
      ["timestamp", "1772511240000", 1_772_511_240_000],
      ["timestamp", "1772511240000.25", 1_772_511_240_000.25],
      ["timestamp", '"2026-03-03T04:14:00Z"', 1_772_511_240_000],
      ["timestamp", '"2026-03-03T04:14:00.123456Z"', 1_772_511_240_123.456],
      ["timestamp", '"1969-12-31T23:59:59.9995Z"', -0.5],
      ["embedding", "[1,0.5]", [1, 0.5]],
      ["embedding", "[]", []],
    ];
    for (const [type, cell, expected] of good) {
      const batches = decode(`[{"f":${cell}},{"f":null}]`, { f: type });
      assert.deepEqual(cellsOf(batches, "f"), [expected, null], `${cell} as ${type}`);
      assert.equal(columnOf(batches, "f").misfits, undefined);
    }
  });

  it("say the same instant however ISO 8601 is written", () => {
    const part = (max: number, width = 2): fc.Arbitrary<string> =>
      fc.integer({ min: 0, max }).map((value) => String(value).padStart(width, "0"));
    const iso = fc
      .tuple(part(2_100, 4), part(13), part(32), part(25), part(61), part(61), fc.option(part(999, 3)))
      .map(([y, mo, d, h, mi, s, ms]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${ms === null ? "" : `.${ms}`}Z`);
    fc.assert(
      fc.property(iso, (text) => {
        const expected = parseInstant(text) ?? null;
        assert.deepEqual(cellsOf(decode(JSON.stringify([{ t: text }, { t: 0 }]), { t: "timestamp" }), "t"), [
          expected,
          0,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it("are read by path, and a member's own dotted name comes first", () => {
    const rows = '[{"a":{"b":1}},{"a.b":2,"a":{"b":3}},{"a":null},{"a":7}]';
    assert.deepEqual(cellsOf(decode(rows, { "a.b": "float64" }), "a.b"), [1, 2, null, null]);
  });

  it("treat inherited names as data", () => {
    const rows = '[{"__proto__":1,"constructor":"x"},{}]';
    const batches = decoderOf({
      hints: new Map([
        ["constructor", "string"],
        ["toString", "string"],
      ]),
    }).decode(encode(rows));
    assert.deepEqual(cellsOf(batches, "constructor"), ["x", null]);
    assert.equal(batches[0]?.columns.has("toString"), false);
    assert.deepEqual(cellsOf(decode(rows), "__proto__"), [1, null]);
    assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
  });

  it("give no column for a field that no row has, and a null column for one that is null in all", () => {
    const [batch] = decode('[{"a":null,"c":1}]', { a: "float64", b: "float64" });
    assert.deepEqual([...(batch?.columns.keys() ?? [])], ["a"]);
    assert.equal(batch?.columns.get("a")?.kind, "null");
  });

  it("without hints say their types themselves", () => {
    const [batch] = decode(
      '[{"i":1,"f":1,"s":"a","t":"2026-03-03T04:14:00Z","b":true,"e":[1],"o":{"n":1},"l":["a"]},{"i":2,"f":0.5,"t":"2026-03-03"}]',
    );
    const kinds = [...(batch?.columns ?? [])].map(([name, { kind }]) => `${name} ${kind}`);
    assert.deepEqual(kinds, [
      "i int64",
      "f numeric",
      "s utf8",
      "t timestamp",
      "b bool",
      "e list",
      "o.n int64",
      "l unsupported",
    ]);
  });

  it("keep the text of an event that comes alone", () => {
    const long = "a".repeat(100);
    for (const text of ["", "US", "~", "é", "naïve ☃", "😀", long, `${long}é`])
      assert.deepEqual(cellsOf(decode(JSON.stringify({ s: text }), { s: "string" }), "s"), [text]);
  });

  it("survive the round trip of any text and number", () => {
    const row = fc.record({
      s: fc.option(fc.string({ unit: "binary" })),
      x: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), (rows) => {
        const batches = decode(JSON.stringify(rows), { s: "string", x: "float64" });
        const wellFormed = rows.map(({ s }) => s?.toWellFormed() ?? null);
        assert.deepEqual(cellsOf(batches, "s"), wellFormed);
        assert.deepEqual(
          cellsOf(batches, "x"),
          rows.map(({ x }) => (x === null ? null : x + 0 === 0 ? JSON.parse(JSON.stringify(x)) : x)),
        );
      }),
    );
  });
});

describe("hostile JSON", () => {
  const refused: readonly [string, string][] = [
    ['{"a":1', "truncated"],
    ['{"a":"x', "truncated"],
    ['{"a":1}\n{"a":', "truncated"],
    ['{"a":1}x', "malformed"],
    ['{"a":tru}', "malformed"],
    ["[1]", "schema"],
    ['[{"a":1},null]', "schema"],
    ['{"a":1}\n[]', "schema"],
    [`${"[".repeat(1_000_000)}`, "limit"],
    [`${'{"a":'.repeat(100)}1${"}".repeat(100)}`, "limit"],
    [`[${"{},".repeat(5_000_000)}{}]`, "limit"],
  ];
  for (const [text, reason] of refused) {
    it(`${text.slice(0, 20)} is ${reason}`, () => {
      assert.equal(
        reasonOf(() => decode(text)),
        reason,
      );
    });
  }

  it("is no UTF-8", () => {
    assert.equal(
      reasonOf(() => decoderOf().decode(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))),
      "malformed",
    );
  });

  it("names the line that is wrong", () => {
    assert.throws(() => decode('{"a":1}\n{"a":2}\n{"a":}\n'), /line 3/);
  });

  it("has braces in its texts, which are no nesting", () => {
    const text = JSON.stringify({ s: `${"[{".repeat(100)}\\"` });
    assert.equal(decode(text)[0]?.rows, 1);
  });

  it("of any shape is rows or a DecodeError", () => {
    const types = ["float64", "int8", "int64", "uint64", "string", "bool", "timestamp", "embedding"] as const;
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...types, undefined), (text, type) => {
        try {
          const batches = type === undefined ? decode(text) : decode(text, { a: type });
          for (const batch of batches) for (const name of batch.columns.keys()) cellsOf([batch], name);
        } catch (error) {
          assert.equal((error as Error).name, "DecodeError");
          assert(!((error as Error).cause instanceof TypeError), String((error as Error).stack));
        }
      }),
      { numRuns: 500 },
    );
  });
});
