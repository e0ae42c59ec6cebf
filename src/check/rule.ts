import type { FieldSpec } from "../model/feature-view.ts";

/** The rules that cells break; one file each in this room. */
export type RuleName =
  | "missing"
  | "type"
  | "null"
  | "range"
  | "pattern"
  | "default"
  | "nonfinite"
  | "max"
  | "limit"
  | "empty"
  | "dimensions";

/** One rule of one field, compiled once. `expected` says what the spec asks for, in a few words. */
export type Rule = CellRule | NumberRule | TextRule | ListRule;

/** About the cell as such, not its value: counted from validity and the column's type. */
export interface CellRule {
  readonly kind: "cell";
  readonly name: "missing" | "type" | "null";
  readonly expected: string;
}

export interface NumberRule {
  readonly kind: "number";
  readonly name: RuleName;
  readonly expected: string;
  /** Whether no value from `least` to `largest` (finite, both included) breaks it: then there is nothing to count. */
  holds(least: number, largest: number): boolean;
  /** How many of `values[from, to)`, every one finite, break it. */
  count(values: Float64Array, from: number, to: number): number;
  /** The reference that `count` is held to; takes NaN and infinities too. */
  breaks(value: number): boolean;
}

export interface TextRule {
  readonly kind: "text";
  readonly name: RuleName;
  readonly expected: string;
  /** A function of the text alone, so a dictionary's value is asked once. */
  breaks(text: Text): boolean;
}

/** One string as bytes of a column; one object serves for many rows. (low, high) is its `hashBytes`. */
export interface Text {
  bytes: Uint8Array;
  from: number;
  to: number;
  low: number;
  high: number;
}

export interface ListRule {
  readonly kind: "list";
  readonly name: RuleName;
  readonly expected: string;
  breaks(length: number): boolean;
}

/** `undefined` when the field does not ask for the rule. */
export type CompileRule = (field: FieldSpec) => Rule | undefined;

/** `an int64`, `a uint8`, `an embedding`. */
export function articled(type: string): string {
  return `${/^(?:int|embedding)/.test(type) ? "an" : "a"} ${type}`;
}
