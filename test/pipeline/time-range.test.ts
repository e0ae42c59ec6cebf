import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Batch, type Column, cellOf } from "../../src/model/batch.ts";
import { rowsInRange, sliceBatch } from "../../src/pipeline/time-range.ts";

/** Eight rows of every kind of column, the third of them null throughout. */
function batchOf(times: readonly number[]): Batch {
  const rows = times.length;
  const validity = Uint8Array.of(0b1111_1011);
  const base = { rows, validity, validityOffset: 0, nullCount: 1, declared: "" };
  const words = (values: readonly number[]): Int32Array =>
    Int32Array.from(values.flatMap((value) => [value | 0, Math.floor(value / 4_294_967_296)]));
  const upTo = Array.from({ length: rows }, (_, row) => row);
  const bytes = new TextEncoder().encode("abcdefgh");
  const offsets = Int32Array.from([0, ...upTo.map((row) => row + 1)]);
  const child = { ...base, rows: 2 * rows, validity: undefined, nullCount: 0, type: "float32" } as const;
  const floats = Float32Array.from({ length: 2 * rows }, (_, index) => index);
  const utf8: Column = { kind: "utf8", ...base, offsets, bytes };
  const columns: [string, Column][] = [
    [
      "event_time",
      { kind: "timestamp", ...base, validity: undefined, nullCount: 0, words: words(times), unitMs: 1 },
    ],
    ["number", { kind: "numeric", ...base, type: "int32", values: Int32Array.from(upTo) }],
    ["big", { kind: "int64", ...base, signed: true, words: words(upTo) }],
    ["bool", { kind: "bool", ...base, bits: Uint8Array.of(0b0110_1001), bitOffset: 0 }],
    ["text", utf8],
    [
      "code",
      {
        kind: "dictionary",
        ...base,
        codes: Int8Array.from(upTo),
        dictionary: { ...utf8, validity: undefined },
      },
    ],
    [
      "fixed",
      {
        kind: "list",
        ...base,
        size: 2,
        offsets: undefined,
        child: { kind: "numeric", ...child, values: floats },
      },
    ],
    [
      "list",
      {
        kind: "list",
        ...base,
        size: undefined,
        offsets,
        child: { kind: "numeric", ...child, values: floats },
      },
    ],
    ["nothing", { kind: "null", ...base, nullCount: rows }],
    [
      "odd",
      { kind: "unsupported", ...base, misfits: { rows: Int32Array.of(2), example: "x", found: "map" } },
    ],
  ];
  return { rows, columns: new Map(columns) };
}

const cells = (batch: Batch): unknown[] =>
  Array.from({ length: batch.rows }, (_, row) =>
    [...batch.columns.values()].map((column) => cellOf(column, row)),
  );

describe("a slice of a batch", () => {
  it("holds the same cells and the right count of nulls", () => {
    const batch = batchOf([0, 1, 2, 3, 4, 5, 6, 7]);
    const bound = fc.integer({ min: 0, max: 8 });
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const slice = sliceBatch(batch, from, to);
        assert.deepEqual(cells(slice), cells(batch).slice(from, to));
        for (const [name, column] of slice.columns) {
          const nulls = cells(slice).filter((_, row) => cellOf(column, row) === null).length;
          if (name !== "odd") assert.equal(column.nullCount, nulls, name);
        }
        const misfits = [...(slice.columns.get("odd")?.misfits?.rows ?? [])];
        assert.deepEqual(misfits, from <= 2 && to > 2 ? [2 - from] : []);
      }),
    );
  });
});

describe("rows in a time range", () => {
  it("are those of [from, to), in order, whatever the order of times", () => {
    const time = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(fc.array(time, { minLength: 8, maxLength: 8 }), time, time, (times, from, to) => {
        const parts = rowsInRange(batchOf(times), "event_time", undefined, { from, to });
        const expected = cells(batchOf(times)).filter((_, row) => {
          const at = times[row] as number;
          return at >= from && at < to;
        });
        assert.deepEqual(parts.flatMap(cells), expected);
      }),
    );
  });

  it("go by the record's own time when the view has no event-time column", () => {
    const batch = batchOf([0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(rowsInRange(batch, undefined, 9, { from: 0, to: 9 }), []);
    assert.deepEqual(rowsInRange(batch, undefined, 8, { from: 0, to: 9 }), [batch]);
  });
});
