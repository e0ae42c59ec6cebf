import type { Batch, Column } from "../model/batch.ts";
import { DecodeError } from "../model/fault.ts";
import type { FieldType } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { type InferredType, jsonCells } from "./cells.ts";
import { boundJson } from "./json-bounds.ts";
import { buildColumn, nullColumn } from "./rows.ts";

/** Field name → type of the spec; `undefined`: every field, its type told by its cells. */
export type Hints = ReadonlyMap<string, FieldType> | undefined;

export type Row = Readonly<Record<string, unknown>>;

/**
 * One object, an array of objects, or one object a line → one batch. A field `a.b` is the member `b` of the member `a` (or a
 * member that is itself called `a.b`). "NaN", "Infinity" and "-Infinity" are values of a float field, because JSON has no
 * other way to say them; any other text in a number's place is a misfit. With hints only the hinted fields are read.
 * @throws DecodeError
 */
export function decodeJson(bytes: Uint8Array, hints: Hints, limits: Limits): Batch {
  const rows = parseRows(bytes, hints, limits);
  return rowsToBatch(rows, hints ?? inferTypes(rows, limits), limits);
}

/** Objects → columns. A field that no row has gives no column. @throws DecodeError limit: too many rows */
export function rowsToBatch(
  rows: readonly Row[],
  types: ReadonlyMap<string, InferredType>,
  limits: Limits,
): Batch {
  if (rows.length > limits.rowsPerBatch)
    throw new DecodeError("limit", `${rows.length} rows in a message, at most ${limits.rowsPerBatch}`);
  const columns = new Map<string, Column>();
  for (const { member, type } of fieldsOf(types)) {
    const cells = cellsOf(rows, member);
    if (cells === undefined) continue;
    columns.set(
      member.name,
      cells.some(isValue) ? buildColumn(cells, type, jsonCells) : nullColumn(rows.length, "json"),
    );
  }
  return { rows: rows.length, columns };
}

/**
 * What every field of the rows seems to be; `string` for one whose every cell is null.
 * @throws DecodeError limit: too many fields
 */
export function inferTypes(
  rows: readonly Row[],
  limits: Limits,
  known: ReadonlyMap<string, InferredType> = new Map(),
): Map<string, InferredType> {
  const names = new Set<string>(known.keys());
  for (const row of rows) {
    collectNames(row, "", names, limits.nesting);
    if (names.size > limits.fields)
      throw new DecodeError("limit", `more than ${limits.fields} fields in JSON rows`);
  }
  const types = new Map<string, InferredType>();
  for (const name of names)
    types.set(name, known.get(name) ?? jsonCells.infer(cellsOf(rows, memberOf(name)) ?? []) ?? "string");
  return types;
}

function collectNames(object: Row, prefix: string, into: Set<string>, depth: number): void {
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (isObject(value) && depth > 0) collectNames(value, `${prefix}${key}.`, into, depth - 1);
    else into.add(prefix + key);
  }
}

/** Where a field stands in an object. */
interface Member {
  readonly name: string;
  readonly path: readonly string[] | undefined;
  /** Names that every object inherits (`constructor`, `__proto__`) must be the row's own. */
  readonly inherited: boolean;
}

interface Field {
  readonly member: Member;
  readonly type: InferredType;
}

const known = new WeakMap<ReadonlyMap<string, InferredType>, readonly Field[]>();

/** A spec's types are the same object for every message, and nobody changes them. */
function fieldsOf(types: ReadonlyMap<string, InferredType>): readonly Field[] {
  const before = known.get(types);
  if (before !== undefined) return before;
  const fields = [...types].map(([name, type]) => ({ member: memberOf(name), type }));
  known.set(types, fields);
  return fields;
}

const memberOf = (name: string): Member => ({
  name,
  path: name.includes(".") ? name.split(".") : undefined,
  inherited: name in Object.prototype,
});

