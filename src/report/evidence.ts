import type { FeatureView } from "../model/feature-view.ts";
import { type Example, segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";

const samplesMax = 10;

/**
 * Rows that show what is wrong with a field: the alert's own example, then what each rule has seen in the window and in its
 * segments. At most ten, no row twice.
 * @param inWindow  the profiles of one window: whole view and segments
 */
export function samplesIn(
  field: string | null,
  own: Example | undefined,
  inWindow: readonly WindowProfile[],
): readonly Example[] {
  const examples: Example[] = own === undefined ? [] : [own];
  for (const profile of inWindow) {
    const known = field === null ? undefined : profile.fields.get(field);
    for (const { example } of known?.rules.values() ?? []) if (example !== undefined) examples.push(example);
  }
  const seen = new Set<string>();
  return examples
    .filter(({ value, requestId, position }) => {
      const key = JSON.stringify([value, requestId, position]);
      return !seen.has(key) && seen.add(key).size > 0;
    })
    .slice(0, samplesMax);
}

/** `model_version:v4.1 (120 rows)`, and what the spec links the view to. */
export function modelsIn(
  inWindow: readonly WindowProfile[],
  view: Pick<FeatureView, "models"> | undefined,
): readonly string[] {
  const rows = new Map<string, number>();
  for (const { segment, rows: count } of inWindow)
    if (segment !== null && /model|version/i.test(segment.field)) rows.set(segmentKey(segment), count);
  const linked = (view?.models ?? []).map(
    ({ name, version, gitSha }) =>
      `linked: ${[name, version, gitSha].filter((part) => part !== undefined).join(" ")}`,
  );
  return [...[...rows].map(([key, count]) => `${key} (${count} rows)`), ...linked];
}
