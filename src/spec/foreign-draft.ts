import { RE2JS } from "re2js";
import type { FieldType } from "../model/feature-view.ts";
import { isWhole, limitsOf } from "./foreign-types.ts";
import { scalar } from "./scalar.ts";
import { apiVersion, fieldNameSchema, kind, mappingValuesMax } from "./schema.ts";

/** Something a foreign file says and a spec cannot, or the other way round. */
export interface Loss {
  /** null: of the whole file. */
  readonly field: string | null;
  /** As the file calls it. */
  readonly rule: string;
  readonly reason: string;
  /** In the file, from 1; 0: none. */
  readonly line: number;
}

/** A spec in the making. Importers add what they read, in any order; `draftText` makes the best of it. */
export interface Draft {
  name: string | undefined;
  readonly fields: Map<string, DraftField>;
  readonly losses: Loss[];
}

export interface DraftField {
  type: FieldType | undefined;
  nullable: boolean;
  readonly sets: ValueSet[];
  readonly bounds: Bound[];
  readonly patterns: { readonly pattern: string; readonly line: number }[];
  readonly lengths: { readonly min: number; readonly max: number | undefined; readonly line: number }[];
  dimensions: number | undefined;
  finite: boolean;
}

interface ValueSet {
  readonly values: readonly unknown[];
  /** Share of values outside that is still right. */
  readonly outside: number;
  readonly rule: string;
  readonly line: number;
}

interface Bound {
  readonly side: "low" | "high";
  readonly value: number;
  readonly exclusive: boolean;
  readonly rule: string;
  readonly line: number;
}

export interface DraftOptions {
  readonly name: string;
  readonly eventTime: string | undefined;
  /** For the header: what was read. */
  readonly source: string;
}

/** RE2 repeats no more often. */
const repeatMax = 1_000;
const patternCharactersMax = 1_000;
const valueCharactersMax = 1_024;
/** Fields that a line of the header names; the rest is counted. */
const fieldsShownMax = 6;

export function createDraft(name?: string): Draft {
  return { name, fields: new Map(), losses: [] };
}

/** The field of that name, made when there is none yet. */
export function fieldOf(draft: Draft, name: string): DraftField {
  let field = draft.fields.get(name);
  if (field === undefined) {
    field = {
      type: undefined,
      nullable: true,
      sets: [],
      bounds: [],
      patterns: [],
      lengths: [],
      dimensions: undefined,
      finite: false,
    };
    draft.fields.set(name, field);
  }
  return field;
}

/** Notes what is not carried over. */
export function lose(draft: Draft, field: string | null, rule: string, reason: string, line: number): void {
  draft.losses.push({ field, rule, reason, line });
}

/**
 * The spec as YAML, with what was not carried at its head, and the losses as they are now that every field has its type.
 * @returns `fields`: how many could be declared; with 0 the text is no spec
 */
export function draftText(
  draft: Draft,
  { name, eventTime, source }: DraftOptions,
): { readonly text: string; readonly losses: readonly Loss[]; readonly fields: number } {
  const losses = [...draft.losses];
  const declared: string[] = [];
  let count = 0;
  for (const [field, facts] of draft.fields) {
    if (field === eventTime) continue;
    const line = fieldLine(field, facts, losses);
    if (line === undefined) continue;
    declared.push(line);
    if (!line.startsWith("  #")) count += 1;
  }
  losses.sort((a, b) => a.line - b.line);
  const lines = [
    `# Imported from ${plain(source)}. Go through it, then add what it could not say: window, segments, models.`,
    ...(losses.length === 0 ? ["# Everything in it is carried over."] : ["# Not carried over:"]),
    ...lossLines(losses).map((line) => `#   ${line}`),
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    `name: ${scalar(name)}`,
    "version: 1",
    ...(eventTime === undefined ? [] : [`source: { eventTime: ${scalar(eventTime)} }`]),
    "fields:",
    ...declared,
  ];
  return { text: `${lines.join("\n")}\n`, losses, fields: count };
}

/** `rule: reason (line 7): a, b and 3 more`, a line for each rule and reason. */
export function lossLines(losses: readonly Loss[]): string[] {
  const groups = Map.groupBy(losses, ({ rule, reason }) => `${rule}: ${reason}`);
  return [...groups].map(([what, all]) => {
    const fields = [...new Set(all.flatMap(({ field }) => (field === null ? [] : [field])))];
    const first = all[0]?.line ?? 0;
    const shown = fields.slice(0, fieldsShownMax).join(", ");
    const more = fields.length > fieldsShownMax ? ` and ${fields.length - fieldsShownMax} more` : "";
    const place = first === 0 ? "" : ` (line ${first}${all.length > 1 ? " and on" : ""})`;
    return plain(`${fields.length === 0 ? "" : `${shown}${more}: `}${what}${place}`);
  });
}

