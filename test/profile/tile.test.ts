import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { otherSegment, sortRows, splitBySegment } from "../../src/profile/grouping.ts";
import { exampleAt, presence, showCell, tileRows } from "../../src/profile/tile.ts";
import { dictionary, doubles, instants, int64s, lists, utf8 } from "./batches.ts";

describe("a tile", () => {
  it("finds the bits of its rows wherever they lie", () => {
    const bits = fc.uint8Array({ minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(bits, fc.nat(40), fc.nat(9), fc.nat(41), (validity, validityOffset, from, size) => {
        const column = { ...doubles([]), rows: 50, validity, validityOffset, nullCount: 1 };
        const expected = Array.from({ length: size }, (_, i) => {
          const bit = validityOffset + from + i;
          return ((validity[bit >> 3] as number) >> (bit & 7)) & 1;
        });
        assert.deepEqual([...(presence(column, from, size)?.subarray(0, size) ?? [])], expected);
      }),
    );
  });

  it("knows which rows hold a value, and says nothing when all do", () => {
    const of = (column: Parameters<typeof presence>[0], from: number, size: number): number[] | undefined => {
      const mask = presence(column, from, size);
      return mask === undefined ? undefined : [...mask.subarray(0, size)];
    };
    assert.equal(of(doubles([1, 2]), 0, 2), undefined);
    assert.deepEqual(of(doubles([1, null, 3, null]), 1, 3), [0, 1, 0]);
    assert.deepEqual(of(dictionary(["a", null, "b"]), 0, 3), [1, 0, 1]);
    assert.deepEqual(of({ ...doubles([null]), kind: "null" }, 0, 1), [0]);
    const holed = dictionary(["a", "b", "a", null]);
    assert(holed.kind === "dictionary");
    const withHole = { ...holed, dictionary: utf8([null, "b"]) } as typeof holed;
    assert.deepEqual(of(withHole, 0, 4), [0, 1, 0, 0]);
    assert.deepEqual(
      of({ ...withHole, validity: undefined, nullCount: 0, codes: Int16Array.of(0, 1, 0, 1) }, 1, 3),
      [1, 0, 1],
    );
  });

  it("shows cells as people read them, at most 80 characters in an example", () => {
    assert.equal(showCell(doubles([1.5, null]), 0), "1.5");
    assert.equal(showCell(doubles([1.5, null]), 1), "null");
    assert.equal(showCell(instants([1_000]), 0), "1970-01-01T00:00:01.000Z");
    assert.equal(showCell(int64s([2n ** 60n]), 0), "1152921504606846976");
    assert.equal(showCell(lists([[1, 2]]), 0), "[1, 2]");
    assert.equal(showCell(lists([Array.from({ length: 30 }, (_, i) => i)]), 0).split(", ").length, 20);
    const tile = {
      batch: { rows: 2, columns: new Map() },
      from: 0,
      size: 2,
      times: Float64Array.of(Number.NaN, 7),
      position: "t-0@1",
      requestIds: utf8(["r0", "r1"]),
    };
    assert.deepEqual(exampleAt(tile, 1, "v"), {
      value: "v",
      requestId: "r1",
      position: "t-0@1",
      eventTime: 7,
    });
    assert.deepEqual(exampleAt({ ...tile, requestIds: undefined }, 0, "x".repeat(80)), {
      value: "x".repeat(80),
      position: "t-0@1",
    });
    const { value } = exampleAt(tile, 1, `${"x".repeat(78)}\u{1f30a}yz`);
    assert.equal(value, `${"x".repeat(78)}…`, "no half of a character");
  });
});

describe("rows by slot", () => {
  it("are sorted stably, those of slot −1 left out", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 60 }), (slots) => {
        const { rows, starts } = sortRows(Int32Array.from(slots), slots.length, 6);
        const expected = [0, 1, 2, 3, 4, 5].map((slot) =>
          slots.flatMap((own, row) => (own === slot ? [row] : [])),
        );
        assert.deepEqual([...rows], expected.flat());
        expected.forEach((own, slot) => {
          assert.deepEqual([...rows.subarray(starts[slot], starts[slot + 1])], own);
        });
        assert.equal(starts.length, 7);
      }),
    );
  });

  it("by the value of a segment are the rows that hold it, whatever kind of column and window", () => {
    const cells = ["b", "a", null, "b", "c", "a", null, "b"];
    const columns = [
      dictionary(cells),
      utf8(cells),
      doubles(cells.map((cell) => (cell === null ? null : cell.charCodeAt(0)))),
    ];
    for (const [c, column] of columns.entries()) {
      const named = (value: string): string => (c < 2 ? value : String(value.charCodeAt(0)));
      const all = splitBySegment(column, 0, undefined, 0, 8);
      assert.deepEqual(all.values, ["b", "a", "c"].map(named));
      assert.deepEqual([...all.rows], [0, 3, 7, 1, 5, 4]);
      assert.deepEqual([...all.starts], [0, 3, 5, 6]);
      const slice = splitBySegment(column, 1, undefined, 2, 7);
      assert.deepEqual(slice.values, ["b", "c", "a"].map(named));
      assert.deepEqual([...slice.rows], [2, 6, 3, 4]);
      const picked = splitBySegment(column, 0, Int32Array.of(9, 7, 5, 2, 1, 9), 1, 5);
      assert.deepEqual(picked.values, ["b", "a"].map(named));
      assert.deepEqual([...picked.rows], [7, 5, 1]);
    }
    const holed = dictionary(["a", "b"]);
    assert(holed.kind === "dictionary");
    const split = splitBySegment(
      { ...holed, dictionary: utf8(["a", null]) } as typeof holed,
      0,
      undefined,
      0,
      2,
    );
    assert.deepEqual([split.values, [...split.rows]], [["a"], [0]]);
  });

  it("have names that stay", () => {
    assert.equal(otherSegment, "__other__");
    assert.equal(tileRows, 4_096);
  });
});
