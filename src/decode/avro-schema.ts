import { DecodeError } from "../model/fault.ts";

/** A type of an Avro schema, names resolved: a record may hold itself. */
export type AvroType =
  | { readonly kind: AvroPrimitive; readonly logical: Logical | undefined }
  | { readonly kind: "fixed"; readonly size: number; readonly logical: Logical | undefined }
  | { readonly kind: "enum"; readonly symbols: readonly string[] }
  | { readonly kind: "array"; readonly items: AvroType }
  | { readonly kind: "map"; readonly values: AvroType }
  | { readonly kind: "union"; readonly branches: readonly AvroType[] }
  | AvroRecord;

export interface AvroRecord {
  readonly kind: "record";
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: AvroType }[];
}

export type AvroPrimitive = "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string";

export interface Logical {
  readonly name: string;
  /** Of a decimal. */
  readonly scale: number;
}

const primitives: ReadonlySet<unknown> = new Set([
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
] satisfies AvroPrimitive[]);

/** Types nested in one another, arrays and unions counted, while a schema is read. */
const depthMax = 64;
/** Types in one schema. */
const typesMax = 20_000;
/** Largest fixed type, in bytes: a message is no larger. */
const fixedBytesMax = 16 * 1024 * 1024;

interface Scope {
  readonly names: Map<string, AvroType>;
  types: number;
}

/**
 * Reads a schema's JSON.
 * @param references  texts of the schemas that it names types of, each after those that it names itself
 * @throws DecodeError schema: it is no Avro schema, or too large a one
 * @see https://avro.apache.org/docs/1.12.0/specification/#schema-declaration
 */
export function parseAvroSchema(text: string, references: readonly string[]): AvroType {
  const scope: Scope = { names: new Map(), types: 0 };
  for (const reference of references) readType(jsonOf(reference), "", scope, 0);
  return readType(jsonOf(text), "", scope, 0);
}

function wrong(message: string): DecodeError {
  return new DecodeError("schema", `Avro schema: ${message}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // A bare name is allowed where a schema stands in a registry: `string`.
    if (/^[A-Za-z_][\w.]*$/.test(text.trim())) return text.trim();
    throw wrong(error instanceof Error ? error.message.slice(0, 200) : String(error));
  }
}

function readType(json: unknown, namespace: string, scope: Scope, depth: number): AvroType {
  if (depth > depthMax) throw wrong(`types nested deeper than ${depthMax}`);
  scope.types += 1;
  if (scope.types > typesMax) throw wrong(`more than ${typesMax} types`);
  if (typeof json === "string") return named(json, namespace, scope);
  if (Array.isArray(json)) {
    if (json.length === 0) throw wrong("a union of nothing");
    return { kind: "union", branches: json.map((branch) => readType(branch, namespace, scope, depth + 1)) };
  }
  if (typeof json !== "object" || json === null)
    throw wrong(`${JSON.stringify(json)} where a type is expected`);
  return readComplex(json as Readonly<Record<string, unknown>>, namespace, scope, depth);
}

function named(name: string, namespace: string, scope: Scope): AvroType {
  if (primitives.has(name)) return { kind: name as AvroPrimitive, logical: undefined };
  const known = scope.names.get(fullName(name, namespace)) ?? scope.names.get(name);
  if (known === undefined) throw wrong(`no type "${name.slice(0, 80)}"`);
  return known;
}

function readComplex(
  json: Readonly<Record<string, unknown>>,
  namespace: string,
  scope: Scope,
  depth: number,
): AvroType {
  const { type } = json;
  switch (type) {
    case "record":
    case "error":
      return readRecord(json, namespace, scope, depth);
    case "enum": {
      const symbols = listOf(json["symbols"], "symbols").map(String);
      return declare(json, namespace, scope, { kind: "enum", symbols });
    }
    case "fixed": {
      const { size } = json;
      if (!Number.isInteger(size) || (size as number) < 0 || (size as number) > fixedBytesMax)
        throw wrong(`a fixed type of ${String(size)} bytes`);
      return declare(json, namespace, scope, {
        kind: "fixed",
        size: size as number,
        logical: logicalOf(json),
      });
    }
    case "array":
      return { kind: "array", items: readType(json["items"], namespace, scope, depth + 1) };
    case "map":
      return { kind: "map", values: readType(json["values"], namespace, scope, depth + 1) };
  }
  if (primitives.has(type)) return { kind: type as AvroPrimitive, logical: logicalOf(json) };
  return readType(type, namespace, scope, depth + 1); // { "type": { … } }, or a name in an object
}

function readRecord(
  json: Readonly<Record<string, unknown>>,
  namespace: string,
  scope: Scope,
  depth: number,
): AvroType {
  const fields: { name: string; type: AvroType }[] = [];
  const record: AvroRecord = { kind: "record", name: String(json["name"] ?? ""), fields };
  declare(json, namespace, scope, record); // before its fields, which may hold it
  const inside = namespaceOf(json, namespace);
  for (const field of listOf(json["fields"], "fields")) {
    if (typeof field !== "object" || field === null) throw wrong("a field that is no object");
    const { name, type } = field as Readonly<Record<string, unknown>>;
    if (typeof name !== "string") throw wrong("a field without a name");
    fields.push({ name, type: readType(type, inside, scope, depth + 1) });
  }
  return record;
}

function declare<T extends AvroType>(
  json: Readonly<Record<string, unknown>>,
  namespace: string,
  scope: Scope,
  type: T,
): T {
  const { name } = json;
  if (typeof name !== "string" || name === "") throw wrong("a named type without a name");
  scope.names.set(fullName(name, namespaceOf(json, namespace)), type);
  return type;
}

/** The namespace of what a type declares: that of a dotted name, its own, or the one around it. */
function namespaceOf({ name, namespace }: Readonly<Record<string, unknown>>, around: string): string {
  if (typeof name === "string" && name.includes(".")) return name.slice(0, name.lastIndexOf("."));
  return typeof namespace === "string" ? namespace : around;
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}

function listOf(json: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(json)) throw wrong(`no list of ${what}`);
  return json;
}

function logicalOf({ logicalType, scale }: Readonly<Record<string, unknown>>): Logical | undefined {
  if (typeof logicalType !== "string") return undefined;
  const digits = scale ?? 0;
  // Beyond a double's range a decimal is no number; the storage is still what it is.
  const usable = Number.isInteger(digits) && Math.abs(digits as number) <= 300;
  return usable ? { name: logicalType, scale: digits as number } : undefined;
}
