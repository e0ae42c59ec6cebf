import type { FeatureView, FieldSpec, FieldType } from "../model/feature-view.ts";

/**
 * backward: what keeps the old spec keeps the new one · forward: what keeps the new one keeps the old one · full: both ·
 * breaking: neither.
 */
export type Compatibility = "full" | "backward" | "forward" | "breaking";

export interface FieldChange {
  readonly field: string;
  readonly change: string;
  readonly compatibility: Compatibility;
}

/** What changed, field by field, in the new spec's order; removed fields last. */
export function diffSpecs(before: FeatureView, after: FeatureView): readonly FieldChange[] {
  const old = new Map(before.fields.map((field) => [field.name, field]));
  const changes: FieldChange[] = [];
  for (const field of after.fields) {
    const was = old.get(field.name);
    old.delete(field.name);
    if (was === undefined) {
      changes.push({
        field: field.name,
        change: `added as ${field.type}`,
        compatibility: field.nullable ? "full" : "forward",
      });
    } else changes.push(...diffFields(was, field));
  }
  for (const { name, nullable } of old.values()) {
    changes.push({ field: name, change: "removed", compatibility: nullable ? "full" : "backward" });
  }
  return changes;
}

/** The worst of all: backward and forward together break both ways. */
export function overall(changes: readonly FieldChange[]): Compatibility {
  const keeps = (side: Compatibility): boolean =>
    changes.every(({ compatibility }) => compatibility === "full" || compatibility === side);
  if (changes.every(({ compatibility }) => compatibility === "full")) return "full";
  return keeps("backward") ? "backward" : keeps("forward") ? "forward" : "breaking";
}

function diffFields(was: FieldSpec, is: FieldSpec): FieldChange[] {
  const changes: FieldChange[] = [];
  const note = (change: string, compatibility: Compatibility): void => {
    changes.push({ field: is.name, change, compatibility });
  };
  if (was.type !== is.type) note(`type ${was.type} → ${is.type}`, typeChange(was.type, is.type));
  if (was.nullable !== is.nullable)
    note(is.nullable ? "may be null now" : "may not be null any more", is.nullable ? "backward" : "forward");
  const [before, after] = [new Set(was.mapping?.values), new Set(is.mapping?.values)];
  if (was.mapping === undefined && is.mapping !== undefined)
    note(`mapping of ${after.size} values added`, "forward");
  else if (was.mapping !== undefined && is.mapping === undefined) note("mapping removed", "backward");
  else {
    const added = [...after].filter((value) => !before.has(value));
    const removed = [...before].filter((value) => !after.has(value));
    if (added.length > 0 && removed.length > 0)
      note(`changed domain: ${listed(removed)} gone, ${listed(added)} new`, "breaking");
    else if (added.length > 0) note(`mapping knows ${listed(added)} now`, "backward");
    else if (removed.length > 0) note(`mapping no longer knows ${listed(removed)}`, "forward");
  }
  if (was.pattern !== is.pattern)
    note(`pattern ${was.pattern ?? "none"} → ${is.pattern ?? "none"}`, boundChange(was.pattern, is.pattern));
  const [low, high] = [was.range, is.range];
  if (low?.[0] !== high?.[0] || low?.[1] !== high?.[1]) {
    note(
      `range ${low === undefined ? "none" : low.join(" to ")} → ${high === undefined ? "none" : high.join(" to ")}`,
      rangeChange(low, high),
    );
  }
  if (was.finite !== is.finite)
    note(is.finite ? "must be finite now" : "may be NaN or infinite now", is.finite ? "forward" : "backward");
  if (was.dimensions !== is.dimensions)
    note(
      `dimensions ${was.dimensions ?? "any"} → ${is.dimensions ?? "any"}`,
      boundChange(was.dimensions, is.dimensions),
    );
  return changes;
}

function boundChange(was: unknown, is: unknown): Compatibility {
  if (was === undefined) return "forward";
  return is === undefined ? "backward" : "breaking";
}

function rangeChange(
  was: readonly [number, number] | undefined,
  is: readonly [number, number] | undefined,
): Compatibility {
  if (was === undefined || is === undefined) return boundChange(was, is);
  if (is[0] <= was[0] && is[1] >= was[1]) return "backward";
  return is[0] >= was[0] && is[1] <= was[1] ? "forward" : "breaking";
}

const ladders: readonly (readonly FieldType[])[] = [
  ["int8", "int16", "int32", "int64"],
  ["uint8", "uint16", "uint32", "uint64"],
  ["float32", "float64"],
];

function typeChange(was: FieldType, is: FieldType): Compatibility {
  const ladder = ladders.find((steps) => steps.includes(was) && steps.includes(is));
  if (ladder === undefined) return "breaking";
  return ladder.indexOf(is) > ladder.indexOf(was) ? "backward" : "forward";
}

function listed(values: readonly string[]): string {
  const shown = values
    .slice(0, 3)
    .map((value) => JSON.stringify(value))
    .join(", ");
  return values.length > 3 ? `${shown} and ${values.length - 3} more` : shown;
}
