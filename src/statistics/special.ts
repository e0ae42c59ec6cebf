import assert from "node:assert/strict";

/**
 * Special functions, in logarithms wherever a tail may be smaller than the smallest double. Relative error about 1e-13
 * of the value, or of its logarithm for those that return one, over the ranges that `test/statistics/special.test.ts` holds.
 */

const halfLogTwoPi = 0.918_938_533_204_672_8;
const epsilon = 2 ** -53;

/** Φ(x), the standard normal distribution function. */
export function normalCdf(x: number): number {
  return Math.exp(normalLogSf(-x));
}

/** ln(1 − Φ(x)): −20.7 at x = 6, −5e11 at x = 1e6. */
export function normalLogSf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x < 0) return Math.log1p(-Math.exp(normalLogSf(-x)));
  return logUpperGamma(0.5, (x * x) / 2) - Math.LN2;
}

/** Φ⁻¹(p), p in [0, 1]; ∓Infinity at the ends. Newton's steps on ln Φ from Abramowitz & Stegun 26.2.23. */
export function normalQuantile(p: number): number {
  assert(p >= 0 && p <= 1);
  if (p === 0.5) return 0;
  if (p > 0.5) return p === 1 ? Number.POSITIVE_INFINITY : -normalQuantile(1 - p);
  return p === 0 ? Number.NEGATIVE_INFINITY : -normalUpperQuantile(Math.log(p));
}

/** The x ≥ 0 with ln(1 − Φ(x)) = `logP`, for logP ≤ ln ½. */
function normalUpperQuantile(logP: number): number {
  const t = Math.sqrt(-2 * logP);
  let x =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let step = 0; step < 8; step++) {
    const logTail = normalLogSf(x);
    const hazard = Math.exp(-(x * x) / 2 - halfLogTwoPi - logTail);
    const delta = (logTail - logP) / hazard;
    x += delta;
    if (Math.abs(delta) <= 4 * epsilon * Math.abs(x)) break;
  }
  return x;
}

/** ln P(X ≥ k) for X ~ Binomial(n, p): exact, not an approximation. 0 for k ≤ 0. */
export function logBinomialUpperTail(k: number, n: number, p: number): number {
  assert(n >= 0 && p >= 0 && p <= 1);
  if (k <= 0 || p === 1) return k > n ? Number.NEGATIVE_INFINITY : 0;
  if (k > n || p === 0) return Number.NEGATIVE_INFINITY;
  return logIncompleteBeta(p, k, n - k + 1);
}

/** ln P(X ≤ k) for X ~ Binomial(n, p). */
export function logBinomialLowerTail(k: number, n: number, p: number): number {
  return logBinomialUpperTail(n - k, n, 1 - p);
}

/** ln I_x(a, b), the regularised incomplete beta function; a, b > 0, x in [0, 1]. */
export function logIncompleteBeta(x: number, a: number, b: number): number {
  assert(a > 0 && b > 0 && x >= 0 && x <= 1);
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === 1) return 0;
  if (x <= (a + 1) / (a + b + 2)) return logBetaFraction(x, a, b);
  return Math.log1p(-Math.exp(logBetaFraction(1 - x, b, a)));
}

/** I_x(a, b). */
export function incompleteBeta(x: number, a: number, b: number): number {
  return Math.exp(logIncompleteBeta(x, a, b));
}

