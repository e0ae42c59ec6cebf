import { type Batch, type Column, cellOf, instantOf, isPresent } from "../model/batch.ts";
import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import { hashText } from "../model/hash.ts";
import { isoTime } from "../model/time.ts";
import type { Rule, Text } from "./rule.ts";
import { rules as allRules } from "./table.ts";
import { fits } from "./type.ts";

/** One broken rule of one cell. */
export interface RowError {
  /** From 0. */
  readonly row: number;
  readonly field: string;
  /** The rule's name: `missing`, `type`, `null`, `default`, `range`… Stable. */
  readonly code: string;
  /** One sentence for people, with the value: `"United States" is not in the mapping of user_location`. */
  readonly detail: string;
  /** What the spec asks for: `one of 40 values`, `0 to 86400`. */
  readonly expected: string;
  /** The offending value, at most 80 characters. */
  readonly value: string;
}

const valueMax = 80;
const compiled = new WeakMap<FeatureView, readonly FieldChecks[]>();

interface FieldChecks {
  readonly field: FieldSpec;
  readonly rules: readonly Rule[];
}

/** Row by row, as the HTTP gate needs it. Errors in order of rows, then of the spec's fields. */
export function validateBatch(
  view: FeatureView,
  batch: Batch,
  { maxErrors }: { readonly maxErrors: number },
): { readonly rejectedRows: number; readonly errors: readonly RowError[] } {
  const fields = compiled.get(view) ?? view.fields.map((field) => ({ field, rules: compileRules(field) }));
  compiled.set(view, fields);
  const errors: RowError[] = [];
  let rejectedRows = 0;
  for (let row = 0; row < batch.rows; row++) {
    let broken = false;
    for (const checks of fields) {
      for (const { rule, value } of checkCell(checks, batch, row)) {
        broken = true;
        if (errors.length < maxErrors) errors.push(errorOf(checks.field, rule, row, value));
      }
    }
    if (broken) rejectedRows += 1;
  }
  return { rejectedRows, errors };
}

function compileRules(field: FieldSpec): readonly Rule[] {
  return Object.values(allRules).flatMap((compile) => compile(field) ?? []);
}

interface Broken {
  readonly rule: Rule;
  readonly value: string;
}

function checkCell({ field, rules }: FieldChecks, batch: Batch, row: number): readonly Broken[] {
  const cellRule = (name: string): Rule | undefined => rules.find((rule) => rule.name === name);
  const breaking = (name: string, value: string): readonly Broken[] => {
    const rule = cellRule(name);
    return rule === undefined ? [] : [{ rule, value }];
  };
  if (field.derive !== undefined) {
    const [start, end] = [batch.columns.get(field.derive.from), batch.columns.get(field.derive.to)];
    const [from, to] = [instantAt(start, row), instantAt(end, row)];
    return from === undefined || to === undefined ? [] : checkValue(rules, to - from, String(to - from));
  }
  const column = batch.columns.get(field.name);
  if (column === undefined) return field.nullable ? [] : breaking("missing", "nothing");
  if (column.misfits?.rows.includes(row) === true) return breaking("type", column.misfits.example);
  const cell = cellOf(column, row);
  if (!fits(field.type, column)) return cell === null ? [] : breaking("type", show(column, row));
  if (cell === null) return breaking("null", "null");
  return checkValue(rules, cell, show(column, row));
}

function instantAt(column: Column | undefined, row: number): number | undefined {
  return column?.kind === "timestamp" && isPresent(column, row) ? instantOf(column, row) : undefined;
}

function checkValue(
  rules: readonly Rule[],
  cell: string | number | boolean | readonly number[],
  value: string,
): readonly Broken[] {
  return rules.filter((rule) => breaks(rule, cell)).map((rule) => ({ rule, value }));
}

function breaks(rule: Rule, cell: string | number | boolean | readonly number[]): boolean {
  switch (rule.kind) {
    case "cell":
      return false;
    case "number":
      if (Array.isArray(cell)) return rule.name === "nonfinite" && cell.some((x) => rule.breaks(x));
      return typeof cell === "number"
        ? rule.breaks(cell)
        : typeof cell === "string" && rule.breaks(Number(cell));
    case "text":
      return typeof cell === "string" && rule.breaks(textOf(cell));
    case "list":
      return Array.isArray(cell) && rule.breaks(cell.length);
  }
}

function textOf(value: string): Text {
  const { bytes, low, high } = hashText(value);
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    from: 0,
    to: bytes.length,
    low,
    high,
  };
}

function show(column: Column, row: number): string {
  const cell = cellOf(column, row);
  const text = column.kind === "timestamp" && typeof cell === "number" ? isoTime(cell) : JSON.stringify(cell);
  return text.length <= valueMax ? text : `${text.slice(0, valueMax - 1)}…`;
}

function errorOf({ name, mapping }: FieldSpec, rule: Rule, row: number, value: string): RowError {
  return {
    row,
    field: name,
    code: rule.name,
    detail: detailOf(name, rule, value, mapping?.values),
    expected: rule.expected,
    value,
  };
}

function detailOf(name: string, rule: Rule, value: string, known: readonly string[] | undefined): string {
  switch (rule.name) {
    case "missing":
      return `${name} is missing`;
    case "null":
      return `${name} is null`;
    case "type":
      return `${name} is ${value}, not a ${rule.expected}`;
    case "default":
      return `${value} is not in the mapping of ${name}${known === undefined ? "" : `, for example ${known.slice(0, 3).join(", ")}`}`;
    case "pattern":
      return `${value} is not ${rule.expected}, the pattern of ${name}`;
    default:
      return `${name} is ${value}; expected ${rule.expected}`;
  }
}
