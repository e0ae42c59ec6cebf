import { logBinomialUpperTail } from "../statistics/special.ts";
import { type Reading, type Statistic, short, valueRows } from "./statistic.ts";

/**
 * A hard limit of a quantity: one value above it opens the breaker. Observed: the largest value; expected: the same, or
 * the limit when it is above; unit: the limit's own size.
 */
export const limit: Statistic = {
  name: "limit",
  reads: "counts",
  prepare(field) {
    const bound = field.limit;
    if (bound === undefined) return undefined;
    const unit = Math.abs(bound) || 1;
    return {
      varies: false,
      read({ profile }): Reading | undefined {
        if (profile.body.kind !== "numeric") return undefined;
        const { moments, positiveInfinity } = profile.body;
        const above = profile.rules.get("limit");
        const hits = above?.count ?? 0;
        const rows = valueRows(profile);
        if (moments.count === 0 && hits === 0) return undefined;
        const largest = positiveInfinity > 0 && hits > 0 ? Number.MAX_VALUE : moments.max;
        const expected = hits > 0 ? bound : largest;
        const z = (largest - expected) / unit;
        return {
          rows,
          observed: largest,
          expected,
          unit,
          error: unit,
          z,
          logTail: hits === 0 ? 0 : logBinomialUpperTail(hits, Math.max(hits, rows), 5e-4),
          ...(hits === 0 ? {} : { broken: "first" as const }),
          example: above?.example,
          say: () =>
            hits === 0
              ? `${field.name} is at most ${short(largest)}, its limit is ${short(bound)}`
              : `${field.name} reached ${short(largest)}, above its limit of ${short(bound)}`,
        };
      },
    };
  },
};
