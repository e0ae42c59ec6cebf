import type { FeatureView } from "../model/feature-view.ts";
import { type LinkField, linkFields, splitShard } from "../model/link-fields.ts";
import { getOrInsert } from "../model/maps.ts";
import type { Verdict } from "../model/verdict.ts";
import type { FieldProfile, WindowProfile } from "../profile/profile.ts";
import { entries } from "../sketch/categories.ts";

/** Versions and shards that a summary names. */
const [versionsShown, shardsShown] = [5, 8];

/**
 * Feature view and model are atomically linked: events that belong to another view version, model commit or weights than
 * the spec links are a hard rule broken, by the first of them. The summary names every version with its rows and shards.
 */
export function judgeLinks(view: FeatureView, profile: WindowProfile): readonly Verdict[] {
  return linkFields(view).flatMap((link): Verdict[] => {
    const seen = profile.fields.get(link.field.name);
    if (seen?.body.kind !== "string") return [];
    const { mappingHits, mappingMisses } = seen.body;
    const rows = mappingHits + mappingMisses;
    if (rows === 0) return [];
    const share = mappingMisses / rows;
    const example = seen.rules.get("default")?.example;
    const parted = mappingMisses > 0;
    return [
      {
        field: link.column,
        statistic: "fingerprint",
        status: parted ? "critical" : "ok",
        hard: parted,
        rows,
        observed: share,
        expected: 0,
        unit: 1,
        shift: share,
        evidence: 0,
        ...(parted ? { decidedAt: example?.eventTime ?? profile.firstEvent } : {}),
        summary: parted
          ? summaryOf(link, seen)
          : `all ${rows} rows are of ${link.column} ${link.linked.join(", ")}`,
        ...(example === undefined || !parted
          ? {}
          : { example: { ...example, value: splitShard(example.value).value } }),
      },
    ];
  });
}

function summaryOf({ column, linked }: LinkField, { body }: FieldProfile): string {
  if (body.kind !== "string") return "";
  const versions = new Map<string, { rows: number; shards: Set<string> }>();
  for (const { value: text, count } of entries(body.unknowns)) {
    const { value, shard } = splitShard(text);
    const version = getOrInsert(versions, value, () => ({ rows: 0, shards: new Set() }));
    version.rows += count;
    version.shards.add(shard);
  }
  const others = [...versions]
    .sort(([, a], [, b]) => b.rows - a.rows)
    .slice(0, versionsShown)
    .map(([value, { rows, shards }]) => `${value} (${rows} rows on ${named([...shards].sort())})`);
  const more = versions.size > versionsShown ? ` and ${versions.size - versionsShown} more` : "";
  const count = versions.size + (body.mappingHits > 0 ? 1 : 0);
  const own =
    body.mappingHits > 0 ? ` beside the linked ${linked.join(", ")} (${body.mappingHits} rows)` : "";
  const instead = own === "" ? ` instead of the linked ${linked.join(", ")}` : own;
  return `${count === 1 ? "another" : `${count} versions of`} ${column}: ${others.join(", ")}${more}${instead}`;
}

function named(shards: readonly string[]): string {
  const shown = shards.slice(0, shardsShown).join(", ");
  const more = shards.length > shardsShown ? ` and ${shards.length - shardsShown} more` : "";
  return `${shards.length === 1 ? "shard" : `${shards.length} shards`} ${shown}${more}`;
}
