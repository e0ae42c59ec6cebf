import { type Batch, type Column, cellOf, instantOf, int64ToNumber, isPresent } from "../model/batch.ts";
import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import { hashBytes, viewOf } from "../model/hash.ts";
import { isoTime } from "../model/time.ts";
import {
  articled,
  type ListRule,
  type NumberRule,
  type Rule,
  type RuleName,
  type Text,
  type TextRule,
} from "./rule.ts";
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
  /** What the sender can do about it, in one sentence. */
  readonly hint: string;
  /** The offending value, at most 80 characters; `(redacted)` when the spec says so. */
  readonly value: string;
}

export interface Validation {
  readonly rejectedRows: number;
  /** One byte a row: 1 where it breaks a rule. */
  readonly rejected: Uint8Array;
  /** The first `maxErrors`, in order of rows, then of the spec's fields. */
  readonly errors: readonly RowError[];
  /** All of them. */
  readonly errorCount: number;
  /** All of them by field and code, as `field|code`. */
  readonly counts: ReadonlyMap<string, number>;
}

/** A share of these is fine (a slow request, an empty answer): the judge decides over a window, and no row is refused for them. */
const judgedByRate: ReadonlySet<RuleName> = new Set(["max", "empty"]);

export const redacted = "(redacted)";
const valueMax = 80;

/**
 * Asks every rule of every field about every row, as the HTTP gate needs it: column by column, each distinct value of a
 * dictionary once. The rules are compiled at the first batch of a view.
 */
