import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ColumnFacts, inferSpec } from "../../src/spec/infer.ts";
import { addTime, createPace, inferWindow, type Pace } from "../../src/spec/pace.ts";
import { parseSpec } from "../../src/spec/parse.ts";

const column = (facts: Partial<ColumnFacts> & Pick<ColumnFacts, "name" | "type">): ColumnFacts => ({
  rows: 10_000,
  nulls: 0,
  misfits: 0,
  missing: 0,
  distinct: null,
  ...facts,
});

const numbers = (name: string, min: number, max: number, more: Partial<ColumnFacts> = {}): ColumnFacts =>
  column({ name, type: "float64", numeric: { nan: 0, infinite: 0, min, max }, ...more });

const words = (name: string, top: readonly { value: string; count: number }[], exact = true): ColumnFacts =>
  column({ name, type: "string", distinct: top.length, top, exact });

/** `perMinute` rows a minute at even gaps, for an hour. */
function steady(perMinute: number): Pace {
  const pace = createPace();
  for (let row = 0; row < perMinute * 60; row++) addTime(pace, (row * 60_000) / perMinute);
  return pace;
}

function inferred(columns: readonly ColumnFacts[], pace = steady(1_000), window?: string) {
  const text = inferSpec([column({ name: "at", type: "timestamp" }), ...columns], {
    name: "orders",
    eventTime: "at",
    window,
    pace,
    topic: "features.orders",
    source: "orders.parquet (10,000 rows)",
  });
  const view = parseSpec(text, {
    file: "orders.yaml",
    readText: () => assert.fail("an inferred spec names no file"),
  });
  return { text, view, field: (name: string) => view.fields.find((field) => field.name === name) };
}

describe("an inferred spec", () => {
  it("takes few, well-supported values for the mapping, the most frequent first", () => {
    const top = [
      { value: "US", count: 6_000 },
      { value: "DE", count: 3_950 },
      { value: "no", count: 50 },
    ];
    const { field } = inferred([words("country", top)]);
    assert.deepEqual(field("country")?.mapping, { values: ["US", "DE", "no"], maxDefaultRate: 0.01 });
    assert.equal(field("country")?.nullable, false);
  });

  it("leaves the mapping out where values not seen yet are likely", () => {
    const many = Array.from({ length: 201 }, (_, i) => ({ value: `v${i}`, count: 49 }));
    const rare = [{ value: "a", count: 9_900 }].concat(
      Array.from({ length: 100 }, (_, i) => ({ value: `once${i}`, count: 1 })),
    );
    const { field } = inferred([words("many", many), words("rare", rare), words("cut", [], false)]);
    for (const name of ["many", "rare", "cut"]) assert.equal(field(name)?.mapping, undefined, name);
  });

  it("gives a range in which a number ten widths away still lies, and one in the wrong unit does not", () => {
    const { field } = inferred([
      numbers("mass", 35, 165),
      numbers("amount", 0.01, 73),
      numbers("constant", 5, 5),
      column({
        name: "counter",
        type: "int64",
        distinct: 10_000,
        numeric: { nan: 0, infinite: 0, min: 1, max: 10_000 },
      }),
    ]);
    assert.deepEqual(field("mass")?.range, [-1300, 1500]);
    assert.deepEqual(field("amount")?.range, [0, 810], "what starts at 0 stays above it");
    assert.equal(field("constant")?.range, undefined);
    assert.equal(field("counter")?.range, undefined, "a counter goes on growing");
  });

  it("has every number that was seen in its range, whatever their size", () => {
    const value = fc.double({ min: -1e15, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)];
        const range = inferred([numbers("x", min, max)]).field("x")?.range;
        if (range !== undefined) assert.ok(range[0] <= min && max <= range[1], `${range}`);
      }),
    );
  });

  it("says finite, nullable and dimensions as the data were", () => {
    const { field } = inferred([
      numbers("dirty", 0, 1, { numeric: { nan: 1, infinite: 0, min: 0, max: 1 }, nulls: 3 }),
      numbers("clean", 0, 1),
      column({ name: "vector", type: "embedding", embedding: { dimensions: 16, nan: 0, infinite: 0 } }),
    ]);
    assert.equal(field("dirty")?.finite, false);
    assert.equal(field("dirty")?.nullable, true);
    assert.equal(field("clean")?.finite, true);
    assert.equal(field("vector")?.dimensions, 16);
    assert.equal(field("vector")?.finite, true);
  });

  it("names a request id, leaves out what no spec can declare, and keeps hostile names apart from YAML", () => {
    const { text, view, field } = inferred([
      column({ name: "request_id", type: "string", distinct: 9_990 }),
      column({ name: "struct", type: null }),
      numbers("a: b # c", 0, 1),
      numbers("two\nlines", 0, 1),
      numbers("__proto__", 0, 1),
    ]);
    assert.equal(view.source.requestId, "request_id");
    assert.match(text, /# struct: left out/);
    assert.match(text, /# two lines: left out/);
    assert.ok(field("a: b # c") !== undefined);
    assert.ok(field("__proto__") !== undefined);
  });
});

describe("an inferred window", () => {
  it("is a minute when a minute holds a hundred rows, else the shortest that does", () => {
    assert.deepEqual(inferWindow(steady(1_000), false, undefined), {
      size: "1m",
      lateness: "30s",
      minRows: 50,
    });
    assert.equal(inferWindow(steady(30), false, undefined).size, "5m");
    assert.equal(inferWindow(steady(2), false, undefined).size, "1h");
  });

  it("asks for half of what a window usually holds when a given one is small", () => {
    assert.equal(inferWindow(steady(30), false, "1m").minRows, 15);
    assert.equal(inferWindow(steady(1), false, "1m").minRows, 1);
  });

  it("is a metric's own step when a few numbers come at regular times", () => {
    const hourly = createPace();
    for (let hour = 0; hour < 300; hour++) if (hour % 17 !== 3) addTime(hourly, hour * 3_600_000);
    assert.deepEqual(inferWindow(hourly, true, undefined), { size: "1h", lateness: "30s", minRows: 1 });
    assert.equal(inferWindow(hourly, false, undefined).size, "1d", "many columns are events, not a metric");
  });

  it("waits as long as all but one row in a thousand are late, and not for rows in no order", () => {
    const late = createPace();
    for (let row = 0; row < 10_000; row++) addTime(late, row * 60 - (row % 10 === 0 ? 250_000 : 0));
    assert.equal(inferWindow(late, false, "1m").lateness, "5m");
    const shuffled = createPace();
    for (let row = 0; row < 10_000; row++) addTime(shuffled, (row * 7_919 * 60_000) % 600_000_000);
    assert.equal(inferWindow(shuffled, false, "1m").lateness, "30s");
  });
});
