import type { FeatureView } from "../model/feature-view.ts";
import { type LinkField, linkFields, splitShard } from "../model/link-fields.ts";
import { getOrInsert } from "../model/maps.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { entries } from "../sketch/categories.ts";

/** Which versions the rows of a window say that they belong to, most rows first. */
export interface Rollout {
  /** `model_git_sha`, `model_weights` or `feature_view_version`. */
  readonly column: string;
  /** Whether there is more than one: a rolling update that is under way, or was botched. */
  readonly split: boolean;
  readonly versions: readonly RolledOut[];
}

export interface RolledOut {
  readonly version: string;
  /** Whether the spec links it. */
  readonly linked: boolean;
  readonly rows: number;
  /** Where it was seen, ascending; empty for linked ones, whose shards are not counted. */
  readonly shards: readonly string[];
}

/** One for each thing that the rows of a window say of their model. @param fields  of one window's profile */
export function rolloutsOf(view: FeatureView, fields: ReadonlyMap<string, FieldProfile>): readonly Rollout[] {
  return linkFields(view).flatMap((link): Rollout[] => {
    const seen = fields.get(link.field.name);
    const versions = seen === undefined ? [] : versionsOf(link, seen);
    return versions.length === 0 ? [] : [{ column: link.column, split: versions.length > 1, versions }];
  });
}

export function versionsOf({ linked }: LinkField, { body }: FieldProfile): readonly RolledOut[] {
  if (body.kind !== "string") return [];
  const known = entries(body.categories)
    .filter(({ value }) => linked.includes(value))
    .map(({ value, count }): RolledOut => ({ version: value, linked: true, rows: count, shards: [] }));
  const others = new Map<string, { rows: number; shards: Set<string> }>();
  for (const { value: text, count } of entries(body.unknowns)) {
    const { value, shard } = splitShard(text);
    const version = getOrInsert(others, value, () => ({ rows: 0, shards: new Set() }));
    version.rows += count;
    version.shards.add(shard);
  }
  for (const [version, { rows, shards }] of others)
    known.push({ version, linked: false, rows, shards: [...shards].sort() });
  return known.sort((a, b) => b.rows - a.rows);
}
