import { rateStatistic } from "./rate.ts";
import { valueRows } from "./statistic.ts";

/** Share of vectors of another length than the baseline's, or the spec's. */
export const dimensionRate = rateStatistic({
  name: "dimension_rate",
  floor: 0.025,
  twoSided: false,
  applies: (field) => field.type === "embedding",
  count(profile, _field, reference) {
    const rows = valueRows(profile);
    if (profile.body.kind !== "embedding") return undefined;
    const expected = reference?.body.kind === "embedding" ? reference.body.dimensions : 0;
    const other = expected > 0 && profile.body.dimensions > 0 && profile.body.dimensions !== expected;
    return { hits: other ? rows : (profile.rules.get("dimensions")?.count ?? 0), rows };
  },
  rule: "dimensions",
  predicate: "have another number of dimensions",
});
