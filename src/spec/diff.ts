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
  /** Whether data that keep the new spec keep the old one: what a rollback of the reader needs. */
  readonly rollback: boolean;
}

/** What a difference of two specs means for rolling forward and back. */
export interface SpecDiff {
  readonly featureView: string;
  readonly from: number;
  readonly to: number;
  readonly compatibility: Compatibility;
  readonly changes: readonly FieldChange[];
  readonly rollback: Move;
  readonly rollForward: Move;
}

export interface Move {
  readonly possible: boolean;
  /** `v4 → v3 is not possible: user_location changed domain…` */
  readonly reason: string;
}

export function compareSpecs(before: FeatureView, after: FeatureView): SpecDiff {
  const changes = diffSpecs(before, after);
  const move = (from: number, to: number, keeps: Compatibility): Move => {
    const name = from === to ? `the move between the two of v${to}` : `v${from} → v${to}`;
    const against = changes.filter(
      ({ compatibility }) => compatibility !== "full" && compatibility !== keeps,
    );
    const [first] = against;
    if (first === undefined) return { possible: true, reason: `${name} is possible` };
    const more = against.length > 1 ? `, and ${against.length - 1} more` : "";
    return { possible: false, reason: `${name} is not possible: ${first.field} ${first.change}${more}` };
  };
  return {
    featureView: after.name,
    from: before.version,
    to: after.version,
    compatibility: overall(changes),
    changes,
    rollback: move(after.version, before.version, "forward"),
    rollForward: move(before.version, after.version, "backward"),
  };
}

/** What changed, field by field, in the new spec's order; removed fields last. */
export function diffSpecs(before: FeatureView, after: FeatureView): readonly FieldChange[] {
  return diffViews(before, after).map((change) => ({
    ...change,
    rollback: change.compatibility === "full" || change.compatibility === "forward",
  }));
}

type Change = Omit<FieldChange, "rollback">;

function diffViews(before: FeatureView, after: FeatureView): readonly Change[] {
  const old = new Map(before.fields.map((field) => [field.name, field]));
  const changes: Change[] = [];
  const { eventTime } = before.source;
  if (eventTime !== after.source.eventTime) {
    const change = `event time ${eventTime ?? "of the record"} → ${after.source.eventTime ?? "of the record"}`;
    changes.push({ field: "source", change, compatibility: boundChange(eventTime, after.source.eventTime) });
  }
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

function diffFields(was: FieldSpec, is: FieldSpec): Change[] {
  const changes: Change[] = [];
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
  const [start, end] = [derivation(was), derivation(is)];
  if (start !== end) note(`derived from ${start} → ${end}`, "breaking");
  const [most, now] = [was.limit, is.limit];
  if (most !== now) note(`limit ${most ?? "none"} → ${now ?? "none"}`, limitChange(most, now));
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

function derivation({ derive }: FieldSpec): string {
  return derive === undefined ? "a column" : `${derive.to} − ${derive.from}`;
}

function limitChange(was: number | undefined, is: number | undefined): Compatibility {
  if (was === undefined || is === undefined) return boundChange(was, is);
  return is > was ? "backward" : "forward";
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
