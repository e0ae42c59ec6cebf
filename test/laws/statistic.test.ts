import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createJudge, type Judge } from "../../src/judge/judge.ts";
import { statistics } from "../../src/judge/table.ts";
import type { FieldSpec } from "../../src/model/feature-view.ts";
import { getOrInsert } from "../../src/model/maps.ts";
import type { Verdict } from "../../src/model/verdict.ts";
import type { FieldProfile } from "../../src/profile/profile.ts";
import { baselineOf, type Cell, profileOf, windowProfile } from "../judge/profiles.ts";
import { createRandom } from "../judge/random.ts";
import { featureView, fieldSpec } from "../judge/samples.ts";

/** What every statistic of the table owes, on fields of every kind that one of them looks at. */
interface Kind {
  readonly field: FieldSpec;
  /** A clean cell; `u` and `z` are uniform and normal draws. */
  readonly clean: (u: number, z: number) => Cell;
  /** The same cell after something broke by `strength` ≥ 0; 0 is clean. */
  readonly broken: (cell: Cell, u: number, strength: number) => Cell;
}

const countries = ["US", "US", "US", "DE", "GB", "FR", "IN"];
const share = (u: number, strength: number): boolean => u < strength / 10;

const kinds: Readonly<Record<string, Kind>> = {
  "float, moved": {
    field: fieldSpec("x", "float64", {
      finite: true,
      range: [-1e6, 1e6],
      max: 60,
      limit: 1e5,
      maxEmptyRate: 0.1,
    }),
    clean: (_, z) => 10 + 3 * z,
    broken: (cell, _, strength) => (cell as number) + 3 * strength,
  },
  "float, spread": {
    field: fieldSpec("x", "float64"),
    clean: (_, z) => 10 + 3 * z,
    broken: (cell, _, strength) => 10 + ((cell as number) - 10) * (1 + strength),
  },
  "float, frozen": {
    field: fieldSpec("x", "float64"),
    clean: (_, z) => 10 + 3 * z,
    broken: (cell, u, strength) => (share(u, strength) ? 11.5 : cell),
  },
  "string with a mapping": {
    field: fieldSpec("x", "string", {
      mapping: { values: countries, maxDefaultRate: 0.01 },
      pattern: "^[A-Z]{2}$",
      maxEmptyRate: 0.01,
    }),
    clean: (u) => countries[Math.floor(u * countries.length)] as string,
    broken: (cell, u, strength) => (share(u, strength) ? "United States" : cell),
  },
  "nullable string": {
    field: fieldSpec("x", "string", { nullable: true }),
    clean: (u) => (u < 0.02 ? null : (countries[Math.floor(u * countries.length)] as string)),
    broken: (cell, u, strength) => (share(u, strength) ? null : cell),
  },
  bool: {
    field: fieldSpec("x", "bool"),
    clean: (u) => u < 0.3,
    broken: (cell, u, strength) => share(u, strength) || cell,
  },
  embedding: {
    field: fieldSpec("x", "embedding", { dimensions: 4, finite: true }),
    clean: (u, z) => [z, u - 0.5, -z, z * u],
    broken: (cell, _, strength) => (cell as readonly number[]).map((x) => x + strength),
  },
};

/** Fields of `rows` cells, `strength` of broken; the same seed draws the same clean cells. */
function profileFor(
  { field, clean, broken }: Kind,
  rows: number,
  seed: number,
  strength: number,
): FieldProfile {
  const random = createRandom(seed);
  const cells = Array.from({ length: rows }, () => {
    const [u, z] = [random.uniform(), random.normal()];
    const cell = clean(u, z);
    return strength === 0 ? cell : broken(cell, random.uniform(), strength);
  });
  return profileOf(field, cells, { centre: 10, scale: 4 });
}

/** Made once a kind: a baseline of 30 windows. */
const judges = new Map<Kind, Judge>();

function judged(kind: Kind, current: FieldProfile): readonly Verdict[] {
  const view = featureView([kind.field]);
  const judge = getOrInsert(judges, kind, () => {
    const windows = Array.from({ length: 30 }, (_, seed) => profileFor(kind, 400, 100 + seed, 0));
    const baseline = baselineOf(
      view,
      new Map([["x", profileFor(kind, 12_000, 7, 0)]]),
      windows.map((window) => new Map([["x", window]])),
    );
    return createJudge(view, baseline);
  });
  return judge.judge(windowProfile(view, new Map([["x", current]])), { final: true, asOf: 60_000 }).verdicts;
}

const asked = new Set<string>();

for (const [name, kind] of Object.entries(kinds)) {
  describe(`statistics of a ${name} field`, () => {
    it("find nothing in the very rows of the baseline, nor in others like them", () => {
      for (const seed of [7, 8, 9, 10, 11]) {
        const verdicts = judged(kind, profileFor(kind, 1_000, seed, 0));
        for (const { statistic } of verdicts) asked.add(statistic);
        assert.deepEqual(
          verdicts.filter(({ status }) => status !== "ok"),
          [],
          `seed ${seed}`,
        );
      }
    });

    it("give finite figures, and a shift that is |observed − expected| over the unit", () => {
      for (const strength of [0, 1, 10]) {
        for (const verdict of judged(kind, profileFor(kind, 1_000, 12, strength))) {
          const { observed, expected, unit, shift, evidence } = verdict;
          for (const figure of [observed, expected, unit, shift, evidence])
            assert(Number.isFinite(figure), JSON.stringify(verdict));
          assert(unit > 0);
          assert(Math.abs(shift - Math.abs(observed - expected) / unit) < 1e-9 * Math.max(1, shift));
        }
      }
    });

    it("never shift less when more has moved, and are sure in the end", () => {
      const of = (strength: number): Map<string, Verdict> =>
        new Map(judged(kind, profileFor(kind, 2_000, 13, strength)).map((each) => [each.statistic, each]));
      const steps = [0, 2.5, 5, 10].map(of);
      const worst = steps.map((step) => Math.max(...[...step.values()].map(({ shift }) => shift)));
      for (const [index, shift] of worst.entries())
        if (index > 0) assert(shift >= (worst[index - 1] ?? 0) - 0.05, `${worst.join(" ")} at ${index}`);
      const last = [...(steps.at(-1)?.values() ?? [])];
      assert(
        last.some(({ status }) => status === "critical"),
        `nothing critical at full strength: ${JSON.stringify(last.map(({ statistic, shift }) => [statistic, shift]))}`,
      );
    });

    it("are insufficient, never ok, of too few rows", () => {
      for (const { status } of judged(kind, profileFor(kind, 20, 14, 0)))
        assert.equal(status, "insufficient");
    });

    it("judge the same profile the same way, to the bit", () => {
      const current = profileFor(kind, 500, 15, 1);
      assert.deepEqual(judged(kind, current), judged(kind, current));
    });
  });
}

describe("the table of statistics", () => {
  it("never throws on a number field, whatever numbers come", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("float, moved", "float, spread"),
        fc.array(fc.double(), { maxLength: 60 }),
        (name, cells) => {
          const kind = kinds[name] as Kind;
          judged(kind, profileOf(kind.field, cells, { centre: 10, scale: 4 }));
        },
      ),
    );
  });

  it("has a field here that asks each of them", () => {
    const silent = statistics.map(({ name }) => name).filter((name) => !asked.has(name));
    assert.deepEqual(silent, []);
  });

  it("names each once", () => {
    const names = statistics.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
  });
});
