import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { type Cell, columnOfCells } from "./rows.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

export type Hints = ReadonlyMap<string, FieldType> | undefined;

/**
 * One object, an array of objects, or JSON lines → one batch. Nested objects are read by path, `a.b`.
 * @throws DecodeError
 */
export function decodeJson(bytes: Uint8Array, hints: Hints, limits: Limits): Batch {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new DecodeError("malformed", "JSON that is not UTF-8", { cause });
  }
  return batchOfRows(parseRows(text), hints, limits);
}

function parseRows(text: string): readonly Cell[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch (cause) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    if (lines.length < 2) throw new DecodeError("malformed", `JSON: ${messageOf(cause)}`, { cause });
    return lines.map((line, index) => parseLine(line, index + 1));
  }
}

/** @throws DecodeError that names the line */
export function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new DecodeError("malformed", `line ${number}: ${messageOf(cause)}`, { cause });
  }
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);
}

/** Objects → columns: those that are hinted, or without hints every path that a row has. */
export function batchOfRows(rows: readonly Cell[], hints: Hints, limits: Limits): Batch {
  if (rows.length > limits.rowsPerBatch) {
    throw new DecodeError("limit", `${rows.length} rows in a message, at most ${limits.rowsPerBatch}`);
  }
  rows.forEach((row, index) => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      throw new DecodeError(
        "malformed",
        `row ${index} is no JSON object but ${row === null ? "null" : typeof row}`,
      );
    }
  });
  const objects = rows as readonly Record<string, unknown>[];
  const columns = new Map<string, Column>();
  const names = hints === undefined ? pathsOf(objects, limits) : [...hints.keys()];
  for (const name of names) {
    const path = name.split(".");
    const cells = objects.map((row) => (Object.hasOwn(row, name) ? row[name] : follow(row, path)));
    if (cells.every((cell) => cell === undefined)) continue; // no row has it: the column is absent
    columns.set(name, columnOfCells(cells, hints?.get(name), "json"));
  }
  return { rows: rows.length, columns };
}

function follow(row: unknown, path: readonly string[]): unknown {
  let value = row;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function pathsOf(rows: readonly Record<string, unknown>[], limits: Limits): readonly string[] {
  const paths = new Set<string>();
  const collect = (object: Record<string, unknown>, prefix: string, depth: number): void => {
    if (depth > limits.nesting)
      throw new DecodeError("limit", `objects nested deeper than ${limits.nesting}`);
    for (const [key, value] of Object.entries(object)) {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        collect(value as Record<string, unknown>, `${prefix}${key}.`, depth + 1);
      } else paths.add(prefix + key);
      if (paths.size > limits.fields) throw new DecodeError("limit", `more than ${limits.fields} fields`);
    }
  };
  for (const row of rows) collect(row, "", 0);
  return [...paths];
}
