import type { GoldenQuery, Output } from "../../src/canary/outputs.ts";
import { createRandom, type Random } from "../judge/random.ts";

export function goldenOf(n: number): GoldenQuery[] {
  return Array.from({ length: n }, (_, id) => ({ id: `q${id}`, request: { user: id } }));
}

/** Outputs of one model: the same seed, the same chance. */
export function outputsOf(
  n: number,
  seed: number,
  output: (random: Random, query: number) => unknown,
  change: (query: number, random: Random) => Partial<Output> = () => ({}),
): Output[] {
  const random = createRandom(seed);
  return Array.from({ length: n }, (_, id) => ({
    id: `q${id}`,
    status: 200,
    latencyMs: 20 + random.normal(),
    output: output(random, id),
    ...change(id, random),
  }));
}
