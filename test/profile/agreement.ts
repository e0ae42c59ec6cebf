import assert from "node:assert/strict";
import { encodeFieldProfile } from "../../src/profile/codec.ts";
import type { FieldBody, FieldProfile, WindowProfile } from "../../src/profile/profile.ts";
import { categoriesSketch } from "../../src/sketch/categories-wire.ts";
import { createMoments, deviation, type Moments } from "../../src/sketch/moments.ts";

/** What rounding may make of a moment, relative to the larger of itself and the SD; denormals have no digits to keep. */
const tolerance = 1e-12;
const denormal = 2 ** -1060;

/**
 * Holds two profiles to be the same but for the rounding of sums: every count, bucket, register, category and extreme equal,
 * means and sums of squares within 1e-12.
 * @param options.bounded  categories passed their limit in another order: their bounds must not contradict each other
 * @param options.examples whether the same row must stand as a rule's example
 */
export function assertAgree(
  a: WindowProfile,
  b: WindowProfile,
  { bounded = false, examples = true }: { bounded?: boolean; examples?: boolean } = {},
): void {
  for (const key of ["featureView", "spec", "rows", "late", "firstEvent", "lastEvent"] as const)
    assert.equal(a[key], b[key], key);
  assert.deepEqual(a.segment, b.segment);
  assert.deepEqual(a.window, b.window);
  assert.deepEqual([...a.fields.keys()], [...b.fields.keys()]);
  for (const [name, field] of a.fields) {
    const other = b.fields.get(name);
    assert(other !== undefined);
    assert.deepEqual(
      encodeFieldProfile(countsOnly(field, bounded, examples)),
      encodeFieldProfile(countsOnly(other, bounded, examples)),
      `${name}: counts`,
    );
    assertFloatsAgree(name, field.body, other.body);
    if (bounded && field.body.kind === "string" && other.body.kind === "string") {
      const { agrees } = categoriesSketch(2);
      assert(agrees(field.body.categories, other.body.categories), `${name}: bounds of categories`);
      assert(agrees(field.body.unknowns, other.body.unknowns), `${name}: bounds of unknown values`);
    }
  }
}

function countsOnly(field: FieldProfile, bounded: boolean, examples: boolean): FieldProfile {
  const rules = new Map([...field.rules].map(([rule, { count, example }]) => [rule, { count, example }]));
  if (!examples) for (const count of rules.values()) count.example = undefined;
  return { ...field, rules, body: bodyCounts(field.body, bounded) };
}

function bodyCounts(body: FieldBody, bounded: boolean): FieldBody {
  switch (body.kind) {
    case "numeric":
      return { ...body, moments: extremes(body.moments) };
    case "embedding":
      return {
        ...body,
        means: new Float64Array(body.dimensions),
        m2s: new Float64Array(body.dimensions),
        norms: extremes(body.norms),
      };
    case "string": {
      if (!bounded) return body;
      const empty = categoriesSketch(2).create();
      return { ...body, categories: empty, unknowns: empty };
    }
    case "bool":
      return body;
  }
}

const extremes = ({ count, min, max }: Moments): Moments => ({ ...createMoments(), count, min, max });

function assertFloatsAgree(name: string, a: FieldBody, b: FieldBody): void {
  if (a.kind === "numeric" && b.kind === "numeric") assertMomentsAgree(name, a.moments, b.moments);
  if (a.kind !== "embedding" || b.kind !== "embedding") return;
  assertMomentsAgree(`${name}: norms`, a.norms, b.norms);
  for (let d = 0; d < a.dimensions; d++) {
    const part = (body: typeof a): Moments => ({
      ...createMoments(),
      count: body.vectors,
      mean: body.means[d] as number,
      m2: body.m2s[d] as number,
    });
    assertPlainMomentsAgree(`${name}[${d}]`, part(a), part(b));
  }
}

export function assertMomentsAgree(name: string, a: Moments, b: Moments): void {
  const scale = assertMeansAgree(name, a, b);
  const rounding = a.count * (scale * 2 ** -52) ** 2 + denormal;
  assert(
    Math.abs(a.m2 - b.m2) <= tolerance * Math.max(a.m2, b.m2) + rounding,
    `${name}: m2 ${a.m2} and ${b.m2}`,
  );
}

/**
 * Moments whose means keep no residue, as those of an embedding's dimensions. Each part that is added may round a mean by an ulp of
 * the largest value, which lies within √m2 of the mean, and the next part's distance is from there. m2 is the squared length of
 * the vector of all those distances: the length errs by no more than the length of their errors, of which a part of k rows
 * has at most k (in a balanced tree of parts: n · log₂ n / 2 in all).
 */
function assertPlainMomentsAgree(name: string, a: Moments, b: Moments): void {
  assertMeansAgree(name, a, b);
  if (a.count === 0) return;
  const [one, other] = [Math.sqrt(a.m2), Math.sqrt(b.m2)];
  const length = Math.max(one, other);
  const off = a.count * 2 ** -52 * (Math.abs(a.mean) + length);
  const bound = 2 * off * Math.sqrt(a.count * (1 + Math.log2(a.count))) + tolerance * length;
  assert(Math.abs(one - other) <= bound + Math.sqrt(denormal), `${name}: m2 ${a.m2} and ${b.m2}`);
}

/** @returns what the means are measured by */
function assertMeansAgree(name: string, a: Moments, b: Moments): number {
  assert.equal(a.count, b.count, `${name}: count`);
  const scale = Math.max(Math.abs(a.mean), deviation(a));
  const off = Math.abs(a.mean - b.mean);
  assert(off <= tolerance * scale + denormal, `${name}: means ${a.mean} and ${b.mean}`);
  return scale;
}
