import type { Column, NumericType } from "../model/batch.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { CompileRule } from "./rule.ts";

/** The column holds the field's type, or one that widens to it without loss. */
export const type: CompileRule = (field) => ({ kind: "cell", name: "type", expected: field.type });

/** What each numeric field type takes without loss. float16 and decimal stand widened in a column of float64. */
const widens: Readonly<Partial<Record<FieldType, readonly NumericType[]>>> = {
  int8: ["int8"],
  int16: ["int8", "int16", "uint8"],
  int32: ["int8", "int16", "int32", "uint8", "uint16"],
  int64: ["int8", "int16", "int32", "uint8", "uint16", "uint32"],
  uint8: ["uint8"],
  uint16: ["uint8", "uint16"],
  uint32: ["uint8", "uint16", "uint32"],
  uint64: ["uint8", "uint16", "uint32"],
  float32: ["float16", "float32", "int8", "int16", "uint8", "uint16"],
  float64: [
    "float16",
    "float32",
    "float64",
    "decimal",
    "int8",
    "int16",
    "int32",
    "uint8",
    "uint16",
    "uint32",
  ],
};

/** Columns of row formats: their decoder has sorted out, cell by cell, what does not fit the hinted type. */
const rowFormats: ReadonlySet<string> = new Set(["json", "csv"]);

/** Whether a column's present cells are values of the type. A column that holds nothing fits every type. */
export function fits(field: FieldType, column: Column): boolean {
  switch (column.kind) {
    case "null":
      return true;
    case "unsupported":
      return column.nullCount === column.rows;
    case "numeric":
      return rowFormats.has(column.declared)
        ? widens[field] !== undefined
        : (widens[field]?.includes(column.type) ?? false);
    case "int64":
      return field === (column.signed ? "int64" : "uint64");
    case "bool":
      return field === "bool";
    case "utf8":
      return field === "string";
    case "timestamp":
      return field === "timestamp";
    case "list":
      return field === "embedding";
    case "dictionary":
      return fits(field, column.dictionary);
  }
}
