import { createHash } from "node:crypto";
import type { FeatureView } from "../model/feature-view.ts";

/**
 * `sha256:…` of the view's canonical form: every default filled in, keys sorted, a mapping as its sorted values wherever
 * they were written. Left out are `owner` and `validate`, which only say who is told and what is refused, and `models`,
 * because a model names the fingerprint of the spec it was trained with. Comments, the order of keys and of fields, and layout don't count.
 */
export function fingerprintOf(view: Omit<FeatureView, "fingerprint">): string {
  return `sha256:${createHash("sha256").update(canonicalForm(view)).digest("hex")}`;
}

/** The text that is hashed: one line of JSON. */
export function canonicalForm(view: Omit<FeatureView, "fingerprint">): string {
  const { name, version, source, window, segments, drift, breaker } = view;
  const fields = view.fields.map(({ redact, ...field }) => ({
    ...field,
    redact: redact === true ? true : undefined,
    mapping:
      field.mapping === undefined ? undefined : { ...field.mapping, values: field.mapping.values.toSorted() },
  }));
  return canonical({
    name,
    version,
    source,
    window,
    segments: segments.toSorted(),
    fields: fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    drift,
    breaker,
  });
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
