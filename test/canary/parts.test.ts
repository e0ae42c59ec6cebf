import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canaryDefaults, judgeCanary } from "../../src/canary/canary.ts";
import { centroidDistance, klOfCounts, numberDistance } from "../../src/canary/distances.ts";
import { mannWhitneyAbove } from "../../src/canary/latency.ts";
import { leavesOf } from "../../src/canary/leaves.ts";
import { parseGolden, parseOutputs } from "../../src/canary/outputs.ts";
import { rankBiasedOverlap } from "../../src/canary/overlap.ts";
import { renderHtml, renderMarkdown } from "../../src/canary/render.ts";
import { goldenOf, outputsOf } from "./support.ts";

const close = (a: number, b: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(a - b) < tolerance, `${a} ${b}`);

describe("the parts of a canary", () => {
  it("measure KL as worked by hand, 0 for equal counts, never less", () => {
    // shares with ½ added: 75.5/101, 25.5/101 against 50.5/101 each
    const [p, q] = [75.5 / 101, 25.5 / 101];
    const byHand = p * Math.log(p / 0.5) + q * Math.log(q / 0.5);
    close(klOfCounts(Float64Array.of(75, 25), Float64Array.of(50, 50)), byHand);
    const counts = fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000)), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(counts, (cells) => {
        const [a, b] = [cells.map(([x]) => x), cells.map(([, y]) => y)];
        assert.ok(klOfCounts(Float64Array.from(a), Float64Array.from(b)) >= 0);
        close(klOfCounts(Float64Array.from(a), Float64Array.from(a)), 0);
      }),
    );
  });

  it("come out the same when both answers to every query change places with themselves", () => {
    const values = Float64Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const picks = Int32Array.from({ length: 50 }, (_, i) => i);
    close(numberDistance(values, values)(picks, new Uint8Array(50).fill(1)), 0);
  });

  it("measure a centroid's shift in standard deviations: d²/2", () => {
    const ours = Array.from({ length: 2_000 }, (_, i) => [i % 2 === 0 ? 1 : -1, i % 4 < 2 ? 1 : -1]);
    const theirs = ours.map(([x = 0, y = 0]) => [x + 3, y + 4]);
    const picks = Int32Array.from({ length: 2_000 }, (_, i) => i);
    close(centroidDistance(ours, theirs)(picks, undefined), 25 / 2, 0.02);
  });

  it("know Mann and Whitney's test with ties, as worked by hand", () => {
    // U 23 of 25, mean 12.5, variance 25/12 · (11 − 12/90): z = (10.5 − ½)/4.758
    close(mannWhitneyAbove([1, 2, 3, 4, 5], [4, 5, 6, 7, 8]), 0.017_789_4, 1e-6);
    assert.equal(mannWhitneyAbove([1, 1], [1, 1]), 1);
  });

  it("overlap by rank: 1 for equal lists, 0 for disjoint ones, more for what agrees at the top", () => {
    const list = ["a", "b", "c", "d", "e"];
    close(rankBiasedOverlap(list, list), 1);
    assert.equal(rankBiasedOverlap(list, ["v", "w", "x", "y", "z"]), 0);
    // p = .9, agreement 0, 1: 1 · .81 + .1/.9 · (0 · .9 + 1 · .81)
    close(rankBiasedOverlap(["a", "b"], ["b", "a"]), 0.81 + (0.1 / 0.9) * 0.81);
    assert.ok(
      rankBiasedOverlap(list, ["a", "b", "c", "x", "y"]) > rankBiasedOverlap(list, ["x", "y", "c", "d", "e"]),
    );
  });

  it("tell lists, vectors, labels, empty and non-finite outputs apart", () => {
    const kinds = (output: unknown): object =>
      Object.fromEntries([...leavesOf(output)].map(([path, { kind }]) => [path, kind]));
    assert.deepEqual(kinds([1, 2, 3]), { "": "list" });
    assert.deepEqual(kinds([1, 2, 2]), { "": "vector" });
    assert.deepEqual(kinds([0.1, 2, 3]), { "": "vector" });
    assert.deepEqual(kinds([0.1, "NaN"]), { "": "nonfinite" });
    assert.deepEqual(kinds([{ item: "a", score: 1 }]), { "": "list" });
    assert.deepEqual(
      kinds([
        { item: "a", score: 1 },
        { item: "b", score: "NaN" },
      ]),
      { "": "nonfinite" },
    );
    assert.deepEqual(kinds([{ name: "Infinity", score: 1 }]), { "": "list" });
    assert.deepEqual(kinds({ a: { b: 1, c: "x" }, d: [], e: null, f: true }), {
      "a.b": "number",
      "a.c": "label",
      d: "empty",
      e: "empty",
      f: "label",
    });
    assert.deepEqual(kinds("NaN"), { "": "nonfinite" });
    assert.deepEqual(kinds(null), { "": "empty" });
  });

  it("name the line of a file that cannot be read", () => {
    assert.deepEqual(parseOutputs('{"id":1,"output":[NaN, -Infinity, "NaN"]}\n', "a")[0]?.output, [
      "NaN",
      "-Infinity",
      "NaN",
    ]);
    assert.deepEqual(parseOutputs('{"id":"x","output":1}\n', "a")[0]?.status, 200);
    for (const [text, says] of [
      ['{"id":"a"}\n{"id"', /^g\.jsonl:2: /],
      ['{"id":"a"}\n{"id":"a"}', /^g\.jsonl:2: id "a" stands twice/],
      ["[]", /^g\.jsonl:1: not a JSON object/],
      ["{}", /^g\.jsonl:1: no "id"/],
      ["", /no lines/],
    ] as const) {
      assert.throws(() => parseGolden(text, "g.jsonl"), { message: says });
    }
    assert.throws(() => parseOutputs('{"id":"a","latencyMs":"fast"}', "o"), {
      message: /^o:1: latencyMs "fast"/,
    });
  });

  it("show nothing of a model's as Markdown or HTML of its own", () => {
    const production = outputsOf(100, 1, () => "good");
    const candidate = outputsOf(100, 1, () => "<img src=x onerror=alert(1)>|`\n# no");
    const result = judgeCanary(goldenOf(100), production, candidate, canaryDefaults);
    assert.doesNotMatch(renderHtml(result, "0"), /<img/);
    assert.doesNotMatch(renderMarkdown(result), /\n# no/);
  });
});
