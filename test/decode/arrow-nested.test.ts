import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Field, Float32, List, Table, tableToIPC, vectorFromArray } from "apache-arrow";
import fc from "fast-check";
import { gatherViews, listOver } from "../../src/decode/arrow-lists.ts";
import { expandRuns } from "../../src/decode/arrow-runs.ts";
import { type Column, cellOf, type NumericArray, type NumericColumn } from "../../src/model/batch.ts";
import { cellsOf, decoderOf, reasonOf } from "./support.ts";

const free = (): void => undefined;

function numbers(values: NumericArray, nulls: readonly number[] = []): NumericColumn {
  const validity = new Uint8Array((values.length + 7) >> 3).fill(0xff);
  for (const row of nulls) validity[row >> 3] = (validity[row >> 3] as number) & ~(1 << (row & 7));
  return {
    kind: "numeric",
    type: values instanceof Int32Array ? "int32" : "float64",
    rows: values.length,
    validity: nulls.length === 0 ? undefined : validity,
    validityOffset: 0,
    nullCount: nulls.length,
    declared: "test",
    values,
  };
}

const all = (column: Column): unknown[] =>
  Array.from({ length: column.rows }, (_, row) => cellOf(column, row));

describe("run-end encoding", () => {
  it("gives every row its run's value, for any lengths of runs", () => {
    const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.option(fc.double({ noNaN: true }))), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(runs, fc.nat(3), (given, cut) => {
        const rows = given.flatMap(([length, value]) => new Array<number | null>(length).fill(value));
        const wanted = rows.slice(0, Math.max(1, rows.length - cut)); // a slice may end within a run
        let end = 0;
        const ends = Int32Array.from(given, ([length]) => (end += length));
        const nulls = given.flatMap(([, value], run) => (value === null ? [run] : []));
        const values = numbers(
          Float64Array.from(given, ([, value]) => value ?? 7),
          nulls,
        );
        const column = expandRuns(numbers(ends), values, wanted.length, free);
        assert.deepEqual(all(column), wanted);
        assert.equal(column.nullCount, wanted.filter((cell) => cell === null).length);
      }),
    );
  });

  it("is refused when its ends go back, stop early, are null or do not pair with values", () => {
    const two = numbers(Float64Array.of(1, 2));
    const of = (ends: Column, values: Column = two): string =>
      reasonOf(() => expandRuns(ends, values, 3, free));
    assert.equal(of(numbers(Int32Array.of(2, 1))), "malformed");
    assert.equal(of(numbers(Int32Array.of(0, 3))), "malformed");
    assert.equal(of(numbers(Int32Array.of(-1, 3))), "malformed");
    assert.equal(of(numbers(Int32Array.of(1, 2))), "malformed");
    assert.equal(of(numbers(Int32Array.of(1, 3), [0])), "malformed");
    assert.equal(of(numbers(Int32Array.of(3))), "malformed");
    const wide = (...words: number[]): Column => ({
      ...numbers(Int32Array.of(1, 2)),
      kind: "int64",
      signed: true,
      words: Int32Array.from(words),
    });
    assert.equal(of(wide(1, -1, 3, 0)), "malformed");
    assert.deepEqual(all(expandRuns(wide(1, 0, 0, 5), two, 3, free)), [1, 2, 2]);
  });
});

describe("lists of lists", () => {
  it("keep their elements in order, and a null among them is NaN", () => {
    const items = numbers(Float64Array.of(1, 2, 3, 4), [2]);
    const inner = listOver({ size: 2, offsets: undefined }, 2, items, free);
    assert(inner !== undefined);
    const slot = { rows: 2, validityOffset: 0, declared: "list" };
    const nested: Column = { ...slot, ...inner, validity: Uint8Array.of(0b01), nullCount: 1 };
    const outer = listOver({ size: undefined, offsets: Int32Array.of(0, 2) }, 1, nested, free);
    assert(outer !== undefined);
    const column: Column = { ...slot, ...outer, rows: 1, validity: undefined, nullCount: 0 };
    assert.deepEqual(all(column), [[1, 2, Number.NaN, Number.NaN]]);
  });

  it("that apache-arrow wrote read as their numbers, end to end", () => {
    const list = (inner: List | Float32): List => new List(new Field("item", inner, true) as Field<never>);
    const rows = [[[1, 2], [3]], [], [[4]]];
    const table = new Table({ v: vectorFromArray(rows, list(list(new Float32()))) });
    assert.deepEqual(cellsOf(decoderOf().decode(tableToIPC(table)), "v"), [[1, 2, 3], [], [4]]);
  });
});

describe("list views", () => {
  const items = numbers(Float64Array.of(1, 2, 3));
  const views = (starts: number[], sizes: number[]) => ({
    starts: Int32Array.from(starts),
    sizes: Int32Array.from(sizes),
    validity: undefined,
  });

  it("are refused when a row's items are not there", () => {
    for (const [start, size] of [
      [0, 4],
      [3, 1],
      [-1, 1],
      [1, -1],
      [2 ** 31 - 1, 2 ** 31 - 1],
    ] as const)
      assert.equal(
        reasonOf(() => gatherViews(views([start], [size]), 1, items, free)),
        "malformed",
      );
  });

  it("that show the same items again and again are charged for each time", () => {
    let charged = 0;
    gatherViews(views(new Array(100).fill(0), new Array(100).fill(3)), 100, items, (bytes) => {
      charged += bytes;
    });
    assert(charged >= 100 * 3 * 8);
  });
});

describe("big-endian Arrow", () => {
  it("is refused, and says what to do", () => {
    // A message whose header is a schema with endianness 1 and no fields, laid out by hand.
    const metadata = new DataView(new ArrayBuffer(64));
    metadata.setUint32(0, 20, true); // the root table
    const vtable = [12, 12, 8, 10, 4, 0]; // sizes, then version, header type, header
    for (const [index, value] of vtable.entries()) metadata.setUint16(8 + 2 * index, value, true);
    metadata.setInt32(20, 12, true); // back to the vtable
    metadata.setUint32(24, 16, true); // the header stands at 40
    metadata.setInt16(28, 4, true); // version 5
    metadata.setUint8(30, 1); // a schema
    for (const [index, value] of [6, 6, 4].entries()) metadata.setUint16(32 + 2 * index, value, true);
    metadata.setInt32(40, 8, true);
    metadata.setInt16(44, 1, true);
    const framing = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 64, 0, 0, 0);
    const bytes = Uint8Array.of(...framing, ...new Uint8Array(metadata.buffer));
    assert.throws(() => decoderOf().decode(bytes), {
      code: "decode.format",
      message: /big-endian Arrow data.*little-endian/,
    });
  });
});
