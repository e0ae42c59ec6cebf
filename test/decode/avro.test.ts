import assert from "node:assert/strict";
import { describe, it } from "node:test";
import avsc, { type Schema, type Type } from "avsc";
import fc from "fast-check";
import type { Batch } from "../../src/model/batch.ts";
import type { FieldType } from "../../src/model/feature-view.ts";
import type { Limits } from "../../src/model/limits.ts";
import type { FoundSchema } from "../../src/model/writer-schema.ts";
import { cellsOf, columnOf, decoderOf, reasonOf } from "./support.ts";

const found = (schema: unknown, more: Partial<FoundSchema> = {}): FoundSchema => ({
  kind: "found",
  name: "schema id 7",
  type: "AVRO",
  text: typeof schema === "string" ? schema : JSON.stringify(schema),
  references: [],
  framing: "prefix",
  ...more,
});

/** The wire format: a zero, the id, the payload. */
const framed = (payload: Uint8Array): Uint8Array => Uint8Array.of(0, 0, 0, 0, 7, ...payload);

interface Options {
  readonly hints?: ReadonlyMap<string, FieldType>;
  readonly limits?: Partial<Limits>;
}

function read(schema: unknown, payload: Uint8Array, options: Options = {}): readonly Batch[] {
  return decoderOf(options).decode(framed(payload), { headers: new Map(), schema: found(schema) });
}

const record = (...fields: readonly (readonly [string, unknown])[]): Schema =>
  ({ type: "record", name: "Row", fields: fields.map(([name, type]) => ({ name, type })) }) as Schema;

/** A row as avsc writes it, longs as bigints. */
const long = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});
const typeOf = (schema: unknown): Type =>
  avsc.Type.forSchema(schema as Schema, { registry: { long }, wrapUnions: true, noAnonymousTypes: false });

