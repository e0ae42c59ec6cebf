import type { ClassicalStatistic } from "../statistics/classical.ts";
import { fits } from "../statistics/measure.ts";
import { classicalStatistics } from "../statistics/table.ts";
import { type Finding, show } from "./explain.ts";
import type { SpecField } from "./schema.ts";

/** A field's `drift.statistic` with its line: whether the three keys go together, and with the field's type. */
export function checkStatistic(name: string, { drift, type }: SpecField): Finding[] {
  if (drift === undefined) return [];
  const path = ["fields", name, "drift"];
  const { threshold, pValue } = drift;
  const lines = (["threshold", "pValue"] as const).filter((key) => drift[key] !== undefined);
  const statistic = classicalStatistics.find((each) => each.name === drift.statistic);
  if (statistic === undefined) {
    return lines.map((key) => ({
      path: [...path, key],
      of: "key",
      code: "reference",
      message: "no statistic that it is a line of",
      hint: "name one: statistic: psi (docs/statistics.md has them)",
    }));
  }
  const kind = kindOf(type);
  if (kind === undefined || !fits(statistic, kind) || isBeyondSketches(statistic, kind)) {
    const usable = classicalStatistics.filter(
      (each) => kind !== undefined && fits(each, kind) && !isBeyondSketches(each, kind),
    );
    return [
      {
        path: [...path, "statistic"],
        code: "bad-value",
        message: `${show(statistic.name)} is not for type ${type}`,
        hint:
          usable.length === 0
            ? "numbers, bools and strings have classical statistics"
            : `${type} goes with ${usable.map((each) => each.name).join(", ")}`,
      },
    ];
  }
  if (lines.length === 0) {
    const message = `no ${linesOf(statistic).join(" and no ")}`;
    return [{ path, of: "key", code: "missing-key", message, hint: exampleOf(statistic) }];
  }
  if (threshold !== undefined && pValue !== undefined)
    return [
      {
        path,
        of: "key",
        code: "bad-value",
        message: "both threshold and pValue",
        hint: "keep one of the two",
      },
    ];
  return lines
    .filter((key) => !linesOf(statistic).includes(key))
    .map((key) => ({
      path: [...path, key],
      of: "key",
      code: "bad-value",
      message:
        key === "pValue"
          ? `${statistic.name} has no p-value`
          : `the value of ${statistic.name} depends on the number of rows`,
      hint: exampleOf(statistic),
    }));
}

function kindOf(type: SpecField["type"]): "numeric" | "categorical" | undefined {
  if (type === "string" || type === "category" || type === "bool") return "categorical";
  return type === "timestamp" || type === "embedding" ? undefined : "numeric"; // time always moves on
}

/** A window keeps no number's own count, so how many distinct ones there would be in fewer rows is not known. */
function isBeyondSketches({ name }: ClassicalStatistic, kind: "numeric" | "categorical"): boolean {
  return name === "distinctShift" && kind === "numeric";
}

function linesOf({ compares, pValue }: ClassicalStatistic): readonly ("threshold" | "pValue")[] {
  return [
    ...(compares === "none" ? [] : (["threshold"] as const)),
    ...(pValue === undefined ? [] : (["pValue"] as const)),
  ];
}

function exampleOf(statistic: ClassicalStatistic): string {
  const line = statistic.compares === "none" ? "pValue: 1e-6" : "threshold: 0.2";
  return `such as drift: { statistic: ${statistic.name}, ${line} }`;
}
