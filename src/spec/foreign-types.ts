import type { FieldType } from "../model/feature-view.ts";

/** Names of types in pandas, numpy, Arrow, Spark and SQL, lower case and without their size in brackets. */
const names: Readonly<Partial<Record<FieldType, readonly string[]>>> = {
  bool: ["bool", "boolean", "bool_", "booleantype"],
  int8: ["int8", "tinyint", "bytetype", "byteint"],
  int16: ["int16", "smallint", "shorttype", "int2"],
  int32: ["int32", "integertype", "int4"],
  int64: ["int64", "int", "integer", "int_", "bigint", "long", "longtype", "int8[pyarrow]"],
  uint8: ["uint8"],
  uint16: ["uint16"],
  uint32: ["uint32"],
  uint64: ["uint64"],
  float32: ["float32", "real", "floattype", "float4"],
  float64: [
    "float64",
    "float",
    "float_",
    "double",
    "double_precision",
    "double precision",
    "doubletype",
    "decimal",
    "decimaltype",
    "numeric",
    "number",
    "float8",
  ],
  string: [
    "str",
    "string",
    "string[python]",
    "string[pyarrow]",
    "object",
    "category",
    "categorical",
    "stringtype",
    "varchar",
    "nvarchar",
    "char",
    "character varying",
    "text",
    "uuid",
  ],
  timestamp: [
    "timestamp",
    "timestamptype",
    "timestamp_ntz",
    "timestamptz",
    "timestamp_tz",
    "datetime",
    "datetime64",
    "datetime64[ns]",
    "datetime64[us]",
    "datetime64[ms]",
    "datetime64[s]",
  ],
};

const byName: ReadonlyMap<string, FieldType> = new Map(
  Object.entries(names).flatMap(([type, aliases]) =>
    aliases.map((alias) => [alias, type as FieldType] as const),
  ),
);

/**
 * The type of a spec that others call `name`: `Int64`, `VARCHAR(20)`, `datetime64[ns, UTC]`. SQL's and pandas' plain `int` and
 * `float` are taken at their widest, because a narrower column widens to it and a wider one would break it.
 */
export function typeNamed(name: string): FieldType | undefined {
  const lower = name.trim().toLowerCase();
  return (
    byName.get(lower) ??
    byName.get(lower.replace(/\s*\(.*\)$/, "")) ??
    (/^(datetime64\[\w+,|datetimetz|timestamp)/.test(lower) ? "timestamp" : undefined)
  );
}

/** Lowest and highest value of a type of numbers; what a range with one end leaves open. */
export function limitsOf(type: FieldType): readonly [number, number] | undefined {
  const whole = /^(u?)int(\d+)$/.exec(type);
  if (whole !== null) {
    const bits = Number(whole[2]);
    return whole[1] === "u" ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  }
  if (type === "float64") return [-Number.MAX_VALUE, Number.MAX_VALUE];
  if (type === "float32") return [-largestFloat32, largestFloat32];
  return undefined;
}

export function isWhole(type: FieldType): boolean {
  return type.includes("int");
}

const largestFloat32 = 3.4028234663852886e38;
