import { stringify } from "yaml";
import type { FeatureView, FieldSpec, FieldType } from "../model/feature-view.ts";
import type { Path } from "./document.ts";
import {
  createDraft,
  type Draft,
  type DraftField,
  fieldOf,
  type Loss,
  lose,
  lossLines,
  shortNumber,
} from "./foreign-draft.ts";
import { boundsOf, fieldLosses, viewLosses } from "./foreign-export.ts";
import type { ForeignFormat, Written } from "./foreign-format.ts";
import {
  type ForeignSource,
  isSaid,
  listOf,
  mapOf,
  notOfFormat,
  numberOf,
  type PlainMap,
  readSource,
  textOf,
} from "./foreign-source.ts";
import { typeNamed } from "./foreign-types.ts";

/** A data contract of the Open Data Contract Standard, version 3. */
export const odcs: ForeignFormat = {
  name: "odcs",
  title: "ODCS data contract",
  recognises: (value) => mapOf(value)?.["kind"] === "DataContract",
  read,
  write,
};

/** What a contract says besides data, of people and prices. */
const otherParts = ["servers", "slaProperties", "slaDefaultElement", "team", "roles", "price", "support"];

/** Formats of integers and numbers; they are called as in Rust. */
const formats: Readonly<Record<string, FieldType>> = {
  i8: "int8",
  i16: "int16",
  i32: "int32",
  i64: "int64",
  u8: "uint8",
  u16: "uint16",
  u32: "uint32",
  u64: "uint64",
  f32: "float32",
  f64: "float64",
};
const formatOf = new Map(Object.entries(formats).map(([format, type]) => [type, format]));

function read(text: string, file: string, pick: string | undefined): Draft {
  const source = readSource(text, file);
  const contract = mapOf(source.value);
  const tables = listOf(contract?.["schema"]);
  if (contract === undefined || tables === undefined)
    throw notOfFormat(file, 1, 'no list "schema": not an ODCS data contract', "version 3 is read, not 2");
  const wanted = tables.findIndex((table) => mapOf(table)?.["name"] === pick);
  const index = Math.max(0, wanted);
  const table = mapOf(tables[index]);
  const path: Path = ["schema", index, "properties"];
  const properties = listOf(table?.["properties"]);
  if (table === undefined || properties === undefined)
    throw notOfFormat(file, source.line(["schema", index]), `schema[${index}] has no list "properties"`);
  const draft = createDraft(textOf(table["name"]) ?? textOf(contract["name"]));
  for (const key of otherParts)
    if (isSaid(contract[key])) lose(draft, null, key, "no part of a spec", source.line([key]));
  for (const [other, { name }] of tables.map((each) => mapOf(each) ?? {}).entries())
    if (other !== index) {
      const reason = `another table: name it by --name ${String(name)}`;
      lose(draft, null, `schema ${String(name)}`, reason, source.line(["schema", other]));
    }
  readQuality(draft, null, table["quality"], ["schema", index, "quality"], source);
  if (isSaid(table["relationships"]))
    lose(
      draft,
      null,
      "relationships",
      "a rule across tables",
      source.line(["schema", index, "relationships"]),
    );
  for (const [place, property] of properties.entries())
    readProperty(draft, property, [...path, place], source);
  return draft;
}

function readProperty(draft: Draft, declared: unknown, path: Path, source: ForeignSource): void {
  const property = mapOf(declared);
  const name = textOf(property?.["name"]);
  const line = source.line(path);
  if (property === undefined || name === undefined)
    throw notOfFormat(source.file, line, `${path.join(".")} has no name`);
  const options = mapOf(property["logicalTypeOptions"]) ?? {};
  const logical = textOf(property["logicalType"]);
  const physical = textOf(property["physicalType"]);
  if (logical === "object" || logical === "map") {
    lose(draft, name, `logicalType ${logical}`, "no type of a spec: the field is left out", line);
    return;
  }
  const { type, dimensions, problem } = typeOf(logical, physical, property, options);
  if (problem !== undefined) {
    lose(draft, name, `logicalType ${logical ?? ""}`, problem, line);
    return;
  }
  const field = fieldOf(draft, name);
  field.type = type;
  field.dimensions = dimensions;
  field.nullable = property["required"] !== true && property["primaryKey"] !== true;
  for (const key of ["unique", "primaryKey", "relationships"])
    if (isSaid(property[key]))
      lose(draft, name, key, "no rule of a spec says it", source.line([...path, key]));
  readOptions(draft, name, field, options, [...path, "logicalTypeOptions"], source);
  const entries = listOf(property["enum"]);
  if (entries !== undefined) {
    const values = entries.map((entry) => mapOf(entry)?.["value"] ?? entry);
    field.sets.push({ values, outside: 0, rule: "enum", line: source.line([...path, "enum"]) });
  }
  readQuality(draft, name, property["quality"], [...path, "quality"], source);
}

