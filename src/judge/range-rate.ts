import { rateStatistic } from "./rate.ts";
import { valueRows } from "./statistic.ts";

/** Share of values outside the spec's range. */
export const rangeRate = rateStatistic({
  name: "range_rate",
  floor: 0.025,
  twoSided: false,
  applies: (field) => field.range !== undefined,
  count: (profile) => ({ hits: profile.rules.get("range")?.count ?? 0, rows: valueRows(profile) }),
  rule: "range",
  predicate: "are out of range",
});
