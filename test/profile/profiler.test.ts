import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Batch, Column } from "../../src/model/batch.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import { encodeProfile } from "../../src/profile/codec.ts";
import type { FieldProfile, WindowProfile } from "../../src/profile/profile.ts";
import { createProfiler } from "../../src/profile/profiler.ts";
import { countOf, entries, total } from "../../src/sketch/categories.ts";
import { estimateDistinct } from "../../src/sketch/distinct.ts";
import { createRandom } from "../judge/random.ts";
import { featureView, fieldSpec, minute } from "../judge/samples.ts";
import { assertAgree } from "./agreement.ts";
import { batchOf, doubles, origin, profilesOf, type Row, testFrames, testView, utf8 } from "./batches.ts";
import { streamRows, windowRows } from "./rows.ts";

const profiler = createProfiler({ view: testView, frames: testFrames, limits: defaultLimits });

const row: Row = {
  time: 0,
  x: 1,
  id: 1n,
  seen: 0,
  country: "US",
  device: "ios",
  ok: true,
  vector: [1, 2, 3],
  node: null,
};

const at = (time: number | null, own: Partial<Row> = {}): Row => ({ ...row, time, ...own });

const labels = (profiles: readonly WindowProfile[]): string[] =>
  profiles.map(
    ({ window, segment, rows, late }) =>
      `${window.start / minute}${segment === null ? "" : ` ${segmentKey(segment)}`}: ${rows}${late > 0 ? ` late ${late}` : ""}`,
  );

function fieldOf(profile: WindowProfile | undefined, name: string): FieldProfile {
  const field = profile?.fields.get(name);
  assert(field !== undefined);
  return field;
}

