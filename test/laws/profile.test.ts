import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { defaultLimits, type Limits } from "../../src/model/limits.ts";
import { segmentKey } from "../../src/model/verdict.ts";
import { decodeProfile, encodeProfile } from "../../src/profile/codec.ts";
import { emptyProfile, mergeProfiles } from "../../src/profile/merge.ts";
import type { WindowProfile } from "../../src/profile/profile.ts";
import { assertAgree } from "../profile/agreement.ts";
import {
  batchOf,
  profilesOf,
  type Row,
  testFrames,
  testView,
  testWindow,
  wholeOf,
} from "../profile/batches.ts";
import { streamRows, windowRows } from "../profile/rows.ts";

/** Where categories are counted exactly, and where they have to be dropped. */
const limitsByName: Readonly<Record<string, Limits>> = {
  "exact categories": defaultLimits,
  "bounded categories": { ...defaultLimits, categories: 3 },
};

const empty = (limits: Limits): WindowProfile =>
  emptyProfile(testView, testFrames, null, testWindow, limits.categories);

for (const [name, limits] of Object.entries(limitsByName)) {
  const bounded = limits !== defaultLimits;
  const of = (rows: readonly Row[]): WindowProfile => wholeOf(rows, limits) ?? empty(limits);
  const check = (runs: number, holds: (x: Row[], y: Row[], z: Row[]) => void): void =>
    fc.assert(
      fc.property(windowRows, windowRows, windowRows, (x, y, z) => void holds(x, y, z)),
      { numRuns: runs },
    );

  describe(`window profiles with ${name}`, () => {
    it("commute", () => {
      check(60, (x, y) => {
        const [a, b] = [of(x), of(y)];
        assertAgree(mergeProfiles(a, b), mergeProfiles(b, a), { bounded });
      });
    });

    it("associate", () => {
      check(60, (x, y, z) => {
        const [a, b, c] = [of(x), of(y), of(z)];
        const [left, right] = [mergeProfiles(mergeProfiles(a, b), c), mergeProfiles(a, mergeProfiles(b, c))];
        assertAgree(left, right, { bounded });
      });
    });

    it("have the empty profile for identity, to the bit", () => {
      check(60, (x) => {
        const a = of(x);
        assert.deepEqual(encodeProfile(mergeProfiles(a, empty(limits))), encodeProfile(a));
        assert.deepEqual(encodeProfile(mergeProfiles(empty(limits), a)), encodeProfile(a));
      });
    });

    it("of shards merge to the profile of the whole", () => {
      check(60, (x, y, z) => {
        const merged = mergeProfiles(mergeProfiles(of(x), of(y)), of(z));
        // of rows of one instant in one record, any may be a rule's example
        assertAgree(merged, of([...x, ...y, ...z]), { bounded, examples: false });
      });
    });

    it("do not see in which order rows of one window came", () => {
      check(60, (x, y) =>
        assertAgree(of([...x, ...y]), of([...y, ...x].toReversed()), { bounded, examples: false }),
      );
    });

    it("are the same for rows in one batch and in any others, windows and late rows included", () => {
      fc.assert(
        fc.property(streamRows, fc.array(fc.nat(120), { maxLength: 12 }), (rows, cuts) => {
          const whole = profilesOf([batchOf(rows)], { limits });
          const split = profilesOf(cut(rows, cuts).map(batchOf), { limits });
          assert.deepEqual(split.map(placeOf), whole.map(placeOf));
          whole.forEach((profile, i) => {
            assertAgree(profile, split[i] as WindowProfile);
          });
        }),
        { numRuns: 120 },
      );
    });

    it("come back from their bytes as they were", () => {
      check(60, (x, y) => {
        for (const profile of [of(x), mergeProfiles(of(x), of(y))]) {
          const bytes = encodeProfile(profile);
          assertAgree(decodeProfile(bytes), profile);
          assert.deepEqual(encodeProfile(decodeProfile(bytes)), bytes);
        }
      });
    });
  });
}

const placeOf = ({ window, segment, rows, late }: WindowProfile): string =>
  `${window.start} ${segmentKey(segment)} ${rows} rows, ${late} late`;

function cut<T>(rows: readonly T[], cuts: readonly number[]): T[][] {
  const places = [0, ...cuts.map((place) => Math.min(place, rows.length)).sort((a, b) => a - b), rows.length];
  return places.slice(1).map((end, i) => rows.slice(places[i], end));
}