interface TypeFound {
  readonly type?: FieldType | undefined;
  readonly dimensions?: number | undefined;
  readonly problem?: string;
}

function typeOf(
  logical: string | undefined,
  physical: string | undefined,
  property: PlainMap,
  options: PlainMap,
): TypeFound {
  const format = formats[textOf(options["format"]) ?? ""];
  switch (logical) {
    case "string":
      return { type: "string" };
    case "boolean":
      return { type: "bool" };
    case "date":
    case "timestamp":
      return { type: "timestamp" };
    case "integer":
      return { type: format ?? "int64" };
    case "number":
      return { type: format ?? "float64" };
    case "vector":
      return { type: "embedding", dimensions: numberOf(options["dimensions"]) };
    case "array": {
      const of = textOf(mapOf(property["items"])?.["logicalType"]);
      if (of !== "number" && of !== "integer")
        return { problem: "a list of anything but numbers: the field is left out" };
      const [least, most] = [numberOf(options["minItems"]), numberOf(options["maxItems"])];
      return { type: "embedding", dimensions: least === most ? least : undefined };
    }
    case undefined:
      return physical === undefined ? {} : { type: typeNamed(physical) };
    default:
      return { problem: "no type of a spec: the field is left out" };
  }
}

const optionsRead: ReadonlySet<string> = new Set([
  "format",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minItems",
  "maxItems",
  "dimensions",
]);

function readOptions(
  draft: Draft,
  name: string,
  field: DraftField,
  options: PlainMap,
  path: Path,
  source: ForeignSource,
): void {
  const line = source.line(path);
  const pattern = textOf(options["pattern"]);
  if (pattern !== undefined) field.patterns.push({ pattern, line });
  const [shortest, longest] = [numberOf(options["minLength"]), numberOf(options["maxLength"])];
  if (shortest !== undefined || longest !== undefined)
    field.lengths.push({ min: shortest ?? 0, max: longest, line });
  for (const [side, inclusive, exclusive] of [
    ["low", "minimum", "exclusiveMinimum"],
    ["high", "maximum", "exclusiveMaximum"],
  ] as const)
    for (const rule of [inclusive, exclusive]) {
      const value = numberOf(options[rule]);
      const isExclusive = rule === exclusive || options[exclusive] === true;
      if (value !== undefined) field.bounds.push({ side, value, exclusive: isExclusive, rule, line });
      else if (isSaid(options[rule]) && options[rule] !== true)
        lose(draft, name, rule, `${JSON.stringify(options[rule])} is no number`, line);
    }
  if (options["minItems"] !== options["maxItems"])
    for (const key of ["minItems", "maxItems"])
      if (isSaid(options[key])) lose(draft, name, key, "a tensor has a fixed length, or any", line);
  const format = textOf(options["format"]);
  if (format !== undefined && formats[format] === undefined)
    lose(draft, name, `format ${format}`, "no rule of a spec says it", line);
  for (const key of Object.keys(options))
    if (!optionsRead.has(key) && isSaid(options[key]))
      lose(draft, name, key, "no rule of a spec says it", line);
}

