import { rateStatistic } from "./rate.ts";
import { valueRows } from "./statistic.ts";

/** Share of values that are 0, "" or an empty list: the empty answers that are served as success. */
export const emptyRate = rateStatistic({
  name: "empty_rate",
  floor: 0.025,
  twoSided: false,
  applies: (field) => field.maxEmptyRate !== undefined,
  count: (profile) => ({ hits: profile.rules.get("empty")?.count ?? 0, rows: valueRows(profile) }),
  limit: (field) => field.maxEmptyRate,
  rule: "empty",
  predicate: "are empty",
});
