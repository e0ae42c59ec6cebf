import type { Measured } from "./classical.ts";
import { normalLogTail } from "./tails.ts";

/**
 * Pooled z of two shares, k of m against j of n: (q − p)/√(P(1 − P)(1/n + 1/m)), P the share in both together.
 * @returns undefined when all or none have it: there is no spread to divide by
 */
export function pooledZ(j: number, n: number, k: number, m: number): Measured | undefined {
  const pooled = (j + k) / (n + m);
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  if (j + k === 0 || j + k === n + m) return undefined;
  const value = (k / m - j / n) / spread;
  return { value, logP: normalLogTail(value) };
}
