import { parse } from "smol-toml";
import { literally } from "./finding.ts";

export type Table = Readonly<Record<string, unknown>>;

/** @throws TomlError, with line and column */
export function readToml(text: string): Table {
  return parse(text);
}

/** The table at a path of keys; an empty one when there is none. */
export function tableAt(root: unknown, ...path: readonly string[]): Table {
  let value = root;
  for (const key of path) value = isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isTable(value) ? value : {};
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export function tablesIn(value: unknown): readonly Table[] {
  return Array.isArray(value) ? value.filter(isTable) : [];
}

/** Offset of the header `[name]` of a table, for messages; 0 when it is written another way. */
export function headerOf(text: string, name: string): number {
  return new RegExp(`^\\s*\\[+\\s*${literally(name)}\\s*\\]+`, "m").exec(text)?.index ?? 0;
}
