import type { FeatureView, FieldSpec, FieldType } from "../model/feature-view.ts";
import type { Path } from "./document.ts";
import { createDraft, type Draft, fieldOf, type Loss, lose, lossLines } from "./foreign-draft.ts";
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
import { isWhole } from "./foreign-types.ts";

/** A schema of an object: draft 2020-12 or 7, and OpenAPI's `nullable`. */
export const jsonSchema: ForeignFormat = {
  name: "json-schema",
  title: "JSON Schema",
  recognises: (value) =>
    mapOf(mapOf(value)?.["properties"]) !== undefined || isSaid(mapOf(value)?.["$schema"]),
  read(text, file) {
    const source = readSource(text, file);
    const root = resolve(source, mapOf(source.value), 0);
    const properties = mapOf(root?.["properties"]);
    if (root === undefined || properties === undefined)
      throw notOfFormat(file, 1, 'no "properties": not a JSON Schema of an object');
    const draft = createDraft(textOf(root["title"]));
    const required = new Set(listOf(root["required"]) ?? []);
    for (const key of Object.keys(root))
      if (!rootKeys.has(key) && isSaid(root[key]))
        lose(draft, null, key, "a rule of the whole object", source.line([key]));
    for (const name of required)
      if (typeof name === "string" && !Object.hasOwn(properties, name))
        lose(draft, name, "required", "nothing about its values", source.line(["required"]));
    if (root["additionalProperties"] === false || isSaid(mapOf(root["additionalProperties"])))
      lose(draft, null, "additionalProperties", "columns that no field names are let be", source.line([]));
    for (const [name, property] of Object.entries(properties))
      readProperty(draft, name, property, required.has(name), source);
    return draft;
  },
  write,
};

/** References that lead on to references: no more than this many. */
const referencesMax = 16;

const annotations = [
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
];
const rootKeys: ReadonlySet<string> = new Set([
  ...annotations,
  "$schema",
  "$id",
  "$defs",
  "definitions",
  "$ref",
  "type",
  "properties",
  "required",
  "additionalProperties",
]);
const propertyKeys: ReadonlySet<string> = new Set([
  ...annotations,
  "type",
  "format",
  "enum",
  "const",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "nullable",
  "items",
  "minItems",
  "maxItems",
]);

/** OpenAPI's registry of formats, where it says the width of a number. */
const formats: Readonly<Record<string, FieldType>> = {
  int8: "int8",
  int16: "int16",
  int32: "int32",
  int64: "int64",
  uint8: "uint8",
  uint16: "uint16",
  uint32: "uint32",
  uint64: "uint64",
  float: "float32",
  double: "float64",
  "date-time": "timestamp",
};

function readProperty(
  draft: Draft,
  name: string,
  declared: unknown,
  required: boolean,
  source: ForeignSource,
): void {
  const path: Path = ["properties", name];
  const line = source.line(path);
  const { schema, orNull } = unwrap(source, mapOf(declared));
  if (schema === undefined) {
    lose(draft, name, "schema", "nothing about its values", line);
    return;
  }
  const said = typeof schema["type"] === "string" ? [schema["type"]] : (listOf(schema["type"]) ?? []);
  const types = said.filter((type) => type !== "null");
  const [type] = types;
  if (type === "object" || types.length > 1) {
    lose(draft, name, `type ${types.join(", ")}`, "no type of a spec: the field is left out", line);
    return;
  }
  const { type: fieldType, dimensions, problem } = typeOf(type, schema);
  if (problem !== undefined) {
    lose(draft, name, `type ${type}`, problem, line);
    return;
  }
  const field = fieldOf(draft, name);
  field.type = fieldType;
  field.dimensions = dimensions;
  const values = listOf(schema["enum"]) ?? (schema["const"] === undefined ? undefined : [schema["const"]]);
  const nulls =
    orNull || said.includes("null") || schema["nullable"] === true || (values?.includes(null) ?? false);
  field.nullable = nulls || !required;
  if (nulls && required) lose(draft, name, "required", "a key that is missing is read as null", line);
  if (values !== undefined) field.sets.push({ values, outside: 0, rule: "enum", line });
  const pattern = textOf(schema["pattern"]);
  if (pattern !== undefined) field.patterns.push({ pattern, line });
  const [shortest, longest] = [numberOf(schema["minLength"]), numberOf(schema["maxLength"])];
  if (shortest !== undefined || longest !== undefined)
    field.lengths.push({ min: shortest ?? 0, max: longest, line });
  for (const [side, inclusive, exclusive] of [
    ["low", "minimum", "exclusiveMinimum"],
    ["high", "maximum", "exclusiveMaximum"],
  ] as const) {
    const value = numberOf(schema[inclusive]);
    // draft 4 and OpenAPI 3.0 say `exclusiveMinimum: true` beside `minimum`
    const isExclusive = schema[exclusive] === true;
    if (value !== undefined)
      field.bounds.push({ side, value, exclusive: isExclusive, rule: inclusive, line });
    const bare = numberOf(schema[exclusive]);
    if (bare !== undefined) field.bounds.push({ side, value: bare, exclusive: true, rule: exclusive, line });
  }
  readItems(draft, name, schema, line);
  const format = textOf(schema["format"]);
  if (format !== undefined && formats[format] === undefined)
    lose(draft, name, `format ${format}`, "no rule of a spec says it", line);
  for (const key of Object.keys(schema))
    if (!propertyKeys.has(key) && isSaid(schema[key]))
      lose(draft, name, key, "no rule of a spec says it", line);
}

