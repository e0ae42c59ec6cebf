import { rateStatistic } from "./rate.ts";
import { valueRows } from "./statistic.ts";

/** Share of values that do not match the spec's pattern. */
export const patternRate = rateStatistic({
  name: "pattern_rate",
  floor: 0.025,
  twoSided: false,
  applies: (field) => field.pattern !== undefined,
  count: (profile) => ({ hits: profile.rules.get("pattern")?.count ?? 0, rows: valueRows(profile) }),
  rule: "pattern",
  predicate: "do not match the pattern",
});
