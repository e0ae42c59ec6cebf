import { DecodeError } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { sameBytes } from "./arrow-message.ts";
import { bool, element, int16, int32, int64, string, type Table, table, vectorOf } from "./flatbuffer.ts";

/** A field of an Arrow schema, as far as the decoder tells types apart. */
export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
  readonly children: readonly ArrowField[];
  /** For people: `int32`, `timestamp[us, UTC]`, `dictionary<utf8>`. */
  readonly declared: string;
  readonly dictionary: { readonly id: number; readonly index: ArrowType } | undefined;
}

export type ArrowType =
  | { readonly kind: "null" | "bool" | "struct" }
  | { readonly kind: "int"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: "float"; readonly bits: 16 | 32 | 64 }
  | { readonly kind: "decimal"; readonly bits: number; readonly scale: number }
  /** Instants, dates and times of day: `bits` of storage, `unitMs` a count. */
  | { readonly kind: "time"; readonly bits: 32 | 64; readonly unitMs: number }
  | { readonly kind: "bytes"; readonly utf8: boolean; readonly layout: "offsets" | "large" | "view" }
  | { readonly kind: "fixed-bytes"; readonly size: number }
  | { readonly kind: "list"; readonly large: boolean; readonly map: boolean }
  | { readonly kind: "fixed-list"; readonly size: number }
  | { readonly kind: "union"; readonly dense: boolean }
  | { readonly kind: "list-view"; readonly large: boolean }
  | { readonly kind: "run-end" };

const timeUnitMs = [1_000, 1, 0.001, 0.000_001] as const;
const timeUnitNames = ["s", "ms", "us", "ns"] as const;
const dayMs = 86_400_000;
const floatBits = [16, 32, 64] as const;

export interface ArrowSchema {
  readonly fields: readonly ArrowField[];
}

/** @throws DecodeError for more fields or deeper nesting than the limits, for big-endian data, and for unknown types. */
export function readSchema(schema: Table, limits: Limits): ArrowSchema {
  if (int16(schema, 0, 0) !== 0)
    throw new DecodeError("format", "big-endian Arrow data: only little-endian is read");
  const budget = { fields: limits.fields, nesting: limits.nesting };
  return { fields: readFields(schema, 1, budget, 0) };
}

function readFields(
  parent: Table,
  slot: number,
  budget: { fields: number; nesting: number },
  depth: number,
): ArrowField[] {
  const vector = vectorOf(parent, slot, 4);
  if (vector === undefined) return [];
  if (depth > budget.nesting) throw new DecodeError("limit", `types nested deeper than ${budget.nesting}`);
  const fields: ArrowField[] = [];
  for (let index = 0; index < vector.length; index++) {
    budget.fields -= 1;
    if (budget.fields < 0) throw new DecodeError("limit", "more fields than allowed (limits.fields)");
    fields.push(readField(element(parent, vector, index), budget, depth));
  }
  return fields;
}

function readField(field: Table, budget: { fields: number; nesting: number }, depth: number): ArrowField {
  const children = readFields(field, 5, budget, depth + 1);
  const tag = field.view.getInt8(fieldTypeAt(field));
  const { type, declared } = readType(tag, table(field, 3));
  const encoding = table(field, 4);
  const index = encoding === undefined ? undefined : table(encoding, 1);
  return {
    name: string(field, 0) ?? "",
    type,
    children,
    declared: encoding === undefined ? declared : `dictionary<${declared}>`,
    dictionary:
      encoding === undefined
        ? undefined
        : {
            id: int64(encoding, 0),
            index: index === undefined ? { kind: "int", bits: 32, signed: true } : readType(2, index).type,
          },
  };
}

/** The byte with the type's tag; a field without one is malformed. */
function fieldTypeAt({ view, at }: Table): number {
  const vtable = at - view.getInt32(at, true);
  const offset = view.getUint16(vtable, true) >= 10 ? view.getUint16(vtable + 8, true) : 0;
  if (offset === 0) throw new DecodeError("malformed", "a field without a type");
  return at + offset;
}

const empty: Table = { view: new DataView(Uint8Array.of(4, 0, 4, 0, 4, 0, 0, 0).buffer), at: 4 };

