import { rateStatistic } from "./rate.ts";
import { presentRows } from "./statistic.ts";

/** Share of nulls. In a nullable field a row whose batch lacks the column is null too; elsewhere that is `missing`. */
export const nullRate = rateStatistic({
  name: "null_rate",
  floor: 0.05,
  twoSided: true,
  applies: (_field, reference) => reference !== undefined,
  count(profile, { nullable }) {
    const present = presentRows(profile);
    return nullable
      ? { hits: profile.nulls + profile.rows - present, rows: profile.rows }
      : { hits: profile.nulls, rows: present };
  },
  rule: "null",
  predicate: "are null",
});