export function validateBatch(
  view: FeatureView,
  batch: Batch,
  { maxErrors }: { readonly maxErrors: number },
): Validation {
  const rejected = new Uint8Array(batch.rows);
  const findings: Finding[] = [];
  const counts = new Map<string, number>();
  let errorCount = 0;
  for (const checks of compile(view)) {
    let kept = 0; // of one field no more can be among the first of all
    checkField(checks, batch, (row, rule, show) => {
      rejected[row] = 1;
      errorCount += 1;
      const key = `${checks.field.name}|${rule.name}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (kept >= maxErrors) return;
      kept += 1;
      findings.push({ row, order: checks.order, field: checks.field, rule, value: shorten(show()) });
    });
  }
  let rejectedRows = 0;
  for (const broken of rejected) rejectedRows += broken;
  const first = findings.sort((a, b) => a.row - b.row || a.order - b.order).slice(0, maxErrors);
  return { rejectedRows, rejected, errors: first.map(errorOf), errorCount, counts };
}

interface Finding {
  readonly row: number;
  /** The field's place in the spec. */
  readonly order: number;
  readonly field: FieldSpec;
  readonly rule: Rule;
  readonly value: string;
}

/** The rules of one field by what they ask about. */
interface FieldChecks {
  readonly field: FieldSpec;
  readonly order: number;
  readonly missing: Rule | undefined;
  readonly type: Rule | undefined;
  readonly null: Rule | undefined;
  readonly numbers: readonly NumberRule[];
  readonly texts: readonly TextRule[];
  readonly lists: readonly ListRule[];
}

type Report = (row: number, rule: Rule, show: () => string) => void;

const compiled = new WeakMap<FeatureView, readonly FieldChecks[]>();

function compile(view: FeatureView): readonly FieldChecks[] {
  const known = compiled.get(view);
  if (known !== undefined) return known;
  const made = view.fields.map((field, order): FieldChecks => {
    const rules = Object.values(allRules)
      .flatMap((compileRule) => compileRule(field) ?? [])
      .filter(({ name }) => !judgedByRate.has(name));
    const cell = (name: string): Rule | undefined =>
      field.nullable && name === "missing" ? undefined : rules.find((rule) => rule.name === name);
    return {
      field,
      order,
      missing: cell("missing"),
      type: cell("type"),
      null: cell("null"),
      numbers: rules.filter((rule) => rule.kind === "number"),
      texts: rules.filter((rule) => rule.kind === "text"),
      lists: rules.filter((rule) => rule.kind === "list"),
    };
  });
  compiled.set(view, made);
  return made;
}

function checkField(checks: FieldChecks, batch: Batch, report: Report): void {
  const { field } = checks;
  if (field.derive !== undefined) {
    checkDerived(checks, batch.columns.get(field.derive.from), batch.columns.get(field.derive.to), report);
    return;
  }
  const column = batch.columns.get(field.name);
  if (column === undefined) {
    if (checks.missing !== undefined)
      for (let row = 0; row < batch.rows; row++) report(row, checks.missing, () => "nothing");
    return;
  }
  const misfits = misfitsOf(column, checks, report);
  const fitting = fits(field.type, column);
  const judge = fitting ? judgeOf(checks, column) : undefined;
  let row = 0;
  const shown = (): string => show(column, row); // asked for at once
  const broken = (rule: Rule): void => report(row, rule, shown);
  for (; row < batch.rows; row++) {
    if (misfits?.has(row) === true) continue;
    if (!holdsValue(column, row)) {
      if (fitting && checks.null !== undefined) report(row, checks.null, () => "null");
    } else if (!fitting) {
      if (checks.type !== undefined) broken(checks.type);
    } else judge?.(row, broken);
  }
}

/** Cells of row formats that are of a wrong type; the decoder keeps the value of the first one only. */
function misfitsOf(column: Column, { type }: FieldChecks, report: Report): ReadonlySet<number> | undefined {
  const { misfits } = column;
  if (misfits === undefined || type === undefined) return undefined;
  misfits.rows.forEach((row, index) => {
    report(row, type, () => (index === 0 ? misfits.example : `a ${misfits.found}`));
  });
  return new Set(misfits.rows);
}

function checkDerived(
  { numbers }: FieldChecks,
  from: Column | undefined,
  to: Column | undefined,
  report: Report,
): void {
  if (from?.kind !== "timestamp" || to?.kind !== "timestamp") return;
  for (let row = 0; row < from.rows; row++) {
    if (!isPresent(from, row) || !isPresent(to, row)) continue;
    const value = instantOf(to, row) - instantOf(from, row);
    for (const rule of numbers) if (rule.breaks(value)) report(row, rule, () => String(value));
  }
}

/** A dictionary's entry may itself be null. */
function holdsValue(column: Column, row: number): boolean {
  if (!isPresent(column, row)) return false;
  return column.kind !== "dictionary" || isPresent(column.dictionary, column.codes[row] as number);
}

/** Asks the rules about one present row. */
type Judge = (row: number, broken: (rule: Rule) => void) => void;

/** `undefined` when no rule asks about the values of such a column. */
function judgeOf(checks: FieldChecks, column: Column): Judge | undefined {
  const { numbers, texts, lists } = checks;
  switch (column.kind) {
    case "numeric":
      return judgeNumbers(numbers, (row) => column.values[row] as number);
    case "int64":
      return judgeNumbers(numbers, (row) =>
        int64ToNumber(column.words[2 * row] as number, column.words[2 * row + 1] as number, column.signed),
      );
    case "timestamp":
      return judgeNumbers(numbers, (row) => instantOf(column, row));
    case "utf8": {
      if (texts.length === 0) return undefined;
      const text: Text = { bytes: column.bytes, from: 0, to: 0, low: 0, high: 0 };
      const view = viewOf(column.bytes);
      return (row, broken) => {
        text.from = column.offsets[row] as number;
        text.to = column.offsets[row + 1] as number;
        hashBytes(text, view, text.from, text.to);
        for (const rule of texts) if (rule.breaks(text)) broken(rule);
      };
    }
    case "dictionary":
      return judgeCodes(judgeOf(checks, column.dictionary), column.codes, column.dictionary.rows);
    case "list": {
      const finite = numbers.filter(({ name }) => name === "nonfinite");
      if (finite.length === 0 && lists.length === 0) return undefined;
      const { child, offsets, size = 0 } = column;
      return (row, broken) => {
        const from = offsets === undefined ? row * size : (offsets[row] as number);
        const to = offsets === undefined ? from + size : (offsets[row + 1] as number);
        for (const rule of lists) if (rule.breaks(to - from)) broken(rule);
        for (const rule of finite) {
          for (let at = from; at < to; at++) {
            if (isPresent(child, at) && !rule.breaks(child.values[at] as number)) continue;
            broken(rule);
            break;
          }
        }
      };
    }
    case "bool":
    case "null":
    case "unsupported":
      return undefined;
  }
}

function judgeNumbers(rules: readonly NumberRule[], valueAt: (row: number) => number): Judge | undefined {
  if (rules.length === 0) return undefined;
  return (row, broken) => {
    const value = valueAt(row);
    for (const rule of rules) if (rule.breaks(value)) broken(rule);
  };
}

/** What is said of a dictionary's value is said once. */
function judgeCodes(judge: Judge | undefined, codes: ArrayLike<number>, size: number): Judge | undefined {
  if (judge === undefined) return undefined;
  const said = new Array<readonly Rule[] | undefined>(size);
  return (row, broken) => {
    const code = codes[row] as number;
    let rules = said[code];
    if (rules === undefined) {
      const found: Rule[] = [];
      judge(code, (rule) => found.push(rule));
      rules = found;
      said[code] = found;
    }
    for (const rule of rules) broken(rule);
  };
}

function show(column: Column, row: number): string {
  const cell = cellOf(column, row);
  if (column.kind === "unsupported") return `a ${column.declared}`;
  if (column.kind === "timestamp" && typeof cell === "number") return isoTime(cell);
  if (typeof cell === "object" && cell !== null) return `[${cell.slice(0, valueMax).join(", ")}]`; // NaN stays NaN
  return typeof cell === "number" ? String(cell) : JSON.stringify(cell);
}

function shorten(text: string): string {
  return text.length <= valueMax ? text : `${text.slice(0, valueMax - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function errorOf({ row, field, rule, value }: Finding): RowError {
  const shown = field.redact === true && rule.name !== "missing" && rule.name !== "null" ? redacted : value;
  return {
    row,
    field: field.name,
    code: rule.name,
    detail: detailOf(field.name, rule, shown, field.mapping?.values),
    expected: rule.expected,
    hint: hintOf(field, rule),
    value: shown,
  };
}

function detailOf(name: string, rule: Rule, value: string, known: readonly string[] | undefined): string {
  switch (rule.name) {
    case "missing":
      return `${name} is missing`;
    case "null":
      return `${name} is null`;
    case "type":
      return `${name} is ${value}, not ${articled(rule.expected)}`;
    case "default":
      return `${value} is not in the mapping of ${name}${known === undefined ? "" : `, for example ${known.slice(0, 3).join(", ")}`}`;
    case "pattern":
      return `${value} is not ${rule.expected}, the pattern of ${name}`;
    default:
      return `${name} is ${value}; expected ${rule.expected}`;
  }
}

function hintOf({ name }: FieldSpec, rule: Rule): string {
  switch (rule.name) {
    case "missing":
    case "null":
      return `send ${name} with every row, or declare it nullable in the spec`;
    case "type":
      return `send ${articled(rule.expected)}; look for a change of type where the feature is computed`;
    case "default":
      return `send ${rule.expected}; the model gives any other value its default case`;
    case "pattern":
      return `send a value that matches ${rule.expected.replace(/^a match of /, "")}`;
    case "nonfinite":
      return "look for a division by zero or an overflow where the feature is computed";
    case "dimensions":
      return `send ${rule.expected}; does another model make this embedding?`;
    default:
      return `send ${rule.expected}; check its unit`;
  }
}