describe("Avro records", () => {
  const logical = (type: string, logicalType: string, more: object = {}): object => ({
    type,
    logicalType,
    ...more,
  });
  const cases: readonly (readonly [string, unknown, unknown, unknown])[] = [
    ["boolean", "boolean", true, true],
    ["int", "int", -(2 ** 31), -(2 ** 31)],
    ["long", "long", 42n, 42],
    ["a long beyond 2^53", "long", 9_007_199_254_740_993n, "9007199254740993"],
    ["the least long", "long", -(2n ** 63n), "-9223372036854775808"],
    ["float", "float", 1.5, 1.5],
    ["double", "double", -0.1, -0.1],
    ["NaN", "double", Number.NaN, Number.NaN],
    ["string", "string", "Österreich", "Österreich"],
    ["enum", { type: "enum", name: "E", symbols: ["US", "GB"] }, "GB", "GB"],
    ["null union", ["null", "double"], null, null],
    ["value of a null union", ["null", "double"], { double: 2.5 }, 2.5],
    ["value of a union with null behind", ["string", "null"], { string: "x" }, "x"],
    ["date", logical("int", "date"), 20_515, 20_515 * 86_400_000],
    ["timestamp-millis", logical("long", "timestamp-millis"), 1_772_511_240_123, 1_772_511_240_123],
    ["timestamp-micros", logical("long", "timestamp-micros"), 1_772_511_240_123_456, 1_772_511_240_123.456],
    ["local-timestamp-millis", logical("long", "local-timestamp-millis"), 1, 1],
    ["time-millis", logical("int", "time-millis"), 60_000, 60_000],
    ["time-micros", logical("long", "time-micros"), 1_500, 1.5],
    [
      "decimal of bytes",
      logical("bytes", "decimal", { precision: 9, scale: 2 }),
      Buffer.of(0xff, 0x85),
      -1.23,
    ],
    [
      "decimal of fixed",
      { type: "fixed", name: "D", size: 4, logicalType: "decimal", precision: 9, scale: 2 },
      Buffer.of(0, 0, 0x30, 0x39),
      123.45,
    ],
    [
      "uuid",
      logical("string", "uuid"),
      "550e8400-e29b-41d4-a716-446655440000",
      "550e8400-e29b-41d4-a716-446655440000",
    ],
    ["an unknown logical type", logical("int", "month"), 3, 3],
    ["array", { type: "array", items: "float" }, [1, 2.5], [1, 2.5]],
    ["empty array", { type: "array", items: "double" }, [], []],
    [
      "array with nulls",
      { type: "array", items: ["null", "double"] },
      [{ double: 1 }, null],
      [1, Number.NaN],
    ],
    ["array of longs", { type: "array", items: "long" }, [1n, 2n], [1, 2]],
    ["array of arrays", { type: "array", items: { type: "array", items: "int" } }, [[1], [2, 3]], [1, 2, 3]],
    ["union of numbers", ["null", "int", "double"], { int: 3 }, 3],
  ];
  for (const [name, type, value, cell] of cases) {
    it(`read ${name}`, () => {
      const schema = record(["before", "int"], ["value", type], ["after", "string"]);
      const bytes = typeOf(schema).toBuffer({ before: 1, value, after: "z" });
      const batches = read(schema, bytes);
      assert.deepEqual(cellsOf(batches, "value"), [cell]);
      assert.deepEqual([cellsOf(batches, "before"), cellsOf(batches, "after")], [[1], ["z"]]);
    });
  }

  it("know of bytes, maps and mixed unions whether they are there", () => {
    const schema = record(
      ["b", "bytes"],
      ["m", { type: "map", values: "int" }],
      ["u", ["null", "string", "int"]],
      ["l", { type: "array", items: "string" }],
    );
    const bytes = typeOf(schema).toBuffer({
      b: Buffer.of(1),
      m: { a: 1, b: 2 },
      u: { string: "x" },
      l: ["a"],
    });
    const batches = read(schema, bytes);
    for (const name of ["b", "m", "u", "l"]) assert.equal(columnOf(batches, name).kind, "unsupported", name);
  });

  it("flatten records in records, and their nulls", () => {
    const inner = {
      type: "record",
      name: "Inner",
      fields: [
        { name: "x", type: "double" },
        { name: "s", type: "string" },
      ],
    };
    const schema = record(["a", ["null", inner]], ["b", "Inner"]);
    const type = typeOf(schema);
    const batches = read(schema, type.toBuffer({ a: null, b: { x: 1, s: "k" } }));
    assert.deepEqual(cellsOf(batches, "a.x"), [null]);
    assert.deepEqual([cellsOf(batches, "b.x"), cellsOf(batches, "b.s")], [[1], ["k"]]);
  });

  it("may hold themselves", () => {
    const schema = record(["value", "int"], ["next", ["null", "Row"]]);
    const type = typeOf(schema);
    const batches = read(schema, type.toBuffer({ value: 1, next: { Row: { value: 2, next: null } } }));
    assert.deepEqual(cellsOf(batches, "value"), [1]);
    assert.equal(columnOf(batches, "next").kind, "unsupported");
  });

  it("come as rows in an array, and as one of several types", () => {
    const row = record(["x", "int"], ["s", ["null", "string"]]);
    const list = { type: "array", items: row } as Schema;
    const rows = Array.from({ length: 300 }, (_, x) => ({ x, s: x % 3 === 0 ? null : { string: `v${x}` } }));
    const batches = read(list, typeOf(list).toBuffer(rows));
    assert.deepEqual(
      cellsOf(batches, "x"),
      rows.map(({ x }) => x),
    );
    assert.deepEqual(
      cellsOf(batches, "s"),
      rows.map(({ s }) => s?.string ?? null),
    );
    const either = [row, { type: "record", name: "Other", fields: [{ name: "y", type: "double" }] }];
    const other = read(either, typeOf(either).toBuffer({ Other: { y: 2.5 } }));
    assert.deepEqual(cellsOf(other, "y"), [2.5]);
  });

  it("name types of other schemas, and of their own namespace", () => {
    const money = {
      type: "record",
      name: "Money",
      namespace: "shop",
      fields: [{ name: "cents", type: "long" }],
    };
    const order = {
      type: "record",
      name: "shop.Order",
      fields: [
        { name: "total", type: "Money" },
        { name: "tip", type: "shop.Money" },
      ],
    };
    const schema = found(order, { references: [JSON.stringify(money)] });
    const batches = decoderOf().decode(framed(Uint8Array.of(10, 20)), { headers: new Map(), schema });
    assert.deepEqual([cellsOf(batches, "total.cents"), cellsOf(batches, "tip.cents")], [[5], [10]]);
  });

  it("build only the columns that the spec names", () => {
    const schema = record(["a", "int"], ["b", "string"], ["c", "double"]);
    const bytes = typeOf(schema).toBuffer({ a: 1, b: "x", c: 2.5 });
    const [batch] = read(schema, bytes, { hints: new Map([["c", "float64"]]) });
    assert.deepEqual([...(batch?.columns.keys() ?? [])], ["c"]);
  });

  it("of any schema read as avsc reads them", () => {
    const leaf = fc.constantFrom("boolean", "int", "long", "float", "double", "string");
    const types = fc.letrec<{ type: unknown }>((tie) => ({
      type: fc.oneof(
        { maxDepth: 2 },
        leaf,
        leaf.map((inner) => ["null", inner]),
        fc.constantFrom("int", "double").map((items) => ({ type: "array", items })),
        fc.array(tie("type"), { minLength: 1, maxLength: 3 }).map((inner) => ({ record: inner })),
      ),
    })).type;
    let names = 0;
    const built = (given: unknown): unknown => {
      if (typeof given !== "object" || given === null || !("record" in given)) return given;
      names += 1;
      const name = `R${names}`;
      const fields = (given.record as unknown[]).map((inner, index) => ({
        name: `f${index}`,
        type: built(inner),
      }));
      return { type: "record", name, fields };
    };
    fc.assert(
      fc.property(fc.array(types, { minLength: 1, maxLength: 6 }), (some) => {
        const schema = built({ record: some });
        const type = avsc.Type.forSchema(schema as Schema);
        const value = type.random();
        const batches = read(schema, type.toBuffer(value));
        const compare = (under: unknown, prefix: string): void => {
          for (const [name, cell] of Object.entries(under as object)) {
            const path = `${prefix}${name}`;
            const isRecord = typeof cell === "object" && cell !== null && !Array.isArray(cell);
            if (isRecord) compare(cell, `${path}.`);
            else assert.deepEqual(cellsOf(batches, path), [cell], path);
          }
        };
        compare(type.fromBuffer(type.toBuffer(value)), "");
      }),
      { numRuns: 200 },
    );
  });
});

