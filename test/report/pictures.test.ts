import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FieldType } from "../../src/model/feature-view.ts";
import type { WindowCell } from "../../src/report/cells.ts";
import { type Course, coarser } from "../../src/report/course.ts";
import { distributionChart } from "../../src/report/distribution.ts";
import { heatOf, heatOrder, heatStrip } from "../../src/report/heat-strip.ts";
import { normLine } from "../../src/report/norm-line.ts";
import { statisticLine } from "../../src/report/statistic-line.ts";
import { shiftBar, shiftLine, windowStrip } from "../../src/report/timeline.ts";
import type { Moments } from "../../src/sketch/moments.ts";
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
    assert.equal(svg.match(/<path class="baseline" d="([^"]*)"/)?.[1]?.match(/M/g)?.length, 2);
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

const cellsOf = (windows: number): WindowCell[] =>
  Array.from({ length: windows }, (_, at) => ({
    window: { start: start + at * hour, end: start + (at + 1) * hour },
    status: "ok",
    rows: 100,
    windows: 1,
  }));

describe("the line of shifts", () => {
  const lineOf = (shifts: readonly (number | undefined)[]): string =>
    shiftLine(
      shifts.map((shift, at) => ({ time: start + at * hour, shift })),
      { name: "f", sigma: 2, size },
    );

  it("crosses the breaker's line exactly where the shift does", () => {
    const svg = lineOf([0, 1.9, 2.1, 1_391]);
    assertSound(svg);
    assertCrosses(svg);
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
});

/** That a line of shifts 0, 1.9, 2.1 and 1,391 passes the limit between the second and the third. */
function assertCrosses(svg: string): void {
  const [zero, below, above, far] = heightsOf(svg, "shift");
  const limit = Number(/<line class="limit" [^>]*y1="([\d.]+)"/.exec(svg)?.[1]);
  assert.ok(zero !== undefined && below !== undefined && above !== undefined && far !== undefined);
  assert.ok(zero > below && below > limit && limit > above && above > far, svg);
}

describe("the line of one statistic", () => {
  const course = (windows: number, own: Partial<Course> = {}): Course => ({
    cells: cellsOf(windows),
    spans: [],
    events: [],
    ...own,
  });
  const base = { name: "mean of f", statuses: [], sigma: 2, alerts: [] };

  it("crosses the breaker's line exactly where the shift does", () => {
    const svg = statisticLine(course(4), { ...base, shifts: [0, 1.9, 2.1, 1_391] }, size);
    assertSound(svg);
    assertCrosses(svg);
    assert.match(
      svg,
      /mean of f, 4 points in time: at most &gt; 999 SD at Tue 3 Mar 03:00, in 2 at or beyond 2 SD/,
    );
  });

  it("has trouble on its floor, alerts on top, and tells both", () => {
    const statuses = ["ok", "warning", "critical", "critical", "ok"] as const;
    const shifts = [0, 1, 9, 9, 0];
    const alerts = [{ time: start + 2 * hour, severity: "critical" as const }];
    const svg = statisticLine(course(5), { ...base, shifts, statuses, alerts }, size);
    assertSound(svg);
    const bars = [...svg.matchAll(/class="status-(\w+)" d="M[\d.]+ [\d.]+h([\d.]+)v([\d.]+)h-[\d.]+z"/g)];
    const [warning, critical] = bars.map(([, status, width, height]) => ({
      status,
      width: Number(width),
      height: Number(height),
    }));
    assert.deepEqual([warning?.status, critical?.status, bars.length], ["warning", "critical", 2]);
    assert.ok(
      (critical?.width ?? 0) > (warning?.width ?? 9) * 1.9 &&
        (critical?.height ?? 0) > (warning?.height ?? 9),
    );
    assert.match(
      svg,
      /warning from Tue 3 Mar 01:00 to Tue 3 Mar 02:00; critical from Tue 3 Mar 02:00 to Tue 3 Mar 04:00/,
    );
    assert.match(svg, /<path class="mark critical"[^>]*><title>alert Tue 3 Mar 02:00/);
  });

  it("writes letters that would stand on each other as one", () => {
    const at = (after: number, letter: string): { time: number; text: string; letter: string } => ({
      time: start + after,
      text: "",
      letter,
    });
    const events = [at(hour, "A"), at(hour + 1, "B"), at(hour + 60_000, "C"), at(3 * hour, "D")];
    const svg = statisticLine(course(4, { spans: [], events }), { ...base, shifts: [1, 1, 1, 1] }, size);
    assert.deepEqual(
      [...svg.matchAll(/<text class="event"[^>]*>([^<]+)</g)].map(([, letters]) => letters),
      ["A–C", "D"],
    );
    assert.equal(svg.match(/<path class="event" d="([^"]*)"/)?.[1]?.match(/M/g)?.length, 3);
  });

  it("shades where the breaker was open, and letters what happened inside its time", () => {
    const spans = [{ start: start + hour, end: start + 2 * hour, state: "open" }] as const;
    const events = [
      { time: start + hour, text: "deploy", letter: "A" },
      { time: start - hour, text: "before", letter: "B" },
    ];
    const svg = statisticLine(course(4, { spans, events }), { ...base, shifts: [1, 1, 1, 1] }, size);
    assertSound(svg);
    assert.match(svg, /<rect class="span open" x="103" y="8" width="65"/);
    assert.deepEqual(
      [...svg.matchAll(/<text class="event"[^>]*>(.)</g)].map(([, letter]) => letter),
      ["A"],
    );
  });

  it("shows a lone point, nothing without any, and a thousand windows as fewer with their peak", () => {
    assert.match(
      statisticLine(course(3), { ...base, shifts: [undefined, 3, undefined] }, size),
      /class="dot"/,
    );
    assert.equal(statisticLine(course(2), { ...base, shifts: [undefined, undefined] }, size), "");
    const shifts = Array.from({ length: 1_000 }, (_, at) => (at === 777 ? 50 : 1));
    const svg = statisticLine(course(1_000), { ...base, shifts }, size);
    assertSound(svg);
    const heights = heightsOf(svg, "shift");
    assert.ok(heights.length <= 150, String(heights.length));
    assert.equal(Math.min(...heights), 10, "the peak reaches the roof");
  });

  it("prints times that do not touch each other", () => {
    const svg = statisticLine(course(36), { ...base, shifts: Array.from({ length: 36 }, () => 1) }, size);
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

describe("the lengths of an embedding's vectors", () => {
  const field = fieldSpec("taste", "embedding", { dimensions: 2 });
  const norms = (...vectors: readonly (readonly [number, number])[]): Moments => {
    const { body } = profileOf(field, vectors);
    assert(body.kind === "embedding");
    return body.norms;
  };

  it("stand before the baseline's band, with NaN on the floor, and are told", () => {
    const course = { cells: cellsOf(3), spans: [], events: [] };
    const baseline = profileOf(field, [[3, 4], [6, 8]]); // biome-ignore format: vectors
    const options = {
      name: "taste",
      norms: [norms([3, 4]), undefined, norms([300, 400])],
      nonFinite: [undefined, 2, undefined],
      baseline,
    };
    const svg = normLine(course, options, size);
    assertSound(svg);
    assert.match(
      svg,
      /mean from 5 to 500 at Tue 3 Mar 02:30; two standard deviations of the baseline are 0.429 to 14.6; 2 vectors with NaN/,
    );
    assert.equal(svg.match(/<rect class="unknown"/g)?.length, 1);
    assert.match(svg, /<rect class="baseline"/);
    assertSound(normLine(course, { ...options, baseline: undefined, nonFinite: undefined }, size));
    assert.equal(normLine(course, { ...options, norms: [] }, size), "");
  });
});

describe("a strip of fields over windows", () => {
  it("has one row a field and a cell a stretch, broken where there were no data", () => {
    const cells = cellsOf(4).filter((_, at) => at !== 2);
    const rows = [
      { name: "a".repeat(40), kinds: ["heat-1", "heat-1", "heat-1"], note: "1%" },
      { name: "b", kinds: ["heat-0", undefined, "heat-5"], note: "99%" },
    ];
    const svg = heatStrip({ cells }, rows, {
      told: "a and b",
      width: 400,
      order: heatOrder,
      heights: { "heat-5": 0.5 },
    });
    assertSound(svg);
    const stretches = [...svg.matchAll(/class="(heat-\d)" d="([^"]+)"/g)];
    assert.deepEqual(
      stretches.map(([, kind, outline]) => `${kind} ${outline?.match(/M/g)?.length}`),
      ["heat-1 2", "heat-0 1", "heat-5 1"],
    );
    assert.match(svg, />a+…</);
    assert.match(svg, /class="heat-5" d="M[\d.]+ 27h[\d.]+v8h/);
    assert.equal(heatStrip({ cells }, [], { told: "", width: 400, order: [] }), "");
  });

  it("keeps the more telling of what has no room of its own, and all of the time", () => {
    const cells = cellsOf(1_000);
    const kinds = cells.map((_, at) => (at === 700 ? "heat-5" : at % 2 === 0 ? "heat-0" : "heat-1"));
    const cut = coarser(cells, kinds, 100, heatOrder);
    assert.equal(cut.cells.length, 100);
    assert.deepEqual(
      [cut.cells[0]?.window.start, cut.cells.at(-1)?.window.end],
      [start, start + 1_000 * hour],
    );
    assert.deepEqual([cut.kinds[70], cut.kinds[71]], ["heat-5", "heat-1"]);
    assert.deepEqual(coarser(cells, kinds, 1_000, heatOrder), { cells, kinds });
  });

  it("has a colour for every share", () => {
    assert.deepEqual([0, 0.001, 0.01, 0.011, 0.2, 0.5, 0.51, 1].map(heatOf), ["heat-0", "heat-1", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5", "heat-5"]); // biome-ignore format: one row
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
      ...svg.matchAll(/class="status-(\w+)"(?: x="([\d.]+)")? y="[\d.]+" width="[\d.]+" height="([\d.]+)"/g),
    ];
    assert.deepEqual(
      bars.map(([, status, x]) => `${status} ${x ?? 0}`),
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

  it("joins neighbours of one status where windows are too many to be told apart, and letters events", () => {
    const cells = Array.from({ length: 400 }, (_, at) => cell(at, at === 300 ? "critical" : "ok"));
    const events = [{ time: start + hour, text: "deploy", letter: "A" }];
    const svg = windowStrip(cells, [], size, events);
    assertSound(svg);
    assert.equal(svg.match(/class="status-/g)?.length, 3);
    assert.match(svg, /400 windows.*1 of them critical/);
    assert.match(svg, /<text class="event"[^>]*>A</);
  });
});
