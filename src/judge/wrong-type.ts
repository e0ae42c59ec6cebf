import { hardRule } from "./hard-rule.ts";
import { presentRows, type Statistic } from "./statistic.ts";

/** Rows whose value is of another type than the spec's: the first one is too many. */
export const wrongType: Statistic = {
  name: "type",
  reads: "counts",
  prepare: (field) =>
    hardRule({
      name: "type",
      rule: "type",
      field,
      unit: 0.025,
      hits: ({ profile }) => profile.rules.get("type")?.count ?? 0,
      rows: ({ profile }) => presentRows(profile),
      say: (hits, rows, example) =>
        hits === 0
          ? `${field.name} is ${field.type}`
          : `${hits} of ${rows} values of ${field.name} are not ${field.type}${example === undefined ? "" : `: ${example}`}`,
    }),
};
