import { createDraft, type Draft, type DraftField, fieldOf, lose } from "./foreign-draft.ts";
import type { ForeignFormat } from "./foreign-format.ts";
import { notOfFormat } from "./foreign-source.ts";
import { parseTextproto, type TextEntry, type TextMessage } from "./foreign-textproto.ts";

/** A schema of TensorFlow Data Validation (tensorflow_metadata's Schema) in protobuf's text format. */
export const tfdv: ForeignFormat = {
  name: "tfdv",
  title: "TFDV schema",
  recognises: () => false, // neither JSON nor YAML
  read(text, file) {
    const schema = parseTextproto(text, file);
    const features = schema.entries.filter(
      ({ key, value }) => key === "feature" && typeof value !== "string",
    );
    if (features.length === 0) throw notOfFormat(file, 1, "no feature { … }: not a TFDV schema");
    const draft = createDraft();
    const domains = domainsOf(schema);
    for (const feature of features) readFeature(draft, feature, domains, file);
    for (const { key, line } of schema.entries)
      if (!["feature", "string_domain", "int_domain", "float_domain"].includes(key))
        lose(draft, null, key, "a rule of the whole schema", line);
    return draft;
  },
};

type Domains = ReadonlyMap<string, TextEntry>;

/** Domains that stand beside the features, which name them. */
function domainsOf({ entries }: TextMessage): Domains {
  return new Map(
    entries.flatMap((entry) => {
      const name = textIn(entry, "name");
      return entry.key.endsWith("_domain") && name !== undefined ? [[name, entry] as const] : [];
    }),
  );
}

function readFeature(draft: Draft, feature: TextEntry, domains: Domains, file: string): void {
  const name = textIn(feature, "name");
  if (name === undefined) throw notOfFormat(file, feature.line, "a feature without a name");
  const stage = textIn(feature, "lifecycle_stage");
  const isOff =
    stage !== undefined && !["BETA", "PRODUCTION", "UNKNOWN_STAGE", "VALIDATION_DERIVED"].includes(stage);
  if (isOff || textIn(feature, "deprecated") === "true") {
    lose(
      draft,
      name,
      stage ?? "deprecated",
      "TFDV does not validate it: the field is left out",
      feature.line,
    );
    return;
  }
  const kind = textIn(feature, "type");
  const length = lengthOf(feature);
  if (kind === "STRUCT" || (length !== 1 && kind !== "FLOAT")) {
    lose(
      draft,
      name,
      kind === "STRUCT" ? "type STRUCT" : `several values of ${kind ?? "no type"}`,
      "no type of a spec: the field is left out",
      feature.line,
    );
    return;
  }
  const field = fieldOf(draft, name);
  if (length !== 1) {
    field.type = "embedding";
    field.dimensions = length;
    if (length === undefined)
      lose(draft, name, "value_count", "a tensor has a fixed length, or any", feature.line);
  } else if (kind === "BYTES") field.type = "string";
  else if (kind === "INT") field.type = "int64";
  else if (kind === "FLOAT") field.type = "float64";
  const mass = Number(textIn(child(feature, "distribution_constraints"), "min_domain_mass") ?? 1);
  for (const entry of childrenOf(feature)) readKey(draft, name, field, entry, mass, domains);
  const bounds = ["domain", "string_domain", "int_domain", "float_domain", "bool_domain"];
  if (mass < 1 && bounds.every((key) => child(feature, key) === undefined))
    lose(
      draft,
      name,
      `distribution_constraints.min_domain_mass ${mass}`,
      "no domain of values is said",
      feature.line,
    );
}

/** Number of values; undefined: it differs from example to example. */
function lengthOf(feature: TextEntry): number | undefined {
  const count = child(feature, "value_count");
  if (count !== undefined) {
    const [min, max] = [textIn(count, "min"), textIn(count, "max")];
    return max !== undefined && (min === undefined || min === max || max === "1") ? Number(max) : undefined;
  }
  const sizes = childrenOf(child(feature, "shape")).flatMap((dimension) => textIn(dimension, "size") ?? []);
  return sizes.reduce((product, size) => product * Number(size), 1);
}

