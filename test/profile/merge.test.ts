import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { emptyProfile, mergeCounts, mergeFields, mergeProfiles } from "../../src/profile/merge.ts";
import type { EmbeddingBody, FieldProfile, WindowProfile } from "../../src/profile/profile.ts";
import { featureView, fieldSpec } from "../judge/samples.ts";
import { assertMomentsAgree } from "./agreement.ts";
import { batchOf, profilesOf, type Row, testFrames, testView, testWindow, wholeOf } from "./batches.ts";
import { windowRows } from "./rows.ts";

const empty = (): WindowProfile => emptyProfile(testView, testFrames, null, testWindow);
const of = (rows: readonly Row[]): WindowProfile => wholeOf(rows) ?? empty();

const row: Row = {
  time: 1_000,
  x: 1,
  id: 1n,
  seen: 0,
  country: "US",
  device: "ios",
  ok: true,
  vector: [1, 2, 3],
  node: null,
};

function fieldOf(profile: WindowProfile | undefined, name: string): FieldProfile {
  const field = profile?.fields.get(name);
  assert(field !== undefined);
  return field;
}

const vectorsOf = (profile: FieldProfile): EmbeddingBody => {
  assert(profile.body.kind === "embedding");
  return profile.body;
};

describe("mergeProfiles", () => {
  it("adds rows and late rows and spans all events", () => {
    const [a, b] = [
      of([{ ...row, time: 5_000 }]),
      of([
        { ...row, time: 2_000 },
        { ...row, time: 9_000 },
      ]),
    ];
    a.late = 2;
    b.late = 3;
    const merged = mergeProfiles(a, b);
    assert.equal(merged.rows, 3);
    assert.equal(merged.late, 5);
    assert.deepEqual([merged.firstEvent, merged.lastEvent], [2_000, 9_000]);
    assert.equal(merged.featureView, testView.name);
    assert.equal(merged.spec, testView.fingerprint);
  });

  it("refuses profiles of another view, spec, segment, window or set of fields", () => {
    const a = empty();
    const others: WindowProfile[] = [
      { ...a, featureView: "other" },
      { ...a, spec: "sha256:other" },
      { ...a, segment: { field: "node", value: "a1" } },
      { ...a, window: { start: 0, end: 120_000 } },
      { ...a, window: { start: 60_000, end: 60_000 } },
      { ...a, fields: new Map() },
      emptyProfile(featureView([fieldSpec("y", "float64")]), testFrames, null, testWindow),
      { ...a, fields: new Map([...a.fields].map(([name, field], i) => [i === 0 ? "other" : name, field])) },
    ];
    for (const other of others) assert.throws(() => mergeProfiles(a, other), { name: "AssertionError" });
  });
});

describe("a rule's example", () => {
  const withExample = (example: object | undefined): FieldProfile => {
    const field = fieldOf(of([row]), "x");
    field.rules.set("range", { count: 1, example: example as never });
    return field;
  };
  const chosen = (a: object | undefined, b: object | undefined): unknown => {
    const [one, other] = [
      mergeFields(withExample(a), withExample(b)),
      mergeFields(withExample(b), withExample(a)),
    ];
    assert.deepEqual(one.rules, other.rules, "whichever way round");
    assert.equal(one.rules.get("range")?.count, 2);
    return one.rules.get("range")?.example;
  };

  it("is the earliest, then the one with the smaller position, then the smaller value", () => {
    const early = { value: "z", position: "t-0@99", eventTime: 1 };
    const late = { value: "a", position: "t-0@1", eventTime: 2 };
    assert.deepEqual(chosen(early, late), early);
    const first = { value: "z", position: "t-0@9", eventTime: 1 };
    const tenth = { value: "a", position: "t-0@10", eventTime: 1 };
    assert.deepEqual(chosen(first, tenth), first, "9 comes before 10");
    assert.deepEqual(chosen(first, { ...first, position: "t-0@8" }), { ...first, position: "t-0@8" });
    assert.deepEqual(chosen(first, { ...first, value: "y" }), { ...first, value: "y" });
  });

  it("with a time goes before one without, and any before none", () => {
    const timed = { value: "b", eventTime: 5 };
    assert.deepEqual(chosen(timed, { value: "a" }), timed);
    assert.deepEqual(chosen({ value: "b" }, { value: "a" }), { value: "a" });
    assert.deepEqual(chosen(undefined, { value: "a" }), { value: "a" });
  });

  it("stays what it is when the other side never broke the rule", () => {
    const a = withExample({ value: "a", eventTime: 5 });
    const merged = mergeFields(fieldOf(of([row]), "x"), a);
    assert.deepEqual(merged.rules.get("range"), { count: 1, example: { value: "a", eventTime: 5 } });
  });
});

describe("fields of different kinds", () => {
  it("do not merge, whichever they are", () => {
    const fields = ["x", "country", "ok", "vector"].map((name) => fieldOf(of([row]), name));
    for (const a of fields)
      for (const b of fields)
        if (a !== b) {
          assert.throws(() => mergeFields(a, b), { name: "AssertionError" });
          assert.throws(() => mergeFields(a, { ...b, type: a.type }), { name: "AssertionError" });
        }
  });
});