describe("Confluent framing", () => {
  it("of JSON Schema is JSON, read by the spec's types", () => {
    const bytes = framed(new TextEncoder().encode('{"x":"1","a":{"b":2}}'));
    const decoder = decoderOf({
      hints: new Map([
        ["x", "float64"],
        ["a.b", "int32"],
      ]),
    });
    const batches = decoder.decode(bytes, { headers: new Map(), schema: found("{}", { type: "JSON" }) });
    assert.deepEqual(cellsOf(batches, "a.b"), [2]);
    assert.equal(columnOf(batches, "x").misfits?.example, '"1"');
  });

  it("in a header leaves the payload as it is", () => {
    const schema = record(["x", "int"]);
    const batches = decoderOf().decode(typeOf(schema).toBuffer({ x: 5 }), {
      headers: new Map(),
      schema: found(schema, { framing: "header" }),
    });
    assert.deepEqual(cellsOf(batches, "x"), [5]);
  });

  it("is refused with the reason when its schema is Protobuf, unknown, or nobody can be asked", () => {
    const at = { headers: new Map<string, string>() };
    const bytes = framed(Uint8Array.of(2));
    assert.throws(() => decoderOf().decode(bytes, { ...at, schema: found("syntax", { type: "PROTOBUF" }) }), {
      code: "decode.format",
      message: /schema id 7 is Protobuf/,
    });
    const missing = { kind: "missing", name: "schema id 7", reason: "not known", framing: "prefix" } as const;
    assert.throws(() => decoderOf().decode(bytes, { ...at, schema: missing }), {
      code: "decode.schema",
      message: "schema id 7: not known",
    });
    assert.throws(() => decoderOf().decode(bytes), {
      code: "decode.schema",
      message: /schema id 7.*schemaRegistry\.url/,
    });
  });
});