/** The cells of a field, `undefined` where a row lacks it; `undefined` when every row does. */
function cellsOf(rows: readonly Row[], { name, path, inherited }: Member): unknown[] | undefined {
  const cells: unknown[] = new Array(rows.length);
  let seen = false;
  for (let row = 0; row < rows.length; row++) {
    const object = rows[row] as Row;
    let cell = inherited ? own(object, name) : object[name];
    if (cell === undefined && path !== undefined) cell = walk(object, path);
    cells[row] = cell;
    seen ||= cell !== undefined;
  }
  return seen ? cells : undefined;
}

/** A member `b` of `a`; null when an object on the way is. */
function walk(object: Row, path: readonly string[]): unknown {
  let value: unknown = object;
  for (const key of path) {
    if (value === null) return null;
    if (!isObject(value)) return undefined;
    value = own(value, key);
  }
  return value;
}

const own = (object: Row, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);
const isValue = (cell: unknown): boolean => cell !== null && cell !== undefined;
export const isObject = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The objects of a message. @throws DecodeError */
export function parseRows(bytes: Uint8Array, hints: Hints, limits: Limits): readonly Row[] {
  boundJson(bytes, limits);
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw new DecodeError("malformed", "JSON that is not UTF-8", { cause });
  }
  const exact = needsExactIntegers(text, hints);
  let whole: unknown;
  try {
    whole = parseJson(text, exact);
  } catch (error) {
    if (!text.trim().includes("\n")) throw asDecodeError(error, "JSON", text);
    return parseLines(text, exact);
  }
  const rows: readonly unknown[] = Array.isArray(whole) ? whole : [whole];
  for (let row = 0; row < rows.length; row++)
    if (!isObject(rows[row])) throw notAnObject(rows[row], `element ${row}`);
  return rows as readonly Row[];
}

function parseLines(text: string, exact: boolean): readonly Row[] {
  const rows: Row[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const row = parseLine(line, index + 1, exact);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/**
 * The object on a line; `undefined` for a blank line.
 * @param exact  whether integers beyond 2^53 keep their digits, see `needsExactIntegers`
 * @throws DecodeError that names the line
 */
export function parseLine(line: string, number: number, exact: boolean): Row | undefined {
  if (line.trim() === "") return undefined;
  let value: unknown;
  try {
    value = parseJson(line, exact);
  } catch (error) {
    throw asDecodeError(error, `line ${number}`, line);
  }
  if (!isObject(value)) throw notAnObject(value, `line ${number}`);
  return value;
}

/** Whether some integer may be beyond 2^53 and some field may hold it. */
export function needsExactIntegers(text: string, hints: Hints): boolean {
  if (hints !== undefined && !hasWideIntegers(hints)) return false;
  // 16 digits that are no fraction and no text
  return /(?:^|[:,[\s-])\d{16,}(?![\d.])/.test(text);
}

function hasWideIntegers(hints: NonNullable<Hints>): boolean {
  for (const type of hints.values()) if (type === "int64" || type === "uint64") return true;
  return false;
}

/** Keeps the digits of an integer beyond 2^53 as a bigint; costs more than parsing, so only where such digits stand. */
function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d{1,40}$/.test(source) ? BigInt(source) : value;
}

function parseJson(text: string, exact: boolean): unknown {
  return exact ? JSON.parse(text, exactIntegers) : JSON.parse(text);
}

function asDecodeError(error: unknown, where: string, text: string): DecodeError {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  const atEnd = position !== undefined && Number(position) >= text.trimEnd().length;
  const reason = atEnd || /end of JSON input|Unterminated/.test(message) ? "truncated" : "malformed";
  return new DecodeError(reason, `${where}: ${message.slice(0, 200)}`, { cause: error });
}

function notAnObject(value: unknown, where: string): DecodeError {
  const found = value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
  return new DecodeError("schema", `${where}: ${found} where a JSON object is expected`);
}
