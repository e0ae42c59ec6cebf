import { rateStatistic } from "./rate.ts";
import { valueRows } from "./statistic.ts";

/** Share above `max` that a healthy place may have: the 99th percentile stays below. */
const taintedAbove = 0.01;

/**
 * Share of values above `max`. With `taints` it is a hard rule of each value of that segment field: a node is tainted
 * when, surely, more than 1 in 100 of its values are above; of the whole view it is a rate like any other.
 */
export const maxRate = rateStatistic({
  name: "max_rate",
  floor: 0.025,
  twoSided: false,
  applies: (field) => field.max !== undefined,
  count: (profile) => ({ hits: profile.rules.get("max")?.count ?? 0, rows: valueRows(profile) }),
  limit: (field, { segment }) =>
    field.taints !== undefined && segment?.field === field.taints ? taintedAbove : undefined,
  rule: "max",
  predicate: "are above the maximum",
});
