import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { Cell, CellType, FileColumn, FileEncoder } from "./write-file.ts";

type Element = Omit<SchemaElement, "name" | "repetition_type">;

const instant = (unit: "MILLIS" | "MICROS" | "NANOS"): Element => ({
  type: "INT64",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit },
});

const elements: Readonly<Record<Exclude<CellType, `list<${string}>`>, Element>> = {
  float64: { type: "DOUBLE" },
  float32: { type: "FLOAT" },
  int8: { type: "INT32", converted_type: "INT_8" },
  int16: { type: "INT32", converted_type: "INT_16" },
  int32: { type: "INT32" },
  uint8: { type: "INT32", converted_type: "UINT_8" },
  uint16: { type: "INT32", converted_type: "UINT_16" },
  uint32: { type: "INT32", converted_type: "UINT_32" },
  int64: { type: "INT64" },
  uint64: { type: "INT64", converted_type: "UINT_64" },
  bool: { type: "BOOLEAN" },
  utf8: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  "timestamp[s]": instant("MILLIS"), // Parquet has no seconds
  "timestamp[ms]": instant("MILLIS"),
  "timestamp[us]": instant("MICROS"),
  "timestamp[ns]": instant("NANOS"),
};

/** A Parquet file, Snappy, a row group for each call of `rows`. */
export function createParquetFile(columns: readonly FileColumn[]): FileEncoder {
  const writer = new ByteWriter();
  const take = (): Uint8Array => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  const file = new ParquetWriter({ writer, schema: schemaOf(columns), createdBy: "tidemark" });
  return {
    async rows(some) {
      const length = some[0]?.cells.length ?? 0;
      if (length === 0) return take();
      const columnData = some.map(({ name, type, cells }) => ({ name, data: cells.map(storedAs(type)) }));
      await file.write({ columnData, rowGroupSize: length });
      return take();
    },
    async finish() {
      await file.finish();
      return take();
    },
  };
}

function schemaOf(columns: readonly FileColumn[]): SchemaElement[] {
  const root: SchemaElement = { name: "root", num_children: columns.length };
  return [root, ...columns.flatMap(elementsOf)];
}

function elementsOf({ name, type }: FileColumn): SchemaElement[] {
  if (type !== "list<float32>" && type !== "list<float64>")
    return [{ name, repetition_type: "OPTIONAL", ...elements[type] }];
  return [
    { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    {
      name: "element",
      repetition_type: "OPTIONAL",
      type: type === "list<float32>" ? "FLOAT" : "DOUBLE",
    },
  ];
}

function storedAs(type: CellType): (cell: Cell) => Cell {
  if (type === "timestamp[s]") return (cell) => (cell === null ? null : BigInt(cell as bigint) * 1_000n);
  return (cell) => cell;
}
