/**
 * Seeded random numbers by addition, multiplication and square root only, so that every engine makes the same bits
 * (`Math.log` and `Math.cos` may differ in the last place from one engine to the next).
 */
export interface Random {
  /** An integer in [0, 2^32). */
  word(): number;
  /** In [0, 1), with 32 bits. */
  unit(): number;
  /** Close to the standard normal: twelve units less six (Irwin–Hall), within ±6. */
  normal(): number;
  /** Mean 1, SD √(2 / degrees), skewed to the right: a scaled chi-square. */
  skewed(degrees: number): number;
  /** Index i with probability weights[i] / Σ weights. */
  choice(weights: readonly number[]): number;
}

/** sfc32 by Chris Doty-Humphrey (public domain): 128 bits of state, period ≥ 2^32. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, seed >>> 16, 1];
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 16; warm++) word();
  const unit = (): number => word() / 4_294_967_296;
  const normal = (): number => {
    let sum = -6;
    for (let term = 0; term < 12; term++) sum += unit();
    return sum;
  };
  return {
    word,
    unit,
    normal,
    skewed(degrees) {
      let sum = 0;
      for (let term = 0; term < degrees; term++) {
        const z = normal();
        sum += z * z;
      }
      return sum / degrees;
    },
    choice(weights) {
      let left = unit() * weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        left -= weight;
        if (left < 0) return index;
      }
      return weights.length - 1;
    },
  };
}
