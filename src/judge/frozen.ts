import { estimateDistinct } from "../sketch/distinct.ts";
import { buckets } from "../sketch/histogram.ts";
import { logBinomialUpperTail } from "../statistics/special.ts";
import type { StatisticHistory } from "./baseline.ts";
import { percent, type Reading, type Seen, type Statistic } from "./statistic.ts";

/** Two of these: four rows in five that ought to differ do not. */
const unit = 0.4;

/** Fewer distinct values in the whole baseline, or a value this common, and repeating is what the field does. */
const distinctMin = 50;
const commonMax = 0.2;

/**
 * Values that stand still: the share of rows in the fullest bucket, as far as rows repeat a value at all. Only for
 * continuous fields. Evidence: exact binomial tail of the fullest bucket, times the number of buckets it might have been.
 */
export const frozen: Statistic = {
  name: "frozen",
  reads: "sketches",
  prepare(field, reference) {
    if (field.type === "timestamp" || reference?.body.kind !== "numeric") return undefined;
    const { histogram, distinct } = reference.body;
    const { count } = buckets(histogram);
    const common = fullestShare(count);
    if (estimateDistinct(distinct) < distinctMin || common > commonMax) return undefined;
    const choices = Math.log(count.length + 1);
    return {
      varies: true,
      read(seen, history): Reading | undefined {
        if (seen.profile.body.kind !== "numeric" || seen.profile.body.moments.count === 0) return undefined;
        const rows = seen.profile.body.moments.count;
        const observed = stuckShare(seen);
        const expected = history?.mean ?? common;
        const likely = Math.min(0.9, likelyShare(common, history));
        const error = Math.sqrt((likely * (1 - likely)) / rows);
        const hits = Math.round(observed * rows);
        const tail = hits > likely * rows ? logBinomialUpperTail(hits, rows, likely) : 0;
        return {
          rows,
          observed,
          expected,
          unit,
          error,
          z: (observed - expected) / error,
          logTail: Math.min(0, tail + choices),
          say: () =>
            `${percent(observed)} of ${field.name} are one and the same value (expected ${percent(expected)})`,
        };
      },
    };
  },
};

/** Share of rows that hold the commonest value: the fullest bucket's, never more than the share of rows that repeat one. */
export function stuckShare(seen: Seen): number {
  const { body } = seen.profile;
  if (body.kind !== "numeric" || body.moments.count === 0) return 0;
  const { count, min, max } = body.moments;
  if (min === max) return 1;
  const fullest = fullestShare(seen.buckets().count);
  if (fullest < 0.5) return fullest; // Repeats are dear to count, and nothing hangs on them here.
  return Math.min(fullest, Math.max(0, 1 - (estimateDistinct(body.distinct) - 1) / count));
}

function likelyShare(common: number, history: StatisticHistory | undefined): number {
  return Math.max(common, history?.high ?? 0, 0.02) + 0.1;
}

function fullestShare(count: Float64Array): number {
  let [total, fullest] = [0, 0];
  for (const rows of count) {
    total += rows;
    if (rows > fullest) fullest = rows;
  }
  return total === 0 ? 0 : fullest / total;
}
