import { readFileSync } from "node:fs";
import { type RowError, validateBatch } from "../check/validate.ts";
import { rowsToBatch } from "../decode/json.ts";
import { type FeatureView, hintsOf } from "../model/feature-view.ts";
import { defaultLimits } from "../model/limits.ts";

/** Errors named in one answer. */
const errorsMax = 100;

export type Row = Readonly<Record<string, unknown>>;

export interface Checked {
  readonly ok: boolean;
  readonly rows: number;
  readonly rejectedRows: number;
  /** The first 100. */
  readonly errors: readonly RowError[];
}

/** A row or several against the spec, in this process: by the rules of the stream and of the HTTP gate. */
export type Validate = (rows: Row | readonly Row[]) => Checked;

/** @throws Fault `spec.missing`, or a SpecError with every mistake and its place */
export async function loadSpec(file: string): Promise<FeatureView> {
  const { parseSpec } = await import("../spec/parse.ts");
  const readText = (path: string): string => readFileSync(path, "utf8");
  return parseSpec(readText(file), { file, readText });
}

/** Typed arrays are embeddings, Dates are instants, NaN is NaN. Nothing of a row is changed. */
export function validator(view: FeatureView): Validate {
  const hints = hintsOf(view);
  return (given) => {
    const rows = (Array.isArray(given) ? (given as readonly Row[]) : [given as Row]).map(plainRow);
    if (rows.length === 0) return { ok: true, rows: 0, rejectedRows: 0, errors: [] };
    const batch = rowsToBatch(rows, hints, defaultLimits);
    const { rejectedRows, errors } = validateBatch(view, batch, { maxErrors: errorsMax });
    return { ok: rejectedRows === 0, rows: rows.length, rejectedRows, errors };
  };
}

/** The row itself, unless some value of it is one that JSON does not have. */
function plainRow(row: Row): Row {
  if (typeof row !== "object" || row === null) throw new TypeError(`validator: ${String(row)} is no row`);
  if (Array.isArray(row) || row instanceof Map)
    throw new TypeError(`validator: ${Array.isArray(row) ? "a list" : "a Map"} is no row`);
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(row)) {
    const value = row[key];
    if (typeof value === "function" || typeof value === "symbol")
      throw new TypeError(`validator: ${key} is a ${typeof value}, no value`);
    const plain = plainValue(value);
    if (plain === row[key]) continue;
    copy ??= { ...row };
    copy[key] = plain;
  }
  return copy ?? row;
}

function plainValue(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<number | bigint>, Number);
  return value;
}