/** What a list says beyond a fixed length and numbers. */
function readItems(draft: Draft, name: string, schema: PlainMap, line: number): void {
  for (const key of Object.keys(mapOf(schema["items"]) ?? {}))
    if (key !== "type" && key !== "format" && !annotations.includes(key))
      lose(draft, name, `items.${key}`, "a rule of single numbers", line);
  if (schema["minItems"] === schema["maxItems"]) return;
  for (const key of ["minItems", "maxItems"])
    if (isSaid(schema[key])) lose(draft, name, key, "a tensor has a fixed length, or any", line);
}

interface TypeFound {
  readonly type?: FieldType | undefined;
  readonly dimensions?: number | undefined;
  readonly problem?: string;
}

function typeOf(type: unknown, schema: PlainMap): TypeFound {
  const format = formats[textOf(schema["format"]) ?? ""];
  switch (type) {
    case undefined:
      return {};
    case "string":
      return { type: format === "timestamp" ? format : "string" };
    case "integer":
      return { type: format !== undefined && isWhole(format) ? format : "int64" };
    case "number":
      return { type: format !== undefined && format !== "timestamp" ? format : "float64" };
    case "boolean":
      return { type: "bool" };
    case "array": {
      const items = mapOf(schema["items"])?.["type"];
      if (items !== "number" && items !== "integer")
        return { problem: "a list of anything but numbers: the field is left out" };
      const [least, most] = [numberOf(schema["minItems"]), numberOf(schema["maxItems"])];
      return { type: "embedding", dimensions: least === most ? least : undefined };
    }
    default:
      return { problem: "no type of a spec: the field is left out" };
  }
}

/** Follows references, and takes the one schema of `anyOf: [X, null]`. */
function unwrap(
  source: ForeignSource,
  declared: PlainMap | undefined,
): { readonly schema: PlainMap | undefined; readonly orNull: boolean } {
  const schema = resolve(source, declared, 0);
  const choices = listOf(schema?.["anyOf"]) ?? listOf(schema?.["oneOf"]);
  if (schema === undefined || choices === undefined) return { schema, orNull: false };
  const others = choices.filter((choice) => mapOf(choice)?.["type"] !== "null");
  if (others.length !== 1 || others.length === choices.length) return { schema, orNull: false };
  const { anyOf: _any, oneOf: _one, ...rest } = schema;
  return { schema: { ...rest, ...resolve(source, mapOf(others[0]), 0) }, orNull: true };
}

/** What `$ref: "#/$defs/x"` points at, with what stands beside it. A reference elsewhere stays, and is listed. */
function resolve(source: ForeignSource, schema: PlainMap | undefined, depth: number): PlainMap | undefined {
  const reference = textOf(schema?.["$ref"]);
  if (schema === undefined || reference === undefined || !reference.startsWith("#/")) return schema;
  if (depth >= referencesMax)
    throw notOfFormat(source.file, 1, `$ref ${reference}: more than ${referencesMax} references in a row`);
  let target: unknown = source.value;
  for (const part of reference.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    const map = mapOf(target);
    target = map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
  }
  if (mapOf(target) === undefined)
    throw notOfFormat(source.file, 1, `$ref ${reference} points at no schema of this file`);
  const { $ref: _, ...beside } = schema;
  return { ...resolve(source, mapOf(target), depth + 1), ...beside };
}

function write(view: FeatureView): Written {
  const losses: Loss[] = viewLosses(view);
  const properties = new Map<string, object>();
  const required: string[] = [];
  for (const field of view.fields) {
    losses.push(...fieldLosses(field));
    if (field.derive !== undefined) continue;
    properties.set(field.name, propertyOf(field, losses));
    if (!field.nullable) required.push(field.name);
  }
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: view.name,
    $comment: ["Written by tidemark. Not carried over:", ...lossLines(losses)].join("\n"),
    type: "object",
    properties: Object.fromEntries(properties),
    required,
  };
  return { text: `${JSON.stringify(schema, null, 2)}\n`, losses };
}

function propertyOf(field: FieldSpec, losses: Loss[]): object {
  const { low, high } = boundsOf(field);
  const { mapping, pattern, dimensions, nullable } = field;
  if (mapping !== undefined && mapping.maxDefaultRate > 0)
    losses.push({
      field: field.name,
      rule: "maxDefaultRate",
      reason: "an enum lets no other value through",
      line: 0,
    });
  const { type, ...more } = typeWritten(field.type);
  return {
    type: nullable ? [type, "null"] : type,
    ...more,
    ...(mapping !== undefined && { enum: nullable ? [...mapping.values, null] : mapping.values }),
    ...(pattern !== undefined && { pattern }),
    ...(low !== undefined && { minimum: low }),
    ...(high !== undefined && { maximum: high }),
    ...(field.type === "embedding" && { items: { type: "number" } }),
    ...(dimensions !== undefined && { minItems: dimensions, maxItems: dimensions }),
  };
}

function typeWritten(type: FieldType): { readonly type: string; readonly format?: string } {
  switch (type) {
    case "bool":
      return { type: "boolean" };
    case "string":
      return { type: "string" };
    case "timestamp":
      return { type: "string", format: "date-time" };
    case "embedding":
      return { type: "array" };
    case "float32":
      return { type: "number", format: "float" };
    case "float64":
      return { type: "number", format: "double" };
    default:
      return { type: "integer", format: type };
  }
}