describe("hostile Avro", () => {
  const row = record(["x", "int"], ["s", "string"]);
  const good = typeOf(row).toBuffer({ x: 1_000, s: "text" });
  const reason = (schema: unknown, bytes: Uint8Array, limits: Partial<Limits> = {}): string =>
    reasonOf(() => read(schema, bytes, { limits }));

  it("is cut anywhere, or goes on behind its end", () => {
    for (let length = 1; length < good.length; length++)
      assert.equal(reason(row, good.subarray(0, length)), "truncated");
    assert.equal(reason(row, Uint8Array.of(...good, 0)), "malformed");
  });

  it("holds numbers and lengths that cannot be", () => {
    const one = (type: unknown): Schema => record(["v", type]);
    const ones = (count: number, last: number): Uint8Array => Uint8Array.of(...Array(count).fill(0xff), last);
    assert.equal(reason(one("int"), ones(5, 1)), "malformed"); // beyond 32 bits
    assert.equal(reason(one("long"), ones(9, 2)), "malformed"); // beyond 64
    assert.equal(reason(one("long"), ones(12, 0)), "malformed");
    assert.equal(reason(one("string"), Uint8Array.of(1)), "malformed"); // a length of −1
    assert.equal(reason(one("string"), ones(9, 1)), "malformed");
    assert.equal(reason(one("boolean"), Uint8Array.of(2)), "malformed");
    assert.equal(reason(one(["null", "int"]), Uint8Array.of(4)), "malformed");
    assert.equal(reason(one({ type: "enum", name: "E", symbols: ["A"] }), Uint8Array.of(2)), "malformed");
  });

  it("promises more items than there is memory for, each of no bytes at all", () => {
    const nulls = { type: "array", items: "null" };
    const many = Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0);
    assert.equal(reason(record(["v", nulls]), many), "limit");
    assert.equal(reason({ type: "array", items: record() }, many, { rowsPerBatch: 1_000 }), "limit");
  });

  it("has a schema whose types hold one another in ever larger numbers", () => {
    const levels = Array.from({ length: 40 }, (_, level) => ({
      type: "record",
      name: `L${level}`,
      fields: ["a", "b"].map((name) => ({ name, type: level === 0 ? "null" : `L${level - 1}` })),
    }));
    const schema = found(
      { type: "record", name: "Row", fields: [{ name: "v", type: "L39" }] },
      {
        references: levels.map((level) => JSON.stringify(level)),
      },
    );
    for (const nesting of [16, 100]) {
      const decoder = decoderOf({ limits: { nesting } });
      assert.equal(
        reasonOf(() => decoder.decode(framed(Uint8Array.of(0)), { headers: new Map(), schema })),
        "limit",
      );
    }
  });

  it("has no schema, or one of no rows", () => {
    for (const text of [
      "{",
      "[]",
      '{"type":"record"}',
      '{"type":"record","name":"R","fields":[{"name":"a","type":"Nope"}]}',
      `${'{"type":"array","items":'.repeat(90)}"int"${"}".repeat(90)}`,
    ])
      assert.equal(reason(text, Uint8Array.of(0)), "schema", text);
    assert.equal(reason('"string"', Uint8Array.of(0)), "schema");
    assert.equal(reason({ type: "array", items: "int" }, Uint8Array.of(0)), "schema");
  });

  it("leaves nothing behind for the next message", () => {
    const decoder = decoderOf();
    const at = { headers: new Map<string, string>(), schema: found(row) };
    assert.throws(() => decoder.decode(framed(good.subarray(0, 3)), at));
    const batches = decoder.decode(framed(good), at);
    assert.deepEqual([cellsOf(batches, "x"), cellsOf(batches, "s")], [[1_000], ["text"]]);
  });
});
