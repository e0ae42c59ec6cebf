import type { FieldSpec } from "../model/feature-view.ts";
import type { StatisticName } from "../model/verdict.ts";
import type { FieldProfile, RuleName } from "../profile/profile.ts";
import { sidesOf } from "./policy.ts";
import type { Signal } from "./signal.ts";
import { embeddingSignals } from "./signals-embedding.ts";
import { numericSignals } from "./signals-numeric.ts";
import { textSignals } from "./signals-text.ts";
import { nonFiniteOf, percent, presentRows, short, valueRows } from "./statistic.ts";

interface Rate {
  readonly statistic: StatisticName;
  readonly weight: number;
  readonly sides: Signal["sides"];
  readonly unit: number;
  readonly predicate: string;
  readonly count: (profile: FieldProfile, field: FieldSpec) => readonly [hits: number, rows: number];
}

const broken =
  (rule: RuleName) =>
  (profile: FieldProfile): readonly [number, number] => [
    profile.rules.get(rule)?.count ?? 0,
    valueRows(profile),
  ];

function misses({ body }: FieldProfile): readonly [number, number] {
  return body.kind === "string" ? [body.mappingMisses, body.mappingHits + body.mappingMisses] : [0, 0];
}

function nulls(profile: FieldProfile, { nullable }: FieldSpec): readonly [number, number] {
  const present = presentRows(profile);
  return nullable ? [profile.nulls + profile.rows - present, profile.rows] : [profile.nulls, present];
}

function nonFinite(profile: FieldProfile): readonly [number, number] {
  const rows = valueRows(profile);
  return [Math.min(rows, nonFiniteOf(profile)), rows];
}

function trues({ body }: FieldProfile): readonly [number, number] {
  return body.kind === "bool" ? [body.trues, body.trues + body.falses] : [0, 0];
}

/** Rates that the breaker layer reads off every window: the same counts, followed from window to window. */
const rates: readonly Rate[] = [
  {
    statistic: "default_rate",
    weight: 3,
    sides: "up",
    unit: 0.025,
    predicate: "are outside the mapping",
    count: misses,
  },
  { statistic: "null_rate", weight: 2, sides: "both", unit: 0.05, predicate: "are null", count: nulls },
  {
    statistic: "nonfinite",
    weight: 2,
    sides: "up",
    unit: 0.005,
    predicate: "are NaN or infinite",
    count: nonFinite,
  },
  {
    statistic: "empty_rate",
    weight: 2,
    sides: "up",
    unit: 0.025,
    predicate: "are empty",
    count: broken("empty"),
  },
  {
    statistic: "range_rate",
    weight: 2,
    sides: "up",
    unit: 0.025,
    predicate: "are out of range",
    count: broken("range"),
  },
  {
    statistic: "pattern_rate",
    weight: 2,
    sides: "up",
    unit: 0.025,
    predicate: "do not match the pattern",
    count: broken("pattern"),
  },
  {
    statistic: "max_rate",
    weight: 2,
    sides: "up",
    unit: 0.025,
    predicate: "are above the maximum",
    count: broken("max"),
  },
  { statistic: "true_rate", weight: 4, sides: "both", unit: 0.1, predicate: "are true", count: trues },
];

/**
 * The signals of a field, in a fixed order: the shares of rows that break something, then what its kind of values shows.
 * @param reference      the baseline's profile; without one there is nothing to compare values with, only rates and means
 * @param rowsPerWindow  of the baseline: finer questions are asked of larger windows
 */
export function signalsFor(
  field: FieldSpec,
  reference: FieldProfile | undefined,
  rowsPerWindow: number,
): readonly Signal[] {
  if (field.type === "timestamp") return [];
  const signals = rates
    .filter((rate) => applies(rate.statistic, field))
    .map((rate) => rateSignal(field, rate));
  if (reference === undefined) return asked(field, [...signals, ...learntSignals(field)]);
  return asked(field, [
    ...signals,
    ...numericSignals(field.name, reference, rowsPerWindow),
    ...textSignals(field.name, reference, rowsPerWindow),
    ...embeddingSignals(field.name, reference),
  ]);
}

/** Those that can say what the field's `direction` asks. */
function asked(field: FieldSpec, signals: readonly Signal[]): readonly Signal[] {
  return signals.flatMap((signal) => {
    const sides = sidesOf(field, signal);
    return sides === undefined ? [] : [{ ...signal, sides }];
  });
}

/** Whether rows can be hits at all; what one row decides, the breaker decides. */
function applies(statistic: StatisticName, field: FieldSpec): boolean {
  switch (statistic) {
    case "default_rate":
      return field.mapping !== undefined;
    case "nonfinite":
      return !field.finite && (field.type.startsWith("float") || field.type === "embedding");
    case "empty_rate":
      return field.maxEmptyRate !== undefined;
    case "range_rate":
      return field.range !== undefined;
    case "pattern_rate":
      return field.pattern !== undefined;
    case "max_rate":
      return field.max !== undefined;
    case "true_rate":
      return field.type === "bool";
    default:
      return true;
  }
}

function rateSignal(field: FieldSpec, { statistic, weight, sides, unit, predicate, count }: Rate): Signal {
  return {
    name: statistic,
    statistic,
    weight,
    kind: "count",
    sides,
    unit,
    scale: 1,
    read({ profile }) {
      const [hits, rows] = count(profile, field);
      return rows === 0 ? undefined : { value: Math.min(1, hits / rows), error: 0, rows };
    },
    say: (observed, expected) =>
      `${percent(observed)} of ${field.name} ${predicate}, ${percent(expected)} are usual`,
  };
}

/** Without a baseline: the mean of numbers, as far as it can be learnt from windows alone. */
function learntSignals({ name, type }: FieldSpec): readonly Signal[] {
  if (type === "bool" || type === "string" || type === "embedding") return [];
  return [
    {
      name: "location",
      statistic: "location",
      weight: 4,
      kind: "number",
      sides: "both",
      unit: 1,
      scale: 1,
      read({ profile: { body } }) {
        if (body.kind !== "numeric" || body.moments.count < 2) return undefined;
        const { count, mean, m2 } = body.moments;
        return { value: mean, error: Math.sqrt(m2 / (count - 1) / count), rows: count };
      },
      say: (observed, expected) => `the mean of ${name} is ${short(observed)}, ${short(expected)} is usual`,
    },
  ];
}
