import { type Batch, type Column, cellOf, isPresent } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import { createArrowFile } from "./write-arrow.ts";
import { createParquetFile } from "./write-parquet.ts";

/** Numbers as they are stored, int64 and instants as whole bigints of their unit, lists as numbers; null where there is none. */
export type Cell = number | bigint | boolean | string | readonly number[] | null;

export type CellType =
  | "float64"
  | "float32"
  | "int8"
  | "int16"
  | "int32"
  | "uint8"
  | "uint16"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "utf8"
  | "timestamp[s]"
  | "timestamp[ms]"
  | "timestamp[us]"
  | "timestamp[ns]"
  | "list<float32>"
  | "list<float64>";

export interface FileColumn {
  readonly name: string;
  readonly type: CellType;
}

export interface Cells extends FileColumn {
  readonly cells: readonly Cell[];
}

/** Makes the bytes of one file, part by part. */
export interface FileEncoder {
  /** The bytes that these rows add; all columns of the same length, in the order that the file was begun with. */
  rows(columns: readonly Cells[]): Promise<Uint8Array>;
  finish(): Promise<Uint8Array>;
}

/** By extension: one file a format, one line here. */
const encoders: Readonly<Record<string, (columns: readonly FileColumn[]) => FileEncoder>> = {
  arrow: createArrowFile,
  feather: createArrowFile,
  parquet: createParquetFile,
};

/** @throws Fault `usage` for an extension that is not written */
export function createFile(name: string, columns: readonly FileColumn[]): FileEncoder {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  const create = encoders[extension];
  if (create !== undefined) return create(columns);
  throw new Fault("usage", `${name}: not an extension that is written`, {
    hint: `name the file .${Object.keys(encoders).join(" or .")}`,
  });
}

const instants: Readonly<Record<number, CellType>> = {
  1000: "timestamp[s]",
  1: "timestamp[ms]",
  0.001: "timestamp[us]",
  0.000001: "timestamp[ns]",
};

/** How a column is stored; undefined when it holds nothing that can be: nothing but nulls, or a type no check understands. */
export function cellTypeOf(column: Column): CellType | undefined {
  switch (column.kind) {
    case "numeric":
      return column.type === "float16" || column.type === "decimal" ? "float64" : column.type;
    case "int64":
      return column.signed ? "int64" : "uint64";
    case "timestamp":
      return instants[column.unitMs] ?? "timestamp[ms]";
    case "bool":
    case "utf8":
      return column.kind;
    case "dictionary":
      return cellTypeOf(column.dictionary);
    case "list":
      return column.child.type === "float32" ? "list<float32>" : "list<float64>";
    case "null":
    case "unsupported":
      return undefined;
  }
}

/** Every row of a batch's column as it is stored; nulls for a column that the batch lacks. */
export function cellsIn({ rows, columns }: Batch, name: string): Cell[] {
  const column = columns.get(name);
  if (column === undefined) return new Array<Cell>(rows).fill(null);
  return Array.from({ length: rows }, (_, row) => cellAt(column, row));
}

function cellAt(column: Column, row: number): Cell {
  if (!isPresent(column, row)) return null;
  if (column.kind === "dictionary") return cellAt(column.dictionary, column.codes[row] as number);
  if (column.kind !== "int64" && column.kind !== "timestamp") return cellOf(column, row);
  const [low, high] = [column.words[2 * row] as number, column.words[2 * row + 1] as number];
  const signed = column.kind === "timestamp" || column.signed;
  const value = (BigInt(signed ? high : high >>> 0) << 32n) | BigInt(low >>> 0);
  if (column.kind === "int64" || instants[column.unitMs] !== undefined) return value;
  return BigInt(Math.round(Number(value) * column.unitMs));
}
