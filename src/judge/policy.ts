import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { Sides } from "./signal.ts";
import type { Reading } from "./statistic.ts";

/** Statistics that rise and fall; the others are distances, which only grow. */
const signed: ReadonlySet<StatisticName> = new Set([
  "location",
  "spread",
  "true_rate",
  "null_rate",
  "default_rate",
  "empty_rate",
  "range_rate",
  "pattern_rate",
  "max_rate",
  "dimension_rate",
  "meanShift",
  "sdShift",
  "nullShift",
  "distinctShift",
  "defaultShift",
  "twoProportionZ",
]);

/** Textbooks take these from the reference's side: they fall when the values rise. */
const mirrored: ReadonlySet<StatisticName> = new Set(["welchT", "mannWhitneyU"]);

/** Whether a change is one that the field's `drift:` asks about: in its direction, and not too small to matter. */
export function matters(
  { drift: { direction = "both", ignoreBelow } }: FieldSpec,
  statistic: StatisticName,
  { observed, expected, change }: Pick<Reading, "observed" | "expected" | "change">,
): boolean {
  if (ignoreBelow !== undefined && change !== undefined && change < ignoreBelow) return false;
  if (direction === "both" || !(signed.has(statistic) || mirrored.has(statistic))) return true;
  return (direction === "up") === mirrored.has(statistic) ? observed < expected : observed > expected;
}

/** The bets that a field's direction leaves of a signal's; undefined: none. */
export function sidesOf(
  { drift: { direction = "both" } }: FieldSpec,
  { statistic, sides }: { readonly statistic: StatisticName; readonly sides: Sides },
): Sides | undefined {
  if (direction === "both" || !signed.has(statistic) || sides === direction) return sides;
  return sides === "both" ? direction : undefined;
}

/** Rows that a verdict on the field needs. */
export function minRowsOf({ drift }: FieldSpec, { window }: Pick<FeatureView, "window">): number {
  return drift.minRows ?? window.minRows;
}
