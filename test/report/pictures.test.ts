import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FieldType } from "../../src/model/feature-view.ts";
import { distributionChart } from "../../src/report/distribution.ts";
import { shiftBar, shiftLine, windowStrip } from "../../src/report/timeline.ts";
import { type Cell, profileOf } from "../judge/profiles.ts";
import { fieldSpec } from "../judge/samples.ts";
import { problemsOf } from "./support.ts";

const size = { width: 300, height: 100 };
const picture = { size, axis: true };
const assertSound = (svg: string): void => assert.deepEqual(problemsOf(svg), [], svg);

/** Heights of an outline `M0,97.9L9.4,97.9…`, as y coordinates from the top. */
const heightsOf = (svg: string, name: string): number[] => {
  const path = new RegExp(`<path class="${name}" d="([^"]+)"`).exec(svg)?.[1] ?? "";
  return [...path.matchAll(/,(-?[\d.]+)/g)].map(([, y]) => Number(y));
};

describe("a histogram of window over baseline", () => {
  const field = fieldSpec("price", "float64");
  const spread = Array.from({ length: 1_000 }, (_, at) => at / 10);

  it("has both over the same range, the fuller bin higher", () => {
    const svg = distributionChart(
      field,
      profileOf(field, spread),
      profileOf(field, [90, 90, 90, 10]),
      picture,
    );
    assertSound(svg);
    assert.match(svg, /aria-label="price: median 90(\.\d+)?, baseline (49|50)/);
    const outline = heightsOf(svg, "current");
    const highest = outline.indexOf(Math.min(...outline));
    assert.ok(highest > outline.length * 0.8, "90 of 100 lies on the right");
    const ground = heightsOf(svg, "baseline");
    assert.ok(Math.max(...ground) - Math.min(...ground.slice(2, 60)) < 10, "even values make an even ground");
  });

  it("is drawn without a baseline, without a window, with one value, and not at all without any", () => {
    const one = profileOf(field, [7, 7, 7]);
    assertSound(distributionChart(field, undefined, one, picture));
    assertSound(distributionChart(field, one, undefined, picture));
    assert.equal(distributionChart(field, undefined, undefined, picture), "");
    assert.equal(distributionChart(field, undefined, profileOf(field, [Number.NaN]), picture), "");
  });

  it("shows instants as times", () => {
    const time = fieldSpec("at", "timestamp");
    const noon = Date.parse("2026-03-03T12:00:00Z");
    const svg = distributionChart(time, undefined, profileOf(time, [noon, noon + 60_000]), picture);
    assert.match(svg, />Tue 3 Mar 12:0[01]/);
  });
});

describe("bars of categories", () => {
  const field = fieldSpec("user_location", "string", {
    mapping: { values: ["US", "GB"], maxDefaultRate: 0.01 },
  });
  const before = profileOf(field, ["US", "US", "US", "GB"]);

  it("mark values outside the mapping, in words too", () => {
    const svg = distributionChart(field, before, profileOf(field, ["United States", "GB"]), picture);
    assertSound(svg);
    assert.match(svg, /<text class="unknown"[^>]*>✕ United Stat/);
    assert.match(svg, /<text class="label"[^>]*>US</);
    assert.match(svg, /United States \(not in the mapping\) 50%, was 0%/);
    assert.match(svg, /US 0%, was 75%/);
  });

  it("let no value out of its place", () => {
    const evil = '"><script>alert(1)</script>';
    const svg = distributionChart(field, before, profileOf(field, [evil, "<b>", "'&"]), picture);
    assertSound(svg);
    assert.doesNotMatch(svg, /<script|<b>/);
  });

  it("compare shares of true and false", () => {
    const member = fieldSpec("is_member", "bool");
    const svg = distributionChart(
      member,
      profileOf(member, [true]),
      profileOf(member, [true, false]),
      picture,
    );
    assertSound(svg);
    assert.match(svg, /true 50%, was 100%; false 50%, was 0%/);
  });
});

describe("dimensions of an embedding", () => {
  const field = fieldSpec("user_embedding", "embedding", { dimensions: 2 });

  it("stand as marks before the baseline's bands", () => {
    const svg = distributionChart(
      field,
      profileOf(field, [[0, 1], [1, 0]]), // biome-ignore format: vectors
      profileOf(field, [[500, 501], [501, 500]]), // biome-ignore format: vectors
      picture,
    );
    assertSound(svg);
    assert.equal(svg.match(/<circle/g)?.length, 2);
    assert.equal(svg.match(/class="baseline"/g)?.length, 2);
    assert.match(svg, /mean over dimensions 501, baseline 0\.5/);
  });

  it("are at most 64, however many there are", () => {
    const many = Array.from({ length: 1_000 }, (_, at) => at % 7);
    const wide = fieldSpec("wide", "embedding", { dimensions: 1_000 });
    const svg = distributionChart(wide, undefined, profileOf(wide, [many, many]), picture);
    assertSound(svg);
    assert.ok((svg.match(/<circle/g)?.length ?? 99) <= 64);
  });
});

describe("every distribution", () => {
  it("is a sound picture, whatever the values", () => {
    const cells: Record<string, fc.Arbitrary<Cell>> = {
      float64: fc.double(),
      string: fc.string({ unit: "binary", maxLength: 90 }),
      bool: fc.boolean(),
    };
    for (const [type, cell] of Object.entries(cells)) {
      const field = fieldSpec("<any>", type as FieldType);
      const values = fc.array(fc.oneof(cell, fc.constant(null)), { maxLength: 30 });
      fc.assert(
        fc.property(values, values, fc.boolean(), (before, now, axis) => {
          const svg = distributionChart(field, profileOf(field, before), profileOf(field, now), {
            size,
            axis,
          });
          if (svg !== "") assertSound(svg);
        }),
        { numRuns: 60 },
      );
    }
  });
});

const hour = 3_600_000;
const start = Date.parse("2026-03-03T00:00:00Z");

describe("the line of shifts", () => {
  const lineOf = (shifts: readonly (number | undefined)[], axis = true): string =>
    shiftLine(
      shifts.map((shift, at) => ({ time: start + at * hour, shift })),
      { name: "f", sigma: 2, size, axis },
    );
  const limitOf = (svg: string): number => Number(/<line class="limit" [^>]*y1="([\d.]+)"/.exec(svg)?.[1]);

  it("crosses the breaker's line exactly where the shift does", () => {
    const svg = lineOf([0, 1.9, 2.1, 1_391]);
    assertSound(svg);
    const [zero, below, above, far] = heightsOf(svg, "shift");
    const limit = limitOf(svg);
    assert.ok(zero !== undefined && below !== undefined && above !== undefined && far !== undefined);
    assert.ok(zero > below && below > limit && limit > above && above > far, svg);
    assert.match(svg, /shift over 4 windows, at most 1,391 SD, in 2 at or beyond 2 SD/);
  });

  it("leaves a gap where nothing could be told, and says nothing of less than two windows", () => {
    const svg = lineOf([1, 1, undefined, 1, 1]);
    assertSound(svg);
    assert.equal(/class="shift" d="([^"]+)"/.exec(svg)?.[1]?.match(/M/g)?.length, 2);
    assert.equal(lineOf([1]), "");
    assert.equal(lineOf([undefined, undefined, 1]), "");
  });

  it("bears distances without end", () => assertSound(lineOf([0, Number.POSITIVE_INFINITY, 1e300])));

  it("prints times that do not touch each other", () => {
    const svg = lineOf(Array.from({ length: 36 }, () => 1));
    const xs = [...svg.matchAll(/<text class="label" x="([\d.]+)" [^>]*text-anchor="middle">([^<]+)</g)];
    assert.ok(xs.length >= 2);
    let taken = 0;
    for (const [, x, text] of xs) {
      const half = ((text ?? "").length * 6) / 2;
      assert.ok(Number(x) - half >= taken, `${text} at ${x}`);
      taken = Number(x) + half;
    }
  });
});

