/** A seeded source of chance: the same seed, the same test. */
export interface Random {
  /** In (0, 1). */
  uniform(): number;
  normal(mean?: number, sd?: number): number;
  /** Student's t by Bailey's polar method (1994). */
  student(freedom: number): number;
  pareto(shape: number): number;
  pick<T>(values: readonly T[], shares: readonly number[]): T;
}

export function createRandom(seed: number): Random {
  let state = seed | 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0; // mulberry32
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return {
    uniform,
    normal: (mean = 0, sd = 1) =>
      mean + sd * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    student: (freedom) =>
      Math.sqrt(freedom * (uniform() ** (-2 / freedom) - 1)) * Math.cos(2 * Math.PI * uniform()),
    pareto: (shape) => uniform() ** (-1 / shape),
    pick(values, shares) {
      let left = uniform() * shares.reduce((sum, share) => sum + share, 0);
      let at = 0;
      while (at < values.length - 1 && left >= (shares[at] as number)) left -= shares[at++] as number;
      return values[at] as (typeof values)[number];
    },
  };
}