/** Metrics of 3.1 (`metric`) and of 3.0 (`rule`) that every row must keep, or all but a share. */
function readQuality(
  draft: Draft,
  name: string | null,
  declared: unknown,
  path: Path,
  source: ForeignSource,
): void {
  for (const [index, entry] of (listOf(declared) ?? []).entries()) {
    const line = source.line([...path, index]);
    const check = mapOf(entry) ?? {};
    const metric = textOf(check["metric"]) ?? textOf(check["rule"]);
    const what = metric ?? `${textOf(check["type"]) ?? "text"} check`;
    const lost = (reason: string): void => lose(draft, name, `quality ${what}`, reason, line);
    if (name === null) {
      lost("a rule of the whole table; volume and duplicates are watched without one");
      continue;
    }
    const field = fieldOf(draft, name);
    const share = allowedShare(check);
    const given = mapOf(check["arguments"]) ?? check;
    const values = listOf(given["validValues"]);
    const pattern = textOf(given["pattern"]);
    if (metric === "nullValues" || metric === "nullCheck") {
      if (share === 0) field.nullable = false;
      else lost("the share of nulls is judged against the baseline");
    } else if ((metric === "invalidValues" || metric === "validValues") && share !== undefined) {
      if (values !== undefined) field.sets.push({ values, outside: share, rule: what, line });
      if (pattern !== undefined && share === 0) field.patterns.push({ pattern, line });
      else if (pattern !== undefined) lost("a pattern holds for every value");
      if (values === undefined && pattern === undefined) lost("no validValues and no pattern");
    } else lost(metric === undefined ? "words, a query or another tool's rule" : "no rule of a spec says it");
  }
}

/** Share of rows that may break a metric; undefined when it is said in a way that no rule takes. */
function allowedShare(check: PlainMap): number | undefined {
  const most = numberOf(check["mustBe"]) ?? numberOf(check["mustBeLessOrEqualTo"]);
  const isOpen = [
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeBetween",
    "mustNotBeBetween",
  ].some((key) => isSaid(check[key]));
  if (isOpen) return undefined;
  if (most === undefined || most === 0) return 0;
  const isShare = check["unit"] === "percent" && check["mustBe"] === undefined;
  return isShare && most <= 100 ? shortNumber(most / 100) : undefined;
}

function write(view: FeatureView): Written {
  const losses: Loss[] = viewLosses(view);
  const properties = view.fields.flatMap((field) => {
    losses.push(...fieldLosses(field));
    return field.derive === undefined ? [propertyOf(field)] : [];
  });
  const contract = {
    apiVersion: "v3.1.0",
    kind: "DataContract",
    id: view.name,
    name: view.name,
    version: `${view.version}.0.0`,
    status: "active",
    schema: [{ name: view.name, logicalType: "object", properties }],
  };
  const head = ["Written by tidemark. Not carried over:", ...lossLines(losses).map((line) => `  ${line}`)];
  return {
    text: `${head.map((line) => `# ${line}\n`).join("")}${stringify(contract, { lineWidth: 0, aliasDuplicateObjects: false })}`,
    losses,
  };
}

function propertyOf(field: FieldSpec): object {
  const { low, high } = boundsOf(field);
  const { mapping, pattern, dimensions } = field;
  const format = formatOf.get(field.type);
  const options = {
    ...(format !== undefined && { format }),
    ...(pattern !== undefined && { pattern }),
    ...(low !== undefined && { minimum: low }),
    ...(high !== undefined && { maximum: high }),
    ...(dimensions !== undefined && { minItems: dimensions, maxItems: dimensions }),
  };
  return {
    name: field.name,
    logicalType: logicalType(field.type),
    physicalType: field.type,
    required: !field.nullable,
    ...(Object.keys(options).length > 0 && { logicalTypeOptions: options }),
    ...(field.type === "embedding" && { items: { logicalType: "number" } }),
    ...(mapping !== undefined && {
      quality: [
        {
          type: "library",
          metric: "invalidValues",
          arguments: { validValues: mapping.values },
          ...(mapping.maxDefaultRate === 0
            ? { mustBe: 0 }
            : { mustBeLessOrEqualTo: shortNumber(mapping.maxDefaultRate * 100), unit: "percent" }),
        },
      ],
    }),
  };
}

function logicalType(type: FieldType): string {
  switch (type) {
    case "bool":
      return "boolean";
    case "string":
    case "timestamp":
      return type;
    case "embedding":
      return "array";
    default:
      return type.startsWith("float") ? "number" : "integer";
  }
}
