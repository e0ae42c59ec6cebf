import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import type { Loss } from "./foreign-draft.ts";
import { limitsOf } from "./foreign-types.ts";

/** What no foreign format has a word for, of the view as a whole. */
export function viewLosses({ owner, models, source, segments }: FeatureView): Loss[] {
  const lost = (rule: string, reason: string): Loss => ({ field: null, rule, reason, line: 0 });
  const losses = [lost("window, drift, breaker", "how tidemark judges is no part of a data contract")];
  if (owner !== undefined) losses.push(lost(`owner ${owner}`, "no key for it"));
  if (models.length > 0)
    losses.push(lost(`models ${models.map(({ name }) => name).join(", ")}`, "no key for it"));
  if (segments.length > 0) losses.push(lost(`segments ${segments.join(", ")}`, "no key for it"));
  for (const key of ["topic", "eventTime", "requestId"] as const)
    if (source[key] !== undefined) losses.push(lost(`source.${key} ${source[key]}`, "no key for it"));
  return losses;
}

/** What no foreign format has a word for, of one field. */
export function fieldLosses(field: FieldSpec): Loss[] {
  const lost = (rule: string, reason: string): Loss => ({ field: field.name, rule, reason, line: 0 });
  if (field.derive !== undefined) return [lost("derive", "no column of the data: the field is left out")];
  const losses: Loss[] = [];
  if (field.finite) losses.push(lost("finite", "no rule for NaN and infinities"));
  if (field.maxEmptyRate !== undefined) losses.push(lost("maxEmptyRate", "no rule for empty values"));
  if (field.taints !== undefined) losses.push(lost("taints", "what a breach does is no part of a contract"));
  if (field.trendWarnBeforeMs !== undefined) losses.push(lost("trend", "no rule for trends"));
  if (field.limit !== undefined)
    losses.push(lost("limit", "carried as a bound; that one value opens the breaker is not"));
  if (field.redact === true) losses.push(lost("redact", "no rule for what may be shown"));
  return losses;
}

/** The narrowest of range, max and limit; an end that the type itself sets is left open. */
export function boundsOf({ type, range, max, limit }: FieldSpec): {
  readonly low: number | undefined;
  readonly high: number | undefined;
} {
  const [least, most] = limitsOf(type) ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const low = range?.[0] ?? least;
  const high = Math.min(range?.[1] ?? most, max ?? most, limit ?? most);
  return { low: low > least ? low : undefined, high: high < most ? high : undefined };
}