function readKey(
  draft: Draft,
  name: string,
  field: DraftField,
  entry: TextEntry,
  mass: number,
  domains: Domains,
): void {
  const { key, line } = entry;
  const lost = (rule: string, reason: string): void => lose(draft, name, rule, reason, line);
  switch (key) {
    case "name":
    case "type":
    case "value_count":
    case "shape":
    case "distribution_constraints":
    case "annotation":
    case "lifecycle_stage":
    case "deprecated":
      return;
    case "presence": {
      const share = Number(textIn(entry, "min_fraction") ?? 0);
      const count = Number(textIn(entry, "min_count") ?? 0);
      field.nullable = share < 1;
      if (share > 0 && share < 1)
        lost(`presence.min_fraction ${share}`, "the share of nulls is judged against the baseline");
      if (count > 1 || (count === 1 && share < 1))
        lost("presence.min_count", "a field that is always missing is judged against the baseline");
      return;
    }
    case "domain": {
      const domain = typeof entry.value === "string" ? domains.get(entry.value) : undefined;
      if (domain === undefined) {
        lost(`domain ${String(entry.value)}`, "there is no such domain");
        return;
      }
      readDomain(field, domain, mass, lost);
      return;
    }
    case "string_domain":
    case "int_domain":
    case "float_domain":
    case "bool_domain":
      readDomain(field, entry, mass, lost);
      return;
    case "skew_comparator":
    case "drift_comparator":
      lost(key, "drift is judged against the baseline");
      return;
    default:
      lost(key, "no rule of a spec says it");
      return;
  }
}

function readDomain(
  field: DraftField,
  domain: TextEntry,
  mass: number,
  lost: (rule: string, reason: string) => void,
): void {
  const { key, line } = domain;
  if (key === "string_domain" || key === "bool_domain") {
    const values = childrenOf(domain).flatMap(({ key, value }) =>
      ["value", "true_value", "false_value"].includes(key) && typeof value === "string" ? [value] : [],
    );
    if (field.type === "int64" && key === "bool_domain") {
      field.sets.push({ values: [0, 1], outside: 0, rule: key, line });
    } else if (values.length > 0) field.sets.push({ values, outside: 1 - mass, rule: key, line });
    else lost(key, "names no value");
    return;
  }
  if (mass < 1) {
    lost(`distribution_constraints.min_domain_mass ${mass}`, `${key}: a range holds for every value`);
    return;
  }
  for (const [side, end] of [
    ["low", "min"],
    ["high", "max"],
  ] as const) {
    const said = textIn(domain, end);
    const value = said === undefined ? Number.NaN : Number(said.replace(/[fF]$/, ""));
    if (!Number.isFinite(value)) continue;
    if (field.type === "embedding") lost(`${key}.${end}`, "a range is of single numbers");
    else field.bounds.push({ side, value, exclusive: false, rule: key, line });
  }
  if (textIn(domain, "is_categorical") === "true" && field.type === "int64")
    lost("is_categorical", "categories are strings; judged as numbers");
  const [noNan, noInf] = ["disallow_nan", "disallow_inf"].map((flag) => textIn(domain, flag) === "true");
  if (noNan === true && noInf === true) field.finite = true;
  else if (noNan === true || noInf === true)
    lost(noNan === true ? "disallow_nan" : "disallow_inf", "a spec forbids both by `finite`, or neither");
}

function childrenOf(entry: TextEntry | undefined): readonly TextEntry[] {
  return entry === undefined || typeof entry.value === "string" ? [] : entry.value.entries;
}

function child(entry: TextEntry | undefined, key: string): TextEntry | undefined {
  return childrenOf(entry).find((other) => other.key === key);
}

function textIn(entry: TextEntry | undefined, key: string): string | undefined {
  const value = child(entry, key)?.value;
  return typeof value === "string" ? value : undefined;
}