describe("a profiler", () => {
  it("begins with nothing seen", () => {
    const state = profiler.start();
    assert.equal(state.watermark, Number.NEGATIVE_INFINITY);
    assert.equal(state.lastEvent, undefined);
    assert.deepEqual(profiler.open(state), []);
    assert.deepEqual(profiler.flush(state), []);
  });

  it("closes windows in order of time as the watermark passes their ends", () => {
    const state = profiler.start();
    const first = profiler.fold(state, batchOf([at(70_000), at(10_000), at(149_999)]), origin);
    assert.deepEqual(labels(first.closed), ["0: 1"]);
    assert.equal(state.watermark, 119_999);
    assert.equal(state.lastEvent, 149_999);
    assert.deepEqual(labels(profiler.open(state)), ["1: 1", "2: 1"]);
    const second = profiler.fold(state, batchOf([at(150_000)]), origin);
    assert.deepEqual(labels(second.closed), ["1: 1"]);
    assert.deepEqual(labels(profiler.flush(state)), ["2: 2"]);
    assert.deepEqual(profiler.open(state), []);
  });

  it("counts a late row on the window that is newest when it comes", () => {
    const rows = [at(10_000), at(200_000), at(10_000), at(20_000), at(270_000), at(30_000)];
    const expected = ["0: 1", "3: 1 late 2", "4: 1 late 1"];
    assert.deepEqual(labels(profilesOf([batchOf(rows)])), expected);
    assert.deepEqual(labels(profilesOf(rows.map((one) => batchOf([one])))), expected);
  });

  it("keeps late rows for the next window when a crowded row closed all there were", () => {
    const view = { ...testView, window: { ...testView.window, latenessMs: 2 * minute } };
    const tight = createProfiler({ view, frames: testFrames, limits: { ...defaultLimits, openWindows: 1 } });
    // minute 1 is crowded out while minute 0 is open; so is minute 3, which closes minute 0 by its time alone
    const rows = [at(0), at(minute), at(3 * minute), at(0), at(0), at(4 * minute)];
    for (const batches of [[batchOf(rows)], rows.map((one) => batchOf([one]))]) {
      const state = tight.start();
      const closed = batches.flatMap((batch) => tight.fold(state, batch, origin).closed);
      assert.deepEqual(labels([...closed, ...tight.flush(state)]), ["0: 1", "4: 1 late 2"]);
      assert.deepEqual(state.counts, { read: 6, profiled: 2, late: 2, rejected: 2, deadLettered: 0 });
    }
  });

  it("takes the largest late window that is open when a crowd has passed the newest", () => {
    const view = { ...testView, window: { ...testView.window, latenessMs: 2 * minute } };
    const tight = createProfiler({ view, frames: testFrames, limits: { ...defaultLimits, openWindows: 2 } });
    const rows = [at(-2 * minute), at(minute), at(0), at(2 * minute), at(-2 * minute)];
    for (const batches of [[batchOf(rows)], rows.map((one) => batchOf([one]))]) {
      const state = tight.start();
      const closed = batches.flatMap((batch) => tight.fold(state, batch, origin).closed);
      assert.deepEqual(labels([...closed, ...tight.flush(state)]), ["-2: 1", "0: 1", "1: 1 late 1"]);
    }
  });

  it("reads each row exactly once: read = profiled + late + rejected, whatever comes", () => {
    fc.assert(
      fc.property(streamRows, fc.option(fc.integer({ min: 0, max: 10 * minute })), (rows, timestamp) => {
        const state = profiler.start();
        const { closed, counts, rejectedExample } = profiler.fold(state, batchOf(rows), {
          ...origin,
          timestamp: timestamp ?? undefined,
        });
        assert.equal(counts.read, rows.length);
        assert.equal(counts.read, counts.profiled + counts.late + counts.rejected);
        assert.equal(counts.deadLettered, 0);
        assert.deepEqual(state.counts, counts);
        assert.equal(rejectedExample === undefined, counts.rejected === 0);
        const whole = [...closed, ...profiler.flush(state)].filter(({ segment }) => segment === null);
        assert.equal(
          whole.reduce((sum, { rows: own }) => sum + own, 0),
          counts.profiled,
        );
        assert.equal(
          whole.reduce((sum, { late }) => sum + late, 0),
          counts.late,
        );
      }),
      { numRuns: 60 },
    );
  });

  it("says which row it rejected first, and why", () => {
    const rejected = (rows: readonly Row[], timestamp?: number): string | undefined =>
      profiler.fold(profiler.start(), batchOf(rows), { position: "t-0@4", timestamp }).rejectedExample?.value;
    assert.equal(rejected([at(0)]), undefined);
    assert.equal(rejected([at(0), at(null), at(999_999_999)], 0), "no event time");
    assert.equal(
      rejected([at(300_001)], 0),
      "1970-01-01T00:05:00.001Z is more than 5 minutes after its record",
    );
    assert.equal(rejected([at(300_000)], 0), undefined);
    const tight = createProfiler({
      view: testView,
      frames: testFrames,
      limits: { ...defaultLimits, openWindows: 1 },
    });
    const { rejectedExample, counts } = tight.fold(
      tight.start(),
      batchOf([at(59_000), at(61_000), at(62_000)]),
      origin,
    );
    assert.deepEqual(rejectedExample, {
      value: "1970-01-01T00:01:01.000Z would open one window too many",
      position: "features-0@7",
      eventTime: 61_000,
    });
    assert.equal(counts.rejected, 2);
  });

  it("takes the record's own time where the batch has none, and rejects rows without either", () => {
    const { columns, rows } = batchOf([row, row]);
    const bare: Batch = { rows, columns: new Map([...columns].filter(([name]) => name !== "time")) };
    const state = profiler.start();
    assert.equal(profiler.fold(state, bare, { position: "", timestamp: 61_000 }).counts.profiled, 2);
    assert.deepEqual(labels(profiler.open(state)), ["1: 2"]);
    assert.equal(profiler.fold(state, bare, origin).counts.rejected, 2);
    const text: Batch = { rows, columns: new Map(columns).set("time", utf8(["2026-01-01", "x"])) };
    assert.equal(profiler.fold(state, text, origin).counts.rejected, 2);
  });

  it("profiles each value of a segment field apart, up to the limit, and the rest together", () => {
    const few = createProfiler({
      view: testView,
      frames: testFrames,
      limits: { ...defaultLimits, segments: 2 },
    });
    const state = few.start();
    const nodes = ["a", "b", "c", "d", null, "a", "c", "__other__"];
    few.fold(state, batchOf(nodes.map((node, i) => at(i, { node, x: i }))), origin);
    assert.deepEqual(labels(few.open(state)), ["0: 8", "0 node:a: 2", "0 node:b: 1", "0 node:__other__: 4"]);
    const [, a] = few.open(state);
    assert.deepEqual([a?.firstEvent, a?.lastEvent], [0, 5]);
    const { body } = fieldOf(a, "x");
    assert(body.kind === "numeric" && body.moments.mean === 2.5);
    // in another window the places are free again
    few.fold(state, batchOf([at(minute, { node: "d" })]), origin);
    assert.deepEqual(labels(few.open(state)).slice(-1), ["1 node:d: 1"]);
  });

  it("goes on from its encoded state as if it had never stopped", () => {
    const limits = { ...defaultLimits, segments: 2, openWindows: 4, categories: 4 };
    const small = createProfiler({ view: testView, frames: testFrames, limits });
    fc.assert(
      fc.property(streamRows, streamRows, (before, after) => {
        const through = small.start();
        small.fold(through, batchOf(before), origin);
        const bytes = small.encodeState(through);
        const resumed = small.decodeState(bytes);
        assert.deepEqual(small.encodeState(resumed), bytes);
        assert.deepEqual(
          [resumed.watermark, resumed.lastEvent, resumed.counts],
          [through.watermark, through.lastEvent, through.counts],
        );
        const [a, b] = [through, resumed].map((state) => {
          const { closed, counts } = small.fold(state, batchOf(after), origin);
          return { closed: [...closed, ...small.flush(state)].map(encodeProfile), counts };
        });
        assert.deepEqual(a, b);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses a state of another profiler, view, spec or window", () => {
    assert.throws(() => profiler.fold({ ...profiler.start() }, batchOf([]), origin), TypeError);
    const state = profiler.start();
    profiler.fold(state, batchOf([row]), origin);
    const bytes = profiler.encodeState(state);
    const others = [
      { ...testView, name: "other" },
      { ...testView, fingerprint: "sha256:other" },
      { ...testView, window: { ...testView.window, sizeMs: 2 * minute } },
      { ...testView, fields: [...testView.fields, fieldSpec("more", "bool")] },
    ];
    for (const view of others) {
      const other = createProfiler({ view, frames: testFrames, limits: defaultLimits });
      assert.throws(() => other.decodeState(bytes), { code: "sketch.corrupt", message: /partition state/ });
    }
    assert.throws(() => profiler.decodeState(Uint8Array.of(9, ...bytes.subarray(1))), {
      code: "store.version",
      message: "partition state: version 9, this tidemark reads up to 4",
    });
  });
});

describe("a field's profile", () => {
  it("counts what counting row by row counts", () => {
    fc.assert(
      fc.property(windowRows, (rows) => {
        const [profile] = profilesOf([batchOf(rows)]);
        if (profile === undefined) return void assert.equal(rows.length, 0);
        for (const [name, field] of profile.fields) {
          assert.equal(field.rows, rows.length);
          const cells = rows.map((one) => (name === "age" ? ageOf(one) : one[name as keyof Row]));
          assert.equal(field.nulls, cells.filter((cell) => cell === null).length, name);
        }
        const xs = rows.map(({ x }) => x).filter((x) => x !== null);
        const x = fieldOf(profile, "x");
        assert(x.body.kind === "numeric");
        assert.equal(x.body.nan, xs.filter(Number.isNaN).length);
        assert.equal(x.body.positiveInfinity, xs.filter((one) => one === Number.POSITIVE_INFINITY).length);
        assert.equal(x.body.negativeInfinity, xs.filter((one) => one === Number.NEGATIVE_INFINITY).length);
        const finite = xs.filter(Number.isFinite);
        assert.equal(x.body.moments.count, finite.length);
        assert.equal(x.body.histogram.total, finite.length);
        assert.equal(x.body.moments.min, Math.min(...finite) + 0);
        assert.equal(x.body.moments.max, Math.max(...finite) + 0);
        const count = (rule: string, field: FieldProfile): number =>
          field.rules.get(rule as never)?.count ?? 0;
        assert.equal(count("null", x), x.nulls);
        assert.equal(count("nonfinite", x), xs.length - finite.length);
        assert.equal(count("limit", x), xs.filter((one) => one > 1e6).length);
        const countries = rows.map((one) => one.country).filter((one) => one !== null);
        const country = fieldOf(profile, "country");
        assert(country.body.kind === "string");
        const known = countries.filter((one) => ["US", "GB", "DE"].includes(one)).length;
        assert.deepEqual(
          [country.body.mappingHits, country.body.mappingMisses],
          [known, countries.length - known],
        );
        assert.equal(total(country.body.categories), countries.length);
        assert.equal(total(country.body.unknowns), countries.length - known);
        for (const value of new Set(countries)) {
          assert.equal(
            countOf(country.body.categories, value),
            countries.filter((one) => one === value).length,
          );
        }
        assert.equal(count("pattern", country), countries.filter((one) => !/^[A-Z]{2}$/.test(one)).length);
        assertNear(estimateDistinct(country.body.distinct), new Set(countries).size);
        const lengths = countries.map((one) => Buffer.byteLength(one));
        assert.equal(country.body.minBytes, Math.min(...lengths));
        assert.equal(country.body.maxBytes, Math.max(0, ...lengths));
        const device = fieldOf(profile, "device");
        assert(device.body.kind === "string");
        const devices = rows.map((one) => one.device).filter((one) => one !== null);
        assert.equal(device.body.mappingHits, devices.filter((one) => one === "ios").length);
        assert.deepEqual(
          new Map(entries(device.body.categories).map(({ value, count: times }) => [value, times])),
          new Map([...Map.groupBy(devices, (one) => one)].map(([value, all]) => [value, all.length])),
        );
        const ok = fieldOf(profile, "ok");
        assert(ok.body.kind === "bool");
        assert.equal(ok.body.trues, rows.filter((one) => one.ok === true).length);
        assert.equal(ok.body.falses, rows.filter((one) => one.ok === false).length);
        const ids = rows.map(({ id }) => id).filter((id) => id !== null);
        const id = fieldOf(profile, "id");
        assert(id.body.kind === "numeric");
        assertNear(estimateDistinct(id.body.distinct), new Set(ids).size);
        const vectors = rows.map(({ vector }) => vector).filter((vector) => vector !== null);
        const vector = fieldOf(profile, "vector");
        assert(vector.body.kind === "embedding");
        const good = vectors.filter((one) => one.length === 3 && one.every(Number.isFinite));
        assert.equal(vector.body.vectors, good.length);
        assert.equal(vector.body.norms.count, good.length);
        assert.equal(count("dimensions", vector), vectors.filter((one) => one.length !== 3).length);
        assert.equal(count("nonfinite", vector), vectors.filter((one) => !one.every(Number.isFinite)).length);
        const age = fieldOf(profile, "age");
        assert(age.body.kind === "numeric");
        const ages = rows.map(ageOf).filter((one) => one !== null);
        assert.equal(age.body.moments.count, ages.length);
        assert.equal(age.body.moments.max, Math.max(...ages));
      }),
      { numRuns: 80 },
    );
  });

  it("is the same for a batch of many tiles as for its rows in small ones", () => {
    const { uniform, normal } = createRandom(11);
    const rows = Array.from({ length: 9_500 }, (_, i): Row => {
      const orNull = <T>(value: T): T | null => (uniform() < 0.1 ? null : value);
      return {
        time: i * 30,
        x: orNull(uniform() < 0.01 ? Number.NaN : normal(0, 5)),
        id: orNull(BigInt(i % 900)),
        seen: orNull(i),
        country: orNull(uniform() < 0.5 ? "US" : `C${i % 700}`),
        device: orNull(i % 3 === 0 ? "ios" : "web"),
        ok: orNull(i % 4 === 0),
        vector: orNull([normal(), normal(), i % 100 === 0 ? Number.POSITIVE_INFINITY : 1]),
        node: orNull(`n${i % 5}`),
      };
    });
    const whole = profilesOf([batchOf(rows)]);
    const pieces = Array.from({ length: 95 }, (_, i) => batchOf(rows.slice(i * 100, (i + 1) * 100)));
    const split = profilesOf(pieces);
    assert.deepEqual(labels(split), labels(whole));
    assert.equal(whole.length, 5 * 6, "five windows, each whole and by five nodes");
    whole.forEach((profile, i) => {
      assertAgree(profile, split[i] as WindowProfile);
    });
    const count = (of: (row: Row) => boolean): number => rows.filter(of).length;
    const sum = (of: (field: FieldProfile) => number, name: string): number =>
      whole
        .filter(({ segment }) => segment === null)
        .reduce((all, profile) => all + of(fieldOf(profile, name)), 0);
    for (const name of ["x", "id", "seen", "country", "device", "ok", "vector"] as const)
      assert.equal(
        sum(({ nulls }) => nulls, name),
        count((row) => row[name] === null),
      );
    assert.equal(
      sum(({ rules }) => rules.get("default")?.count ?? 0, "country"),
      count(({ country }) => country !== null && country !== "US"),
    );
    const nodes = whole.filter(({ segment }) => segment?.value === "n3");
    assert.equal(
      nodes.reduce((all, { rows: own }) => all + own, 0),
      count(({ node }) => node === "n3"),
    );
  });

  it("counts a column that is absent or of a wrong type, row by row, and keeps nulls apart", () => {
    const view = featureView([fieldSpec("x", "float64"), fieldSpec("y", "float64")], {
      source: testView.source,
    });
    const times = batchOf([at(1), at(2), at(3)]).columns.get("time") as Column;
    const batch: Batch = {
      rows: 3,
      columns: new Map([
        ["time", times],
        ["x", utf8(["a", null, "b"])],
      ]),
    };
    const [profile] = profilesOf([batch], { view });
    const [x, y] = [fieldOf(profile, "x"), fieldOf(profile, "y")];
    assert.deepEqual([x.rows, x.nulls, x.rules.get("type")?.count], [3, 1, 2]);
    assert.deepEqual(x.rules.get("type")?.example, {
      value: "a (utf8)",
      position: "features-0@7",
      eventTime: 1,
    });
    assert.deepEqual([y.rows, y.nulls, y.rules.get("missing")?.count], [3, 0, 3]);
    assert.equal(y.rules.get("missing")?.example?.value, "no such column");
  });

  it("counts cells that a row format could not fit as of a wrong type, not as null", () => {
    const view = featureView([fieldSpec("x", "float64", { nullable: false })], { source: testView.source });
    const x = doubles([1, null, null, 4]);
    const column: Column = {
      ...x,
      declared: "json",
      misfits: { rows: Int32Array.of(2), example: '"12"', found: "string" },
    };
    const times = batchOf([at(1), at(2), at(3), at(4)]).columns.get("time") as Column;
    const [profile] = profilesOf(
      [
        {
          rows: 4,
          columns: new Map([
            ["time", times],
            ["x", column],
          ]),
        },
      ],
      { view },
    );
    const field = fieldOf(profile, "x");
    assert.deepEqual([field.rows, field.nulls], [4, 1]);
    assert.equal(field.rules.get("null")?.count, 1);
    assert.equal(field.rules.get("null")?.example?.eventTime, 2);
    assert.deepEqual(field.rules.get("type"), {
      count: 1,
      example: { value: '"12" (string)', position: "features-0@7", eventTime: 3 },
    });
  });
});

/** Two of 60 values share a register in every third such column; six do so in none. */
const assertNear = (estimate: number, exact: number): void =>
  assert.ok(Math.abs(estimate - exact) < 6 && estimate > 0 === exact > 0, `${estimate}, not ${exact}`);

const ageOf = ({ time, seen }: Row): number | null => (time === null || seen === null ? null : time - seen);
