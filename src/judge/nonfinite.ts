import { hardRule } from "./hard-rule.ts";
import { rateStatistic } from "./rate.ts";
import { nonFiniteOf, type Statistic, valueRows } from "./statistic.ts";

/** Two of them, one point, may open a breaker where NaN is allowed at all. */
const floor = 0.005;

const rate = rateStatistic({
  name: "nonfinite",
  floor,
  twoSided: false,
  applies: () => true,
  count: (profile) => {
    const rows = valueRows(profile);
    return { hits: Math.min(rows, nonFiniteOf(profile)), rows };
  },
  rule: "nonfinite",
  predicate: "are NaN or infinite",
});

/** NaN and infinities: of a `finite: true` field the first one is too many; elsewhere their share is a rate. */
export const nonfinite: Statistic = {
  name: "nonfinite",
  reads: "counts",
  prepare(field, reference, view) {
    if (!(field.type.startsWith("float") || field.type === "embedding")) return undefined;
    if (!field.finite) return rate.prepare(field, reference, view);
    return hardRule({
      name: "nonfinite",
      rule: "nonfinite",
      field,
      unit: floor,
      hits: ({ profile }) => Math.min(valueRows(profile), nonFiniteOf(profile)),
      rows: ({ profile }) => valueRows(profile),
      say: (hits, rows, example) => {
        if (hits === 0) return `all ${rows} values of ${field.name} are finite`;
        if (field.type !== "embedding")
          return `${hits} of ${rows} values of ${field.name} are ${example ?? "NaN or infinite"}`;
        return `${hits} of ${rows} vectors of ${field.name} hold NaN or an infinity${example === undefined ? "" : `: ${example}`}`;
      },
    });
  },
};
