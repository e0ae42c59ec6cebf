/** A seeded stream of whole numbers in [0, n): mulberry32, so that the same outputs give the same verdict to the bit. */
export function createDice(seed: number): (n: number) => number {
  let state = seed | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/**
 * A distance between production's and the candidate's outputs over pairs of answers to the same queries.
 * @param picks    pairs, as indices; one may stand several times
 * @param swapped  byte i set: of pair i the two answers change places; undefined: none does
 */
export type Distance = (picks: Int32Array, swapped: Uint8Array | undefined) => number;

export interface Estimate {
  /** Without what sampling alone would show; ≥ 0. */
  readonly value: number;
  /** As measured, sampling noise included. */
  readonly raw: number;
  /** Bootstrap interval of `value`, `confidence` two-sided. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Chance to see so much, were the two models equal: the share of exchanges that show as much. */
  readonly pValue: number;
}

const [swapsMax, bootstrapsMax, bootstrapsMin] = [200, 1_000, 200];
/** Numbers that the rounds together may read, before there are fewer of them: about a second. */
const workMax = 5e8;

export interface EstimateOptions {
  /** Two-sided, for example 0.95. */
  readonly confidence: number;
  readonly seed: number;
  /** Numbers that one pair stands for. */
  readonly pairCost: number;
}

/**
 * A divergence measured on n outputs is never 0, however equal the models: with B bins it is about (B − 1)/n. That bias is
 * found by exchanging, at random, the two answers to a query (which changes nothing if the models are equal, whatever the
 * dependence between them), and taken off. The interval is the percentile bootstrap over queries; a bootstrap sample has
 * that bias twice, once from the sample and once from the resampling.
 *
 * @see Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 10 and 15
 */
export function estimate(
  pairs: number,
  distance: Distance,
  { confidence, seed, pairCost }: EstimateOptions,
): Estimate {
  const bootstraps = Math.round(
    Math.min(bootstrapsMax, Math.max(bootstrapsMin, workMax / Math.max(1, pairs * pairCost))),
  );
  const swaps = Math.min(swapsMax, bootstraps);
  const dice = createDice(seed);
  const picks = Int32Array.from({ length: pairs }, (_, index) => index);
  const raw = distance(picks, undefined);
  if (pairs === 0 || raw === 0) return { value: 0, raw: 0, low: 0, high: 0, confidence, pValue: 1 };
  const swapped = new Uint8Array(pairs);
  let [bias, asMuch] = [0, 1];
  for (let round = 0; round < swaps; round++) {
    for (let pair = 0; pair < pairs; pair++) swapped[pair] = dice(2);
    const exchanged = distance(picks, swapped);
    bias += exchanged / swaps;
    if (exchanged >= raw) asMuch += 1;
  }
  const replicates = new Float64Array(bootstraps);
  for (let round = 0; round < bootstraps; round++) {
    for (let pair = 0; pair < pairs; pair++) picks[pair] = dice(pairs);
    replicates[round] = distance(picks, undefined) - 2 * bias;
  }
  replicates.sort();
  const at = (share: number): number =>
    Math.max(0, replicates[Math.min(bootstraps - 1, Math.floor(share * bootstraps))] as number);
  const tail = (1 - confidence) / 2;
  const value = Math.max(0, raw - bias);
  return { value, raw, low: at(tail), high: at(1 - tail), confidence, pValue: asMuch / (swaps + 1) };
}