describe("the bar of a shift", () => {
  it("passes the line from sigma on, and changes colour there", () => {
    for (const [shift, name] of [
      [1.99, "near"],
      [2, "far"],
      [Number.POSITIVE_INFINITY, "far"],
    ] as const) {
      const svg = shiftBar(shift, 2, { width: 100, height: 14 });
      assertSound(svg);
      const width = Number(new RegExp(`class="${name}"[^>]* width="([\\d.]+)"`).exec(svg)?.[1]);
      const limit = Number(/class="limit" x1="([\d.]+)"/.exec(svg)?.[1]);
      assert.equal(width >= limit, name === "far", String(shift));
      assert.ok(width <= 100);
    }
  });
});

describe("the strip of windows", () => {
  const cell = (at: number, status: "ok" | "critical" | "warning" | "insufficient") => ({
    window: { start: start + at * hour, end: start + (at + 1) * hour },
    status,
  });

  it("tells status by height too, and leaves room where there were no data", () => {
    const svg = windowStrip([cell(0, "ok"), cell(1, "critical"), cell(3, "insufficient")], [], size);
    assertSound(svg);
    const bars = [
      ...svg.matchAll(/class="status-(\w+)" x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)"/g),
    ];
    assert.deepEqual(
      bars.map(([, status, x]) => `${status} ${x}`),
      ["ok 0", "critical 75", "insufficient 225"],
    );
    const [ok, critical, insufficient] = bars.map(([, , , height]) => Number(height));
    assert.ok((critical ?? 0) > (ok ?? 0) && (ok ?? 0) > (insufficient ?? 0));
  });

  it("marks where the breaker moved, within its time, and tells it", () => {
    const transitions = [
      { time: start + hour, to: "open" },
      { time: start - hour, to: "closed" },
    ] as const;
    const svg = windowStrip([cell(0, "ok"), cell(1, "critical")], transitions, size);
    assertSound(svg);
    assert.equal(svg.match(/<path class="mark/g)?.length, 1);
    assert.match(svg, /2 windows from .*, 1 of them critical; breaker open at Tue 3 Mar 01:00/);
    assert.equal(windowStrip([], transitions, size), "");
  });
});
