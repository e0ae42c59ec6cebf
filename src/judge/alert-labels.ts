import { createHash } from "node:crypto";
import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { Alert } from "../model/verdict.ts";

/** What an alert is of. */
type Place = Pick<Alert, "alertname" | "featureView" | "field" | "statistic" | "segment" | "severity">;

/**
 * The labels of Alertmanager v2: where it is and whose, never how much or when. Empty ones are left out. A segment is a
 * label of its own field's name, with every character a label may not have as `_`.
 */
export function alertLabels(
  alert: Place,
  view: Pick<FeatureView, "owner" | "models">,
): Readonly<Record<string, string>> {
  const labels = new Map<string, string>([
    ["alertname", alert.alertname],
    ["feature_view", alert.featureView],
    ["field", alert.field ?? ""],
    ["statistic", alert.statistic],
    ["severity", alert.severity],
    ["owner", view.owner ?? ""],
    ["model", view.models.map((model) => model.name).join(",")],
  ]);
  if (alert.segment !== null) {
    const name = labelName(alert.segment.field);
    labels.set(labels.has(name) ? `segment_${name}` : name, alert.segment.value);
  }
  return Object.fromEntries([...labels].filter(([, value]) => value !== ""));
}

/** First 16 hexadecimal digits of the SHA-256 of the labels, sorted by name: the id of the place. */
export function alertFingerprint(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
}

/** Every verdict of every window asks for its place, and places are few: hash each once a view. */
const fingerprints = new WeakMap<FeatureView, Map<string, OfField>>();

/** By field, then by the segment's field and value: maps in maps, so that no text is made to look one up. */
type OfField = Map<string | null, OfSegment>;
type OfSegment = Map<string | undefined, Map<string | undefined, string>>;

/** The fingerprint of the labels that an alert has there. */
export function fingerprintOf(place: Place, view: FeatureView): string {
  const known = fingerprints.get(view) ?? new Map<string, OfField>();
  fingerprints.set(view, known);
  const { statistic, severity, field, segment } = place;
  const kind = severity === "critical" ? statistic : `${statistic} ${severity}`;
  const fields = getOrInsert(known, kind, (): OfField => new Map());
  const segments = getOrInsert(fields, field, (): OfSegment => new Map());
  const values = getOrInsert(segments, segment?.field, (): Map<string | undefined, string> => new Map());
  return getOrInsert(values, segment?.value, () => alertFingerprint(alertLabels(place, view)));
}

/** `[a-zA-Z_][a-zA-Z0-9_]*` */
function labelName(field: string): string {
  const name = field.replace(/[^a-zA-Z0-9_]/g, "_");
  return /^[a-zA-Z_]/.test(name) ? name : `_${name}`;
}