/** Undefined: no spec takes such a name. A comment: its type cannot be told. */
function fieldLine(name: string, field: DraftField, losses: Loss[]): string | undefined {
  const lose = (rule: string, reason: string, line: number): void =>
    void losses.push({ field: name, rule, reason, line });
  if (!fieldNameSchema.safeParse(name).success) {
    lose("name", "no spec takes such a column name", 0);
    return undefined;
  }
  const nullable = field.nullable ? [] : ["nullable: false"];
  const type = field.type ?? guessType(field);
  if (type === undefined) {
    lose("type", "is not said and cannot be told: the field stands in the spec as a comment", 0);
    return `  # ${scalar(name)}: { ${["type: ?", ...nullable].join(", ")} }`;
  }
  if (field.type === undefined) lose("type", `is not said: taken as ${type} because of its rules`, 0);
  const parts = [`type: ${type}`, ...nullable];
  const bounds = [...field.bounds];
  const mapping = mappingOf(type, field, bounds, lose);
  if (mapping !== undefined) parts.push(mapping);
  const pattern = patternOf(type, field, lose);
  if (pattern !== undefined) parts.push(`pattern: ${JSON.stringify(pattern)}`);
  const range = rangeOf(type, bounds, lose);
  if (range !== undefined) parts.push(`range: [${range.join(", ")}]`);
  if (type === "embedding" && field.dimensions !== undefined) parts.push(`dimensions: ${field.dimensions}`);
  if (field.finite && (type === "embedding" || type.startsWith("float"))) parts.push("finite: true");
  return `  ${scalar(name)}: { ${parts.join(", ")} }`;
}

function guessType({ sets, bounds, patterns, lengths }: DraftField): FieldType | undefined {
  const values = sets.flatMap((set) => set.values).filter((value) => value !== null);
  if (values.length > 0) {
    if (values.every((value) => typeof value === "string")) return "string";
    if (values.every((value) => typeof value === "boolean")) return "bool";
    if (values.every((value) => Number.isSafeInteger(value))) return "int64";
    if (values.every((value) => typeof value === "number")) return "float64";
  }
  if (patterns.length > 0 || lengths.length > 0) return "string";
  return bounds.length > 0 ? "float64" : undefined;
}

type Lose = (rule: string, reason: string, line: number) => void;

/** Of strings; whole numbers without a gap become bounds. */
function mappingOf(type: FieldType, { sets }: DraftField, bounds: Bound[], lose: Lose): string | undefined {
  let mapping: string | undefined;
  for (const { values: all, outside, rule, line } of sets) {
    const values = all.filter((value) => value !== null);
    if (type === "bool" && values.length === 2) continue;
    if (type === "string") {
      const texts = [...new Set(values.map(String))];
      if (mapping !== undefined) lose(rule, "a second set of values", line);
      else if (values.some((value) => typeof value === "object")) lose(rule, "values that are no text", line);
      else if (texts.length === 0 || texts.length > mappingValuesMax)
        lose(rule, `${texts.length} values: a mapping has 1 to ${mappingValuesMax}`, line);
      else if (texts.some((text) => text.length > valueCharactersMax))
        lose(rule, `a value of more than ${valueCharactersMax} characters`, line);
      else
        mapping = `mapping: { values: [${texts.map(scalar).join(", ")}], maxDefaultRate: ${shortNumber(outside)} }`;
      continue;
    }
    const numbers = values.filter((value) => typeof value === "number");
    const low = numbers.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const high = numbers.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const whole = isWhole(type) && numbers.length > 0 && numbers.length === values.length;
    if (outside > 0 || !whole || new Set(numbers).size !== high - low + 1)
      lose(rule, `a mapping is of strings, not of ${type}`, line);
    else
      bounds.push(
        { side: "low", value: low, exclusive: false, rule, line },
        { side: "high", value: high, exclusive: false, rule, line },
      );
  }
  return mapping;
}

function patternOf(type: FieldType, { patterns, lengths }: DraftField, lose: Lose): string | undefined {
  let chosen: string | undefined;
  for (const { pattern, line } of patterns) {
    const why =
      type !== "string"
        ? `a pattern is of strings, not of ${type}`
        : chosen !== undefined
          ? "a second pattern: a field has one"
          : pattern.length > patternCharactersMax
            ? `${pattern.length} characters, the most is ${patternCharactersMax}`
            : compiles(pattern);
    if (why === undefined) chosen = pattern;
    else lose(`pattern ${JSON.stringify(pattern.slice(0, 80))}`, why, line);
  }
  for (const { min, max, line } of lengths) {
    const why =
      type !== "string"
        ? `a length of values of type ${type}`
        : chosen !== undefined
          ? "a field has one pattern, and a length needs one"
          : Math.max(min, max ?? 0) > repeatMax
            ? `a pattern counts to ${repeatMax}`
            : undefined;
    if (why === undefined) chosen = `(?s)^.{${min},${max ?? ""}}$`;
    else lose(`length ${min} to ${max ?? "any"}`, why, line);
  }
  return chosen;
}

function compiles(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch {
    return "RE2 has no lookaround, no backreferences";
  }
}

/** The narrowest of all bounds; an open end is the type's own. */
function rangeOf(
  type: FieldType,
  bounds: readonly Bound[],
  lose: Lose,
): readonly [number, number] | undefined {
  const limits = limitsOf(type);
  if (limits === undefined) {
    for (const { rule, line } of bounds) lose(rule, `a range is of numbers, not of ${type}`, line);
    return undefined;
  }
  if (bounds.length === 0) return undefined;
  let [low, high] = limits;
  for (const { side, value, exclusive, rule, line } of bounds) {
    const step = exclusive && isWhole(type) ? 1 : 0;
    if (exclusive && step === 0) lose(rule, `${value} itself is let through: both ends of a range are`, line);
    if (side === "low") low = Math.max(low, step === 0 ? value : Math.floor(value) + step);
    else high = Math.min(high, step === 0 ? value : Math.ceil(value) - step);
  }
  if (low <= high) return [low, high];
  lose("range", `no value lies between ${low} and ${high}`, bounds[0]?.line ?? 0);
  return undefined;
}

/** 1 − .95 is .05, not 0.050000000000000044. */
export function shortNumber(value: number): number {
  return Number(value.toPrecision(12));
}

/** On one line of a comment. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
