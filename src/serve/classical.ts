import type { ClassicalName } from "../model/verdict.ts";
import type { Board } from "../pipeline/board.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { measureOne } from "../statistics/measure.ts";
import { pairOf } from "../statistics/pair.ts";
import { sampleOf } from "../statistics/profiled.ts";
import type { Sample } from "../statistics/sample.ts";
import { classicalStatistics } from "../statistics/table.ts";

/** Fields of a view that are compared, up to 0.3 ms each, once a window. The rest has its verdicts' statistics only. */
const fieldsMax = 200;

/** The ones that cost a pass over the buckets or less, and that need no p-value to be read. The report has all of them. */
const cheap: ReadonlySet<ClassicalName> = new Set<ClassicalName>([
  "psi",
  "kl",
  "js",
  "hellinger",
  "tv",
  "ks",
  "wassersteinNormed",
  "meanShift",
  "sdShift",
  "nullShift",
  "defaultShift",
]);
const measuredOnes = classicalStatistics.filter(({ name }) => cheap.has(name));

type Values = readonly (readonly [ClassicalName, number])[];

/** A baseline's samples stay, a window's values too until it is gone: scrapes between two windows cost nothing. */
const references = new WeakMap<FieldProfile, { readonly sample: Sample | undefined }>();
const values = new WeakMap<FieldProfile, { readonly against: FieldProfile; readonly values: Values }>();

/** Classical statistics of each field's newest closed window against its baseline. */
export function eachClassical(
  board: Board,
  visit: (labels: Record<string, string>, value: number) => void,
): void {
  for (const { view, fields, baselineFields } of board.views()) {
    for (const { name: field, type } of view.fields.slice(0, fieldsMax)) {
      const [before, now] = [baselineFields.get(field), fields.get(field)];
      if (before === undefined || now === undefined || type === "timestamp") continue;
      for (const [statistic, value] of valuesOf(before, now))
        visit({ feature_view: view.name, field, statistic }, value);
    }
  }
}

function valuesOf(before: FieldProfile, now: FieldProfile): Values {
  const known = values.get(now);
  if (known?.against === before) return known.values;
  const found = compare(before, now);
  values.set(now, { against: before, values: found });
  return found;
}

function compare(before: FieldProfile, now: FieldProfile): Values {
  const reference = references.get(before) ?? { sample: sampleOf(before) };
  references.set(before, reference);
  const current = sampleOf(now);
  if (reference.sample === undefined || current === undefined) return [];
  const pair = pairOf(reference.sample, current);
  if (pair === undefined) return [];
  return measuredOnes.flatMap((statistic) => {
    const measured = measureOne(statistic, pair);
    return measured === undefined ? [] : [[statistic.name, measured.value] as const];
  });
}