describe("embeddings of different dimensions", () => {
  const view = featureView([fieldSpec("vector", "embedding")], { source: testView.source });
  const vectors = (...cells: (readonly number[])[]): FieldProfile => {
    const rows = cells.map((vector) => ({ ...row, vector }));
    const [profile] = profilesOf([batchOf(rows)], { view });
    return fieldOf(profile, "vector");
  };
  const none = (): FieldProfile => fieldOf(emptyProfile(view, testFrames, null, testWindow), "vector");

  it("keep the ones that are more, and count the others as rows of a wrong dimension", () => {
    const merged = mergeFields(vectors([1, 2], [3, 4]), vectors([1, 2, 3]));
    const turned = mergeFields(vectors([1, 2, 3]), vectors([1, 2], [3, 4]));
    for (const field of [merged, turned]) {
      const body = vectorsOf(field);
      assert.equal(body.dimensions, 2);
      assert.equal(body.vectors, 2);
      assert.deepEqual([...body.means], [2, 3]);
      assert.deepEqual([...body.m2s], [2, 2]);
      assert.equal(body.norms.count, 2);
      assert.equal(field.rules.get("dimensions")?.count, 1);
      assert.equal(field.rows, 3);
    }
  });

  it("keep the shorter of as many, whichever way round", () => {
    for (const field of [
      mergeFields(vectors([9, 9, 9]), vectors([1, 2])),
      mergeFields(vectors([1, 2]), vectors([9, 9, 9])),
    ])
      assert.equal(vectorsOf(field).dimensions, 2);
  });

  it("take theirs from the side that has any", () => {
    for (const field of [mergeFields(none(), vectors([1, 2])), mergeFields(vectors([1, 2]), none())]) {
      assert.equal(vectorsOf(field).dimensions, 2);
      assert.equal(field.rules.size, 0);
    }
    const nans = vectors([Number.NaN, 1, 2]);
    assert.equal(vectorsOf(mergeFields(nans, vectors([1, 2]))).dimensions, 2);
    assert.equal(vectorsOf(mergeFields(nans, vectors([1, 2]))).nan, 1);
  });

  it("of numbers so large that their distance is none have a mean all the same", () => {
    const { means, m2s } = vectorsOf(mergeFields(vectors([1.7e308, 1]), vectors([-1.7e308, 3])));
    assert.deepEqual([...means], [0, 2]);
    assert.deepEqual([...m2s], [Number.POSITIVE_INFINITY, 2]);
  });

  it("add to a dimensions count that is there already", () => {
    const merged = mergeFields(vectors([1, 2], [3, 4], [5]), vectors([1, 2, 3]));
    assert.equal(merged.rules.get("dimensions")?.count, 2);
    assert.equal(merged.rules.get("dimensions")?.example?.value, "[5]");
  });
});

describe("mergeCounts", () => {
  it("counts what merging whole profiles counts, and changes none of them", () => {
    fc.assert(
      fc.property(fc.array(windowRows, { minLength: 1, maxLength: 3 }), (shards) => {
        const profiles = shards.map(of);
        const before = profiles.map((profile) => JSON.stringify([...profile.fields], replacer));
        const counts = mergeCounts(profiles);
        const whole = profiles.reduce((a, b) => mergeProfiles(a, b));
        assert.deepEqual(
          profiles.map((profile) => JSON.stringify([...profile.fields], replacer)),
          before,
        );
        for (const key of ["rows", "late", "firstEvent", "lastEvent"] as const)
          assert.equal(counts[key], whole[key]);
        for (const [name, field] of whole.fields) {
          const own = fieldOf(counts, name);
          assert.deepEqual([own.type, own.rows, own.nulls], [field.type, field.rows, field.nulls]);
          assert.deepEqual(own.rules, field.rules);
          const [a, b] = [own.body, field.body];
          if (a.kind === "bool") assert.deepEqual(a, b);
          if (a.kind === "string" && b.kind === "string")
            assert.deepEqual([a.mappingHits, a.mappingMisses], [b.mappingHits, b.mappingMisses]);
          if (a.kind === "numeric" && b.kind === "numeric") assertMomentsAgree(name, a.moments, b.moments);
          if ((a.kind === "numeric" || a.kind === "embedding") && a.kind === b.kind)
            assert.deepEqual(
              [a.nan, a.positiveInfinity, a.negativeInfinity],
              [b.nan, b.positiveInfinity, b.negativeInfinity],
            );
          if (a.kind === "embedding" && b.kind === "embedding") assert.equal(a.vectors, b.vectors);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("refuses fields of two kinds", () => {
    const [a, b] = [of([row]), of([row])];
    const fields = new Map(b.fields).set("x", fieldOf(b, "ok"));
    assert.throws(() => mergeCounts([a, { ...b, fields }]), { name: "AssertionError" });
    assert.throws(() => mergeCounts([]), { name: "AssertionError" });
  });
});

const replacer = (_key: string, value: unknown): unknown => (value instanceof Map ? [...value] : value);
