import type { FeatureView } from "../model/feature-view.ts";
import { type LinkField, linkFields, splitShard } from "../model/link-fields.ts";
import type { Verdict } from "../model/verdict.ts";
import type { FieldProfile, WindowProfile } from "../profile/profile.ts";
import { versionsOf } from "./rollout.ts";

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

function summaryOf(link: LinkField, seen: FieldProfile): string {
  if (seen.body.kind !== "string") return "";
  const { column, linked } = link;
  const { mappingHits } = seen.body;
  const versions = versionsOf(link, seen).filter((version) => !version.linked);
  const others = versions
    .slice(0, versionsShown)
    .map(({ version, rows, shards }) => `${version} (${rows} rows on ${named(shards)})`);
  const more = versions.length > versionsShown ? ` and ${versions.length - versionsShown} more` : "";
  const count = versions.length + (mappingHits > 0 ? 1 : 0);
  const own = mappingHits > 0 ? ` beside the linked ${linked.join(", ")} (${mappingHits} rows)` : "";
  const instead = own === "" ? ` instead of the linked ${linked.join(", ")}` : own;
  return `${count === 1 ? "another" : `${count} versions of`} ${column}: ${others.join(", ")}${more}${instead}`;
}

function named(shards: readonly string[]): string {
  const shown = shards.slice(0, shardsShown).join(", ");
  const more = shards.length > shardsShown ? ` and ${shards.length - shardsShown} more` : "";
  return `${shards.length === 1 ? "shard" : `${shards.length} shards`} ${shown}${more}`;
}
