import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createTimeline } from "../../src/report/cells.ts";

const minute = 60_000;
const windowAt = (at: number) => ({ start: at * minute, end: (at + 1) * minute });

describe("a timeline", () => {
  it("loses no window, row or value, however many there are", () => {
    const values = fc.array(fc.option(fc.nat(9)), { maxLength: 60 });
    fc.assert(
      fc.property(values, (each) => {
        const timeline = createTimeline(8);
        const sums = timeline.track<number>((a, b) => a + b);
        for (const [at, value] of each.entries()) {
          timeline.add({ window: windowAt(at), status: "ok", rows: 10 });
          if (value !== null) sums.add(value);
        }
        const { cells } = timeline;
        assert.ok(cells.length <= 8);
        assert.equal(sums.read().length, cells.length);
        const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
        assert.equal(total(cells.map(({ windows }) => windows)), each.length);
        assert.equal(total(cells.map(({ rows }) => rows)), each.length * 10);
        assert.equal(total(sums.read().map((sum) => sum ?? 0)), total(each.map((value) => value ?? 0)));
        assert.equal(cells[0]?.window.start ?? 0, 0);
        for (const [at, { window }] of cells.entries())
          assert.equal(cells[at + 1]?.window.start ?? window.end, window.end);
      }),
    );
  });

  it("keeps the worse status, and a track that began late in its place", () => {
    const timeline = createTimeline(4);
    const late = timeline.track<number>(Math.max);
    for (let at = 0; at < 8; at++) {
      timeline.add({ window: windowAt(at), status: at === 5 ? "critical" : "ok", rows: 1 });
      if (at === 7) late.add(3);
    }
    assert.deepEqual(
      timeline.cells.map(({ status }) => status),
      ["ok", "ok", "critical", "ok"],
    );
    assert.deepEqual(late.read(), [undefined, undefined, undefined, 3]);
  });
});
