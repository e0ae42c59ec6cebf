import { bareField, type FeatureView, type FieldSpec } from "./feature-view.ts";

/**
 * What an event says of the model and the view version that it belongs to, in a header of its message or in a column.
 * Headers are those of our HTTP answers.
 */
export interface LinkField {
  /** Column in the data: `model_git_sha`. */
  readonly column: string;
  readonly header: string;
  /** What the spec says; empty: whatever comes is only counted. */
  readonly linked: readonly string[];
  /** The field that profiles keep it in. No column of the data has such a name. */
  readonly field: FieldSpec;
}

/** Columns by header. */
const carriers = {
  viewVersion: { column: "feature_view_version", header: "x-feature-view-version" },
  gitSha: { column: "model_git_sha", header: "x-model-git-sha" },
  weights: { column: "model_weights", header: "x-model-weights" },
} as const;

const prefix = "link:";
const known = new WeakMap<FeatureView, readonly LinkField[]>();

/** Of a view that is linked to models; none of one that is not, and none for a column that the spec has rules of its own for. */
export function linkFields(view: FeatureView): readonly LinkField[] {
  const made = known.get(view) ?? makeLinkFields(view);
  known.set(view, made);
  return made;
}

export function isLinkName(name: string): boolean {
  return name.startsWith(prefix);
}

/** The shard that a value was seen on is written behind it, so that counts by version and shard merge like any others. */
export function valueOnShard(value: string, shard: string): string {
  return `${value}@${shard}`;
}

export function splitShard(text: string): { readonly value: string; readonly shard: string } {
  const at = text.lastIndexOf("@");
  return { value: text.slice(0, at), shard: text.slice(at + 1) };
}

function makeLinkFields(view: FeatureView): readonly LinkField[] {
  if (view.models.length === 0) return [];
  const own = new Set(view.fields.map(({ name }) => name));
  const of = (key: "gitSha" | "weights"): readonly string[] =>
    view.models.flatMap((model) => model[key] ?? []);
  return (["viewVersion", "gitSha", "weights"] as const).flatMap((key): LinkField[] => {
    const { column, header } = carriers[key];
    const linked = key === "viewVersion" ? [String(view.version)] : of(key);
    if (linked.length === 0 || own.has(column)) return [];
    return [{ column, header, linked, field: fieldOf(`${prefix}${column}`, linked, view) }];
  });
}

function fieldOf(name: string, values: readonly string[], { drift }: FeatureView): FieldSpec {
  return { ...bareField, name, type: "string", mapping: { values, maxDefaultRate: 0 }, drift };
}
