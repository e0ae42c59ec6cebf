import { bothSides } from "./evidence.ts";
import { stuckShare } from "./frozen.ts";
import { type ScoreTable, scoreMoments, scoreTable } from "./scores.ts";
import { type Reading, type Seen, type Statistic, short } from "./statistic.ts";

/** One unit of ln(SD ratio): two of them are e = 2.7 times as wide, or as narrow. */
const unit = 0.5;

/** ln(SD ratio) below this says "no spread at all". */
const lowest = -4;

/** Beyond this mean score most values are out of the baseline's sight, and their scores all alike: location speaks. */
const saturatedMean = 2;

/** The λ at which the baseline's cumulant function is kept: Chernoff's bound holds for each, and the best is near one. */
const tilts: readonly number[] = [
  -512, -256, -128, -64, -32, -16, -8, -4, -2, -1, -0.7, -0.5, -0.35, -0.25, -0.18, -0.12, -0.08, -0.05,
  -0.03, -0.02, -0.01, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 1,
  1.4, 2,
];

/**
 * How widely the values are spread: ln of the SD of the normal scores over the baseline's, so that one outlier counts for
 * at most a score of 4. Evidence: Chernoff's bound on the mean squared score, from the baseline's own distribution: it
 * holds for rare and discrete values too, where a normal approximation would open breakers on clean windows.
 */
export const spread: Statistic = {
  name: "spread",
  reads: "sketches",
  prepare(field, reference) {
    if (field.type === "timestamp" || reference?.body.kind !== "numeric") return undefined;
    const table = scoreTable(reference.body.histogram);
    if (table === undefined || table.sd < 1e-6) return undefined;
    const cumulants = cumulantsOf(table, reference.body.histogram.total);
    return {
      varies: true,
      read(seen, history): Reading | undefined {
        const scores = scoreMoments(table, seen);
        if (scores === undefined || scores.count < 2 || Math.abs(scores.mean) >= saturatedMean)
          return undefined;
        if (isFrozen(seen)) return undefined;
        const variance = (scores.variance * scores.count) / (scores.count - 1);
        const ratio = variance / table.sd ** 2;
        const observed = Math.max(lowest, Math.log(ratio) / 2);
        const expected = history?.mean ?? 0;
        const nearest = Math.min(Math.max(observed, history?.low ?? expected), history?.high ?? expected);
        const error = cumulants.error / Math.sqrt(scores.count);
        const logTail = chernoff(cumulants, Math.exp(2 * (observed - nearest)), scores.count - 1);
        return {
          rows: scores.count,
          observed,
          expected,
          unit,
          error,
          z: (observed - expected) / error,
          logTail: bothSides(logTail),
          say: () =>
            `${field.name} spreads ${short(Math.exp(observed - expected))} times as widely as its baseline`,
        };
      },
    };
  },
};

interface Cumulants {
  /** ln E exp(λ·Y) for Y = (score − mean)²/variance of the baseline, by `tilts`. */
  readonly values: Float64Array;
  /** Of one row: the standard error of ln SD is this over √n. */
  readonly error: number;
}

function cumulantsOf(table: ScoreTable, total: number): Cumulants {
  const values = new Float64Array(tilts.length);
  let fourth = 0;
  for (let i = 0; i < table.score.length; i++) {
    const weight = (table.share[i + 1] as number) - (table.share[i] as number);
    const y = (((table.score[i] as number) - table.mean) / table.sd) ** 2;
    fourth += weight * y * y;
    for (let j = 0; j < tilts.length; j++) {
      values[j] = (values[j] as number) + weight * Math.exp(Math.min(700, (tilts[j] as number) * y));
    }
  }
  // What the baseline has never seen may still be rare: half a row at the far end of the scores.
  const far = 16 / table.sd ** 2;
  for (let j = 0; j < tilts.length; j++) {
    const tilt = tilts[j] as number;
    const unseen = tilt > 0 ? (0.5 / total) * Math.exp(Math.min(700, tilt * far)) : 0;
    values[j] = Math.log((values[j] as number) + unseen);
  }
  return { values, error: Math.sqrt(Math.max(fourth - 1, 0.01)) / 2 };
}

/** ln of Chernoff's bound on P(mean of n Y ≥ ratio) for ratio > 1, P(… ≤ ratio) for ratio < 1. */
function chernoff({ values }: Cumulants, ratio: number, n: number): number {
  let best = 0;
  for (let j = 0; j < tilts.length; j++) {
    const tilt = tilts[j] as number;
    if (tilt > 0 !== ratio > 1) continue;
    best = Math.min(best, (values[j] as number) - tilt * ratio);
  }
  return n * best;
}

/** One value for nearly all is the business of `frozen`. */
function isFrozen(seen: Seen): boolean {
  return stuckShare(seen) >= 0.8;
}
