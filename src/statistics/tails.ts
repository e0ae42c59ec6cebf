import assert from "node:assert/strict";
import { logIncompleteBeta, logUpperGamma, normalLogSf } from "./special.ts";

/** ln of the probability that a standard normal is as far from 0 as z, to either side. */
export function normalLogTail(z: number): number {
  return Math.min(0, normalLogSf(Math.abs(z)) + Math.LN2);
}

/** ln P(|T| ≥ |t|), T of Student's distribution with `dof` > 0 degrees of freedom. */
export function studentLogTail(t: number, dof: number): number {
  const square = t * t;
  return logIncompleteBeta(dof / (dof + square), dof / 2, 0.5);
}

/** ln P(X ≥ x), X chi-square with `dof` > 0 degrees of freedom. */
export function chiSquareLogTail(x: number, dof: number): number {
  return logUpperGamma(dof / 2, Math.max(0, x) / 2);
}

/**
 * ln P(K ≥ x) of Kolmogorov's distribution: 2 Σ (−1)^(k−1) e^(−2k²x²), and its theta transform where that converges slowly.
 * Kolmogorov, "Sulla determinazione empirica di una legge di distribuzione" (1933); DLMF 20.7.32.
 */
export function kolmogorovLogTail(x: number): number {
  if (x <= 0) return 0;
  if (x < 1) {
    let below = 0;
    for (let k = 1; k <= 15; k += 2) below += Math.exp(-((k * Math.PI) ** 2) / (8 * x * x));
    return Math.log1p((-Math.sqrt(2 * Math.PI) * below) / x);
  }
  let rest = 0; // relative to the first term
  for (let k = 2; k <= 6; k++) rest += (k % 2 === 0 ? -1 : 1) * Math.exp(-2 * (k * k - 1) * x * x);
  return Math.min(0, Math.LN2 - 2 * x * x + Math.log1p(rest));
}

/** Points of the trapezoid rule on half a period: the integrand is smooth and even there, so errors fall exponentially. */
const [pointsMin, pointsMax] = [64, 4_096];

/**
 * ln P(W ≥ x) of the limit of Cramér–von Mises' W², by Smirnov's alternating series of integrals (1936),
 *
 *   P = (2/π) Σₖ (−1)^(k−1) ∫ e^(−xt²/2) / √(t·|sin t|) dt,   t from (2k − 1)π to 2kπ,
 *
 * with t = (2k − ½)π − ½π·cos θ, which takes the singular ends away. Positive tails keep their digits where 1 − P loses them.
 */
export function cramerVonMisesLogTail(x: number): number {
  assert(Number.isFinite(x));
  if (x < 0.003) return 0; // P > 1 − 1e-17
  const scale = (x * Math.PI * Math.PI) / 2;
  // A large x leaves a bell of width 1/√x at the start.
  const points = Math.min(pointsMax, Math.max(pointsMin, Math.ceil(64 * Math.sqrt(x / 10))));
  let sum = 0;
  for (let k = 1; k < 100; k++) {
    const start = (2 * k - 1) * Math.PI;
    if ((x * start * start) / 2 - scale > 45) break;
    sum += (k % 2 === 1 ? 1 : -1) * smirnovIntegral(start, x, scale, points);
  }
  return Math.min(0, Math.log((2 / Math.PI) * sum) - scale);
}

/** e^scale times the integral over [start, start + π]. */
function smirnovIntegral(start: number, x: number, scale: number, points: number): number {
  let sum = 0;
  for (let i = 1; i < points; i++) {
    const theta = (i / points) * Math.PI;
    const fromStart = (Math.PI / 2) * (1 - Math.cos(theta));
    const t = start + fromStart;
    const weight = ((Math.PI / 2) * Math.sin(theta)) / Math.sqrt(t * Math.abs(Math.sin(fromStart)));
    sum += Math.exp(scale - (x * t * t) / 2) * weight;
  }
  // Both vanish at the ends: ½π·sin θ / √|sin| tends to √π there. The rule counts each end half.
  const atEnd = (t: number): number =>
    Math.exp(scale - (x * t * t) / 2) * (Math.sqrt(Math.PI) / Math.sqrt(t));
  return ((sum + (atEnd(start) + atEnd(start + Math.PI)) / 2) * Math.PI) / points;
}
