import { entries, isExact, total } from "../sketch/categories.ts";
import { normalQuantile } from "../statistics/special.ts";
import type { StatisticHistory } from "./baseline.ts";
import { percent, type Reading, type Statistic } from "./statistic.ts";

/** More values than this, or fewer rows a value, and the field is an id or free text: nothing is expected of its values. */
const valuesMax = 1_000;
const rowsPerValueMin = 20;

/** A window whose total variation is by luck alone as large as this tells nothing. */
const luckMax = 0.5;

/** 2·Φ⁻¹((1 + TV)/2) is without bound; no more than this is said. */
const shiftMax = 8;

/**
 * How far the shares of a category's values moved, as the shift of a normal mean that would look the same:
 * 2·Φ⁻¹((1 + TV)/2), where TV = ½ Σ|p − p₀| is the total variation less what luck alone makes of it in a window of n
 * rows (at most ½ Σ√(p₀(1 − p₀)/n)). Unit 1. Evidence: McDiarmid's inequality, P(TV − E TV ≥ t) ≤ exp(−2nt²), against
 * the largest TV that the baseline's windows have certainly had.
 */
export const categories: Statistic = {
  name: "categories",
  reads: "sketches",
  prepare(field, reference, view) {
    if (view.segments.includes(field.name)) return undefined; // A new version is a deployment, not drift.
    if (field.type !== "string" || reference?.body.kind !== "string") return undefined;
    const known = reference.body.categories;
    const rows = total(known);
    if (!isExact(known) || rows === 0) return undefined;
    const shares = new Map<string, number>();
    for (const { value, count } of entries(known)) shares.set(value, count / rows);
    if (shares.size > valuesMax || rows < shares.size * rowsPerValueMin) return undefined;
    const luckOf = createLuck([...shares.values()], rows);
    return {
      varies: true,
      read({ profile }, history): Reading | undefined {
        if (profile.body.kind !== "string") return undefined;
        const n = total(profile.body.categories);
        if (n === 0) return undefined;
        const luck = luckOf(n);
        if (luck > luckMax) return undefined;
        let variation = 0;
        let [most, rise] = ["", 0];
        for (const { value, count } of entries(profile.body.categories)) {
          const gain = count / n - (shares.get(value) ?? 0);
          if (gain <= 0) continue;
          variation += gain;
          if (gain > rise) [most, rise] = [value, gain];
        }
        const excess = Math.max(0, variation - luck);
        const observed = equivalentShift(excess);
        const expected = history?.mean ?? 0;
        const error = luckError(n);
        return {
          rows: n,
          observed,
          expected,
          unit: 1,
          error,
          z: (observed - expected) / error,
          change: variation,
          logTail: mcdiarmid(excess, n, history),
          say: () =>
            `${percent(Math.min(1, variation))} of ${field.name} have moved to other values` +
            (rise > 0.01 && field.redact !== true
              ? `, most to ${JSON.stringify(most.slice(0, 40))} (+${percent(rise)}, was ${percent(shares.get(most) ?? 0)})`
              : ""),
        };
      },
    };
  },
};

function equivalentShift(variation: number): number {
  return Math.min(shiftMax, 2 * normalQuantile(Math.min(1, (1 + variation) / 2)));
}

/** TV of a shift s: 2·Φ(s/2) − 1. */
function variationOf(shift: number): number {
  const s = shift / 2;
  return Math.max(0, Math.min(1, Math.tanh(0.7988 * s * (1 + 0.04417 * s * s)))); // Page (1977), 1.4e-4
}

function mcdiarmid(excess: number, n: number, history: StatisticHistory | undefined): number {
  const beyond = excess - variationOf(history?.high ?? 0);
  return beyond <= 0 ? 0 : -2 * n * beyond * beyond;
}

/** The standard error of the shift by sampling: TV's is at most ½/√n, and a shift is about 2.5 TV near 0. */
function luckError(n: number): number {
  return 1.25 / Math.sqrt(n);
}

/** Upper bound of E TV in a window of n rows that is like the baseline of m: ½ Σ min(√(pq/n), 2pq) + ½ Σ √(pq/m). */
function createLuck(shares: readonly number[], m: number): (n: number) => number {
  const variances = Float64Array.from(shares, (p) => p * (1 - p));
  const roots = variances.map(Math.sqrt);
  const sumOfRoots = roots.reduce((sum, root) => sum + root, 0);
  const ofBaseline = sumOfRoots / Math.sqrt(m);
  return (n) => {
    const scale = 1 / Math.sqrt(n);
    let sum = ofBaseline;
    for (let i = 0; i < roots.length; i++) {
      sum += Math.min((roots[i] as number) * scale, 2 * (variances[i] as number));
    }
    return sum / 2;
  };
}
