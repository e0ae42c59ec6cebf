import { hardRule } from "./hard-rule.ts";
import { presentRows, type Statistic } from "./statistic.ts";

/**
 * Rows whose batch lacks the column. The first one is too many; of a nullable field, whose rows may leave it out one by
 * one, only a window without a single one (and with enough rows) is, and the rest counts as null.
 */
export const missing: Statistic = {
  name: "missing",
  reads: "counts",
  prepare: (field, _reference, view) =>
    hardRule({
      name: "missing",
      rule: "missing",
      field,
      unit: 0.025,
      hits: ({ profile }) => profile.rows - presentRows(profile),
      rows: ({ profile }) => profile.rows,
      breaks: (hits, rows) => !field.nullable || (hits === rows && rows >= view.window.minRows),
      say: (hits, rows) =>
        hits === 0 ? `${field.name} is there` : `${field.name} is missing in ${hits} of ${rows} rows`,
    }),
};
