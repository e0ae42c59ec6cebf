import { type CanaryVerdict, canaryDefaults, judgeCanary } from "../src/canary/canary.ts";
import type { Output } from "../src/canary/outputs.ts";
import { createRandom, type Random } from "../test/judge/random.ts";

/**
 * Error rates of the canary by simulation, as docs/canary.md prints them: `node bench/canary.ts [RUNS]`. Each row is a world
 * in which production and candidate answer the same queries; seeded, so that everybody gets the same table.
 */
interface World {
  readonly name: string;
  /** Whether a candidate like this should be let through. */
  readonly good: boolean;
  /** Outputs of production and candidate to one query. */
  answer(random: Random): readonly [production: unknown, candidate: unknown];
}

const share = (random: Random, p: number): boolean => random.uniform() < p;
const labels = ["a", "b", "c", "d", "e"];
const shares = [0.4, 0.25, 0.2, 0.1, 0.05];

/** Ten of a hundred items: by popularity, and by the taste of the one who asks. */
function ranking(random: Random, taste: number, noise: number, lean = 0): string[] {
  const scored = Array.from({ length: 100 }, (_, item) => {
    const popular = -Math.log(1 + item) + (item >= 50 ? lean : 0);
    const liked = 2 * Math.sin((taste * (item + 1) * 7919) % 6.283);
    return { item: `i${item}`, score: popular + liked + random.normal(0, noise) };
  });
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, 10)
    .map(({ item }) => item);
}

function vector(random: Random, shift: number, scale = 1): number[] {
  return Array.from({ length: 16 }, () => scale * (random.normal() + shift));
}

const worlds: readonly World[] = [
  { name: "scores, the same", good: true, answer: (r) => twice(r.normal()) },
  {
    name: "scores + noise of 0.1 SD",
    good: true,
    answer: (r) => ((x) => [x, x + r.normal(0, 0.1)])(r.normal()),
  },
  { name: "scores, drawn anew", good: true, answer: (r) => [r.normal(), r.normal()] },
  { name: "scores, drawn anew, heavy tails", good: true, answer: (r) => [r.pareto(1.5), r.pareto(1.5)] },
  { name: "labels, drawn anew", good: true, answer: (r) => [r.pick(labels, shares), r.pick(labels, shares)] },
  { name: "lists, noise in the scores", good: true, answer: (r) => pairOfRankings(r, 0.3, 0) },
  { name: "vectors of 16, drawn anew", good: true, answer: (r) => [vector(r, 0), vector(r, 0)] },
  {
    name: "object of score, label, list",
    good: true,
    answer: (r) => {
      const [ours, theirs] = pairOfRankings(r, 0.3, 0);
      const one = (items: unknown): object => ({ score: r.normal(), label: r.pick(labels, shares), items });
      return [one(ours), one(theirs)];
    },
  },
  { name: "2% fail or are empty, both", good: true, answer: (r) => [flaky(r, 0.02), flaky(r, 0.02)] },
  { name: "scores + 0.5 SD (KL .125)", good: false, answer: (r) => [r.normal(), r.normal(0.5)] },
  { name: "scores + 1 SD (KL .5)", good: false, answer: (r) => [r.normal(), r.normal(1)] },
  { name: "scores × 2", good: false, answer: (r) => [r.normal(), r.normal(0, 2)] },
  {
    name: "labels, a ↔ e (KL .73)",
    good: false,
    answer: (r) => [r.pick(labels, shares), r.pick(labels, shares.toReversed())],
  },
  { name: "lists lean to rare items", good: false, answer: (r) => pairOfRankings(r, 0.3, 2) },
  { name: "vectors + 0.25 SD each (KL .5)", good: false, answer: (r) => [vector(r, 0), vector(r, 0.25)] },
  { name: "vectors × 3", good: false, answer: (r) => ((v) => [v, v.map((x) => 3 * x)])(vector(r, 0)) },
  { name: "10% empty", good: false, answer: (r) => ((x) => [x, share(r, 0.1) ? [] : x])(r.normal()) },
  { name: "all empty", good: false, answer: (r) => [r.normal(), []] },
  { name: "1% NaN", good: false, answer: (r) => ((x) => [x, share(r, 0.01) ? "NaN" : x])(r.normal()) },
];

function twice(x: number): [number, number] {
  return [x, x];
}

function pairOfRankings(random: Random, noise: number, lean: number): [string[], string[]] {
  const taste = random.uniform();
  return [ranking(random, taste, noise), ranking(random, taste, noise, lean)];
}

function flaky(random: Random, rate: number): unknown {
  return share(random, rate) ? [] : random.normal();
}

/** @returns how many of `runs` canaries of n queries ended with each verdict */
function simulate(world: World, n: number, runs: number): Record<CanaryVerdict, number> {
  const verdicts = { promote: 0, abort: 0, inconclusive: 0 };
  for (let run = 0; run < runs; run++) {
    const random = createRandom(1_000 * n + run);
    const answers = Array.from({ length: n }, () => world.answer(random));
    const golden = answers.map((_, id) => ({ id: String(id), request: null }));
    const outputs = (side: 0 | 1): Output[] =>
      answers.map((pair, id) => ({
        id: String(id),
        status: 200,
        latencyMs: 20 + 5 * random.pareto(3),
        output: pair[side],
      }));
    verdicts[judgeCanary(golden, outputs(0), outputs(1), { ...canaryDefaults, seed: run }).verdict] += 1;
  }
  return verdicts;
}

const runs = Number(process.argv[2] ?? 500);
const sizes = [100, 300, 1_000];
console.log(`| ${runs} canaries each | queries | promote | inconclusive | abort |`);
console.log("| --- | --: | --: | --: | --: |");
for (const world of worlds) {
  for (const n of sizes) {
    const { promote, inconclusive, abort } = simulate(world, n, n === 1_000 ? Math.ceil(runs / 5) : runs);
    const all = promote + inconclusive + abort;
    const percent = (count: number): string => `${((100 * count) / all).toFixed(1)}%`;
    console.log(
      `| ${world.good ? "equal" : "**worse**"}: ${world.name} | ${n} | ${percent(promote)} | ${percent(inconclusive)} | ${percent(abort)} |`,
    );
  }
}
