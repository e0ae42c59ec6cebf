import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { defaultLimits } from "../../src/model/limits.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import { encodeProfile, writeProfile } from "../../src/profile/codec.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { createProfiler } from "../../src/profile/profiler.ts";
import { decodeSaved } from "../../src/profile/saved-state.ts";
import { seal } from "../../src/sketch/wire.ts";
import { minute } from "../judge/samples.ts";
import { batchOf, origin, type Row, testFrames, testView } from "./batches.ts";
import { streamRows } from "./rows.ts";

const { latenessMs } = testView.window;
const reviseMs = 2 * minute;
const profiler = createProfiler({ view: testView, frames: testFrames, limits: defaultLimits, reviseMs });

const row: Row = {
  ...{ time: 0, x: 1, id: 1n, seen: 0, country: "US", device: "ios", ok: true },
  ...{ vector: [1, 2, 3], node: null },
};
const at = (time: number, own: Partial<Row> = {}): Row => ({ ...row, time, ...own });
const label = ({ window, segment, rows }: WindowProfile): string =>
  `${window.start / minute}${segment === null ? "" : ` ${segmentKey(segment)}`}: ${rows}`;

describe("a window that has closed", () => {
  it("is told again with the rows that came late, when the next one closes and when its time is over", () => {
    const state = profiler.start();
    const told = (...times: number[]): string[] =>
      profiler.fold(state, batchOf(times.map((time) => at(time))), origin).closed.map(label);
    assert.deepEqual(told(0, 90_000), ["0: 1"]);
    assert.deepEqual(told(1_000, 2_000), []);
    assert.deepEqual(told(120_000, 150_000), ["0: 3", "1: 1"]);
    assert.deepEqual(told(3_000), []);
    assert.deepEqual(told(209_999), []);
    assert.deepEqual(told(210_000), ["0: 4", "2: 2"]);
    assert.deepEqual(told(4_000), [], "its two minutes are over");
    assert.deepEqual(profiler.flush(state).map(label), ["3: 2"]);
    assert.deepEqual(state.counts, { read: 10, profiled: 6, late: 4, rejected: 0, deadLettered: 0 });
  });

  it("is told of for the first time when all its rows are late", () => {
    const state = profiler.start();
    const closed = profiler.fold(state, batchOf([at(0), at(200_000), at(70_000)]), origin).closed;
    assert.deepEqual(closed.map(label), ["0: 1", "1: 1"]);
  });

  it("was not kept by tidemarks before this one, whose states are read", () => {
    const state = profiler.start();
    profiler.fold(state, batchOf([at(0), at(70_000)]), origin);
    const { lastEvent, late, counts, profiles } = decodeSaved(profiler.encodeState(state));
    const older = seal(3, (writer) => {
      writer.float(lastEvent);
      writer.count(late);
      for (const count of [counts.read, counts.profiled, 0, 0, 0]) writer.count(count);
      writer.count(profiles.length);
      for (const { profile } of profiles) writeProfile(writer, profile);
    });
    const again = profiler.decodeState(older);
    assert.deepEqual(again.counts, state.counts);
    assert.deepEqual(profiler.open(again).map(encodeProfile), profiler.open(state).map(encodeProfile));
  });

  it("is no open window, and its segments are told as far as they have changed", () => {
    const state = profiler.start();
    const rows = [at(0, { node: "a1" }), at(0, { node: "a2" }), at(90_000)];
    profiler.fold(state, batchOf(rows), origin);
    profiler.fold(state, batchOf([at(0, { node: "a2" })]), origin);
    assert.deepEqual(profiler.open(state).map(label), ["1: 1"]);
    assert.deepEqual(profiler.flush(state).map(label), ["0: 3", "0 node:a2: 2", "1: 1"]);
  });

  it("has in the end every row that was not later than it may be, and leaves alone what it has told", () => {
    fc.assert(
      fc.property(streamRows, fc.integer({ min: 1, max: 40 }), (rows, size) => {
        const expected = new Map<number, number>();
        let last = Number.NEGATIVE_INFINITY;
        for (const { time } of rows) {
          if (time === null) continue;
          const start = Math.floor(time / minute) * minute;
          if (start + minute + reviseMs > last - latenessMs)
            expected.set(start, (expected.get(start) ?? 0) + 1);
          last = Math.max(last, time);
        }
        let state = profiler.start();
        const told: { readonly profile: WindowProfile; readonly bytes: Uint8Array }[] = [];
        const take = (profiles: readonly WindowProfile[]): void => {
          for (const profile of profiles) told.push({ profile, bytes: encodeProfile(profile) });
        };
        for (let from = 0; from < rows.length; from += size) {
          take(profiler.fold(state, batchOf(rows.slice(from, from + size)), origin).closed);
          state = profiler.decodeState(profiler.encodeState(state));
        }
        take(profiler.flush(state));
        const found = new Map<number, number>();
        for (const { profile, bytes } of told) {
          assert.deepEqual(encodeProfile(profile), bytes);
          if (profile.segment === null) found.set(profile.window.start, profile.rows);
        }
        assert.deepEqual([...found].sort(), [...expected].sort());
      }),
    );
  });
});