function readType(tag: number, given: Table | undefined): { type: ArrowType; declared: string } {
  const type = given ?? empty;
  switch (tag) {
    case 1:
      return { type: { kind: "null" }, declared: "null" };
    case 2: {
      const [bits, signed] = [int32(type, 0, 0), bool(type, 1)];
      if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64)
        throw new DecodeError("malformed", `int of ${bits} bits`);
      return { type: { kind: "int", bits, signed }, declared: `${signed ? "" : "u"}int${bits}` };
    }
    case 3: {
      const bits = floatBits[int16(type, 0, 0)];
      if (bits === undefined) throw new DecodeError("malformed", "float of an unknown precision");
      return { type: { kind: "float", bits }, declared: `float${bits}` };
    }
    case 4:
      return bytesType(false, "offsets", "binary");
    case 5:
      return bytesType(true, "offsets", "utf8");
    case 6:
      return { type: { kind: "bool" }, declared: "bool" };
    case 7: {
      const [scale, bits] = [int32(type, 1, 0), int32(type, 2, 128)];
      if (Math.abs(scale) > 76) throw new DecodeError("malformed", `decimal with a scale of ${scale}`);
      if (![32, 64, 128, 256].includes(bits)) throw new DecodeError("malformed", `decimal of ${bits} bits`);
      return {
        type: { kind: "decimal", bits, scale },
        declared: `decimal${bits}(${int32(type, 0, 0)}, ${scale})`,
      };
    }
    case 8:
      return int16(type, 0, 1) === 0
        ? { type: { kind: "time", bits: 32, unitMs: dayMs }, declared: "date32" }
        : { type: { kind: "time", bits: 64, unitMs: 1 }, declared: "date64" };
    case 9: {
      const bits = int32(type, 1, 32) === 64 ? 64 : 32;
      return timeType(int16(type, 0, 1), bits, (unit) => `time${bits}[${unit}]`);
    }
    case 10: {
      const zone = string(type, 1);
      return timeType(
        int16(type, 0, 0),
        64,
        (unit) => `timestamp[${unit}${zone === undefined ? "" : `, ${zone.slice(0, 40)}`}]`,
      );
    }
    case 11:
      return {
        type: { kind: "fixed-bytes", size: [4, 8, 16][int16(type, 0, 0)] ?? 4 },
        declared: "interval",
      };
    case 12:
      return { type: { kind: "list", large: false, map: false }, declared: "list" };
    case 13:
      return { type: { kind: "struct" }, declared: "struct" };
    case 14:
      return { type: { kind: "union", dense: int16(type, 0, 0) === 1 }, declared: "union" };
    case 15: {
      const size = int32(type, 0, 0);
      if (size < 0) throw new DecodeError("malformed", `fixed-size binary of ${size} bytes`);
      return { type: { kind: "fixed-bytes", size }, declared: `binary(${size})` };
    }
    case 16: {
      const size = int32(type, 0, 0);
      if (size < 0) throw new DecodeError("malformed", `fixed-size list of ${size}`);
      return { type: { kind: "fixed-list", size }, declared: `fixed_size_list(${size})` };
    }
    case 17:
      return { type: { kind: "list", large: false, map: true }, declared: "map" };
    case 18:
      return timeType(int16(type, 0, 1), 64, (unit) => `duration[${unit}]`);
    case 19:
      return bytesType(false, "large", "large_binary");
    case 20:
      return bytesType(true, "large", "large_utf8");
    case 21:
      return { type: { kind: "list", large: true, map: false }, declared: "large_list" };
    case 22:
      return { type: { kind: "run-end" }, declared: "run_end_encoded" };
    case 23:
      return bytesType(false, "view", "binary_view");
    case 24:
      return bytesType(true, "view", "utf8_view");
    case 25:
      return { type: { kind: "list-view", large: false }, declared: "list_view" };
    case 26:
      return { type: { kind: "list-view", large: true }, declared: "large_list_view" };
    default:
      throw new DecodeError("format", `Arrow type number ${tag}`);
  }
}

function bytesType(
  utf8: boolean,
  layout: "offsets" | "large" | "view",
  declared: string,
): { type: ArrowType; declared: string } {
  return { type: { kind: "bytes", utf8, layout }, declared };
}

function timeType(
  unit: number,
  bits: 32 | 64,
  name: (unit: string) => string,
): { type: ArrowType; declared: string } {
  const unitMs = timeUnitMs[unit];
  if (unitMs === undefined) throw new DecodeError("malformed", `time unit ${unit}`);
  return { type: { kind: "time", bits, unitMs }, declared: name(timeUnitNames[unit] ?? "") };
}

/** Schemas kept over messages: producers of one topic have few. */
const schemasMax = 16;

/** Schemas by the bytes of their message, the most recently used first. */
export interface SchemaCache {
  find(metadata: Uint8Array): ArrowSchema | undefined;
  keep(metadata: Uint8Array, schema: ArrowSchema): void;
}

export function createSchemaCache(): SchemaCache {
  const entries: { readonly bytes: Uint8Array; readonly schema: ArrowSchema }[] = [];
  return {
    find(metadata) {
      const index = entries.findIndex(({ bytes }) => sameBytes(bytes, metadata));
      const found = entries[index];
      if (found === undefined) return undefined;
      if (index > 0) entries.unshift(...entries.splice(index, 1));
      return found.schema;
    },
    keep(metadata, schema) {
      entries.unshift({ bytes: new Uint8Array(metadata), schema });
      entries.length = Math.min(entries.length, schemasMax);
    },
  };
}
