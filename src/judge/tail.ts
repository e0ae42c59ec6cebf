import { normalQuantile } from "../statistics/special.ts";

/** Shares of the baseline's windows that stray further than each entry of a tail. */
const shares = [0.25, 0.1, 0.04, 0.015, 0.005, 0.002, 0.0007] as const;

/** A share is believed when so many windows show it. */
const windowsMin = 2;

/** Fewer windows do not show a tail at all. */
const seriesMin = 64;

/** What a window is worth that strays e times as far as the baseline shows, in normal SDs. */
const beyond = 2;

const scores = shares.map((share) => normalQuantile(1 - share / 2));

/**
 * How far a series' windows stray, in its own SDs: the distances that 25%, 10%, … of them exceed, as far as there are enough.
 * @returns undefined for a series that is too short
 */
export function tailOf(left: Float64Array, sd: number): readonly number[] | undefined {
  if (left.length < seriesMin || !(sd > 0)) return undefined;
  const sorted = Float64Array.from(left, (x) => Math.abs(x) / sd).sort();
  return shares
    .filter((share) => share * sorted.length >= windowsMin)
    .map((share) => sorted[Math.floor((1 - share) * sorted.length)] as number);
}

/**
 * A z that is known to stray further than normal ones, as the normal score of its distance: what one window in a hundred does is
 * worth 2.6, however many SDs that is. Never more than |z|; beyond the baseline's own tail it grows with the logarithm.
 */
export function tamed(z: number, tail: readonly number[] | undefined): number {
  if (tail === undefined || tail.length === 0) return z;
  const distance = Math.abs(z);
  let [below, score] = [0, 0];
  for (const [i, at] of tail.entries()) {
    const own = scores[i] as number;
    if (distance <= at) {
      const share = at > below ? (distance - below) / (at - below) : 0;
      return Math.sign(z) * Math.min(distance, score + share * (own - score));
    }
    [below, score] = [at, own];
  }
  return (
    Math.sign(z) * Math.min(distance, below > 0 ? score + beyond * Math.log(distance / below) : distance)
  );
}
