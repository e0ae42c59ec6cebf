import type { Baseline } from "../judge/baseline.ts";
import { percent } from "../judge/statistic.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { JudgedWindow, StatisticName, Verdict } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { type Contribution, contributionsOf } from "../report/contributions.ts";

/** Statistics of distributions: of these it is news which values they moved to. */
const ofDistributions: ReadonlySet<StatisticName> = new Set([
  "location",
  "spread",
  "shape",
  "tails",
  "frozen",
  "distinct",
  "categories",
  "new_values",
  "default_rate",
]);

/** Parts that a summary names, and the least change of one that is worth it. */
const [partsMax, changeMin] = [2, 0.001];

/** Parts that are looked through for those that grew. */
const looked = 10;

/**
 * The window with what its warnings and criticals are made of in their summaries: `…; above 130.5: 48%, was 10%`. What names a
 * value already, and fields whose values are not to be shown, stay as they are.
 */
export function withParts(
  judged: JudgedWindow,
  profile: WindowProfile,
  view: FeatureView,
  baseline: Baseline | undefined,
): JudgedWindow {
  if (baseline === undefined || !judged.verdicts.some(isNews)) return judged;
  return {
    ...judged,
    verdicts: judged.verdicts.map((verdict) => {
      const parts = isNews(verdict) ? partsOf(verdict, profile, view, baseline) : "";
      return parts === "" ? verdict : { ...verdict, summary: `${verdict.summary}; ${parts}` };
    }),
  };
}

function isNews({ status, statistic, summary }: Verdict): boolean {
  return (
    (status === "warning" || status === "critical") &&
    ofDistributions.has(statistic) &&
    !summary.includes('"')
  );
}

function partsOf(
  { field: name, statistic }: Verdict,
  { fields }: WindowProfile,
  view: FeatureView,
  baseline: Baseline,
): string {
  const field = view.fields.find((each) => each.name === name);
  if (field === undefined || field.redact === true || field.type === "embedding") return "";
  const before = baseline.fields.get(field.name)?.profile;
  const all = contributionsOf(field, before, fields.get(field.name), looked);
  const grown = all.filter(
    ({ change, unknown }) => change >= changeMin && (statistic !== "default_rate" || unknown === true),
  );
  return grown
    .slice(0, partsMax)
    .map((part) => textOf(part, field.type === "string"))
    .join(", ");
}

function textOf({ what, before, now }: Contribution, isValue: boolean): string {
  return `${isValue ? JSON.stringify(what.slice(0, 40)) : what}: ${percent(now)}, was ${percent(before)}`;
}
