/** ln of the tail probability that a breaker needs: once in a billion windows of one statistic. */
export const logTailMax = Math.log(1e-9);

/**
 * ln of the e-value that a p-value is worth: e = ∫₀¹ κ·p^(κ−1) dκ = (1 − p + p·ln p)/(p·ln² p), which admits a bet on
 * every κ at once. Vovk & Wang, "E-values: calibration, combination and applications" (2021).
 *
 * @param logP  ln of the tail probability, ≤ 0; below −1e9, which no data deserve, it is read as −1e9
 * @returns 0 (no evidence) for p above .16, then close to −ln p − 2·ln(−ln p); finite
 */
export function evidenceOf(logP: number): number {
  const u = Math.min(-logP, 1e9); // e = (eᵘ − 1 − u)/u²
  if (!(u > 1)) return 0;
  return Math.max(0, u + Math.log1p(-(1 + u) * Math.exp(-u)) - 2 * Math.log(u));
}

/** ln of the probability that either of two tails is as small as this one: both sides were looked at. */
export function bothSides(logP: number): number {
  return Math.min(0, logP + Math.LN2);
}