/** ln Q(a, x) = ln(Γ(a, x)/Γ(a)), the upper regularised incomplete gamma function; a > 0, x ≥ 0. */
export function logUpperGamma(a: number, x: number): number {
  assert(a > 0 && x >= 0);
  if (x === 0) return 0;
  if (x === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  return x < a + 1 ? Math.log1p(-Math.exp(logGammaSeries(a, x))) : logGammaFraction(a, x);
}

/** ln P(a, x), the lower one. */
export function logLowerGamma(a: number, x: number): number {
  assert(a > 0 && x >= 0);
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return 0;
  return x < a + 1 ? logGammaSeries(a, x) : Math.log1p(-Math.exp(logGammaFraction(a, x)));
}

/** ln Γ(x), x > 0. Stirling's series from 15 up, the recurrence below. */
export function logGamma(x: number): number {
  assert(x > 0);
  let product = 1;
  let y = x;
  while (y < 15) {
    product *= y;
    y += 1;
  }
  return (y - 0.5) * Math.log(y) - y + halfLogTwoPi + stirlingSeries(y) - Math.log(product);
}

/**
 * ln of the binomial probability of k in n, for real k and n. Loader, "Fast and accurate computation of binomial
 * probabilities" (2000): no large logarithms are subtracted, so it keeps its digits at n = 1e12.
 */
function logBinomialPoint(k: number, n: number, p: number, q: number): number {
  if (k === 0) return n * Math.log1p(-p);
  if (k === n) return n * (p < 0.5 ? Math.log(p) : Math.log1p(-q));
  const deviance = devianceOf(k, n * p) + devianceOf(n - k, n * q);
  const correction = stirlingError(n) - stirlingError(k) - stirlingError(n - k);
  return correction - deviance - halfLogTwoPi - 0.5 * (Math.log(k) + Math.log1p(-k / n));
}

/** ln of xᵃe⁻ˣ/Γ(a + 1), the Poisson probability of a at mean x. */
function logPoissonPoint(a: number, x: number): number {
  return -stirlingError(a) - devianceOf(a, x) - halfLogTwoPi - 0.5 * Math.log(a);
}

/** x·ln(x/m) + m − x, without cancellation near x = m. */
function devianceOf(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = (x - m) / (x + m);
  let sum = (x - m) * v;
  let term = 2 * x * v;
  for (let j = 1; j < 1_000; j++) {
    term *= v * v;
    const next = sum + term / (2 * j + 1);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** ln Γ(n + 1) − (n + ½)·ln n + n − ½ ln 2π. */
function stirlingError(n: number): number {
  if (n >= 15) return stirlingSeries(n);
  return logGamma(n + 1) - (n + 0.5) * Math.log(n) + n - halfLogTwoPi;
}

/** 1/12n − 1/360n³ + …, below 2e-16 off from n = 15 up. */
function stirlingSeries(n: number): number {
  const r = 1 / (n * n);
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))) / n;
}

/** The continued fraction of I_x(a, b) (DLMF 8.17.22) by Lentz's method; converges fast for x ≤ (a + 1)/(a + b + 2). */
function logBetaFraction(x: number, a: number, b: number): number {
  let [c, d] = [1, 1 / (1 - ((a + b) * x) / (a + 1))];
  let fraction = d;
  for (let m = 1; m < 1_000_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) <= 2 * epsilon) break;
  }
  return logBetaFront(x, a, b) + Math.log(fraction);
}

/** ln of xᵃ(1 − x)ᵇ/(a·B(a, b)), by the binomial probability of a in a + b − 1 where that has one, else of a in a + b. */
function logBetaFront(x: number, a: number, b: number): number {
  if (b >= 1) return logBinomialPoint(a, a + b - 1, x, 1 - x) + Math.log1p(-x);
  return logBinomialPoint(a, a + b, x, 1 - x) + Math.log(b / (a + b));
}

function logGammaSeries(a: number, x: number): number {
  let [term, sum] = [1, 1];
  for (let j = 1; j < 1_000_000; j++) {
    term *= x / (a + j);
    sum += term;
    if (term <= epsilon * sum) break;
  }
  return logPoissonPoint(a, x) + Math.log(sum);
}

/** The continued fraction of Γ(a, x) (DLMF 8.9.2) by Lentz's method. */
function logGammaFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let [c, d] = [Number.MAX_VALUE, 1 / b];
  let fraction = d;
  for (let j = 1; j < 1_000_000; j++) {
    const term = -j * (j - a);
    b += 2;
    d = 1 / (term * d + b);
    c = b + term / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) <= 2 * epsilon) break;
  }
  return logPoissonPoint(a, x) + Math.log(a) + Math.log(fraction);
}
