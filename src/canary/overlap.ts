/** Persistence: the first ten places carry 86% of the weight. */
const persistence = 0.9;

/**
 * Rank-biased overlap of two ranked lists, extrapolated to their end: 1 for equal lists, 0 for disjoint ones.
 *
 *   rbo = Xₖ/k · pᵏ + (1 − p)/p · Σ_d X_d/d · pᵈ,   X_d = common items of the first d places, k the shorter length
 *
 * @see Webber, Moffat & Zobel, "A similarity measure for indefinite rankings" (2010), eq. 30 for lists of one length
 */
export function rankBiasedOverlap(a: readonly string[], b: readonly string[]): number {
  const depth = Math.min(a.length, b.length);
  if (depth === 0) return a.length === b.length ? 1 : 0;
  const [seenA, seenB] = [new Set<string>(), new Set<string>()];
  let [common, sum, weight] = [0, 0, 1];
  for (let d = 0; d < depth; d++) {
    const [x, y] = [a[d] as string, b[d] as string];
    if (x === y) common += seenA.has(x) ? 0 : 1;
    else common += (seenB.has(x) && !seenA.has(x) ? 1 : 0) + (seenA.has(y) && !seenB.has(y) ? 1 : 0);
    seenA.add(x);
    seenB.add(y);
    weight *= persistence;
    sum += (common / (d + 1)) * weight;
  }
  return (common / depth) * weight + ((1 - persistence) / persistence) * sum;
}
