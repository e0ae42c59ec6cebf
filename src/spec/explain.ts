import type { z } from "zod";
import type { Path, YamlFile } from "./document.ts";
import type { Issue } from "./issue.ts";
import { nearest } from "./nearest.ts";

/** An issue before it is placed in its file. */
export interface Finding {
  readonly path: Path;
  /** Points at the key rather than at its value. */
  readonly of?: "key";
  /** Without the prefix: `unknown-key`, `missing-key`, `wrong-type`, `bad-value`, `reference`. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** `fields.user_location.range[1]`: how messages name a place; a name that would be read wrongly stands in quotes. */
export function placeOf(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      const name = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}

/** A value as messages show it: at most 60 characters, on one line. */
export function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Puts a finding where it belongs in its file. */
export function placeFinding(yaml: YamlFile, codes: string, finding: Finding): Issue {
  const { path, of, code, message, hint } = finding;
  const place = placeOf(path);
  return {
    file: yaml.file,
    ...yaml.locate(path, of),
    code: `${codes}.${code}`,
    message: place === "" ? message : `${place}: ${message}`,
    hint,
  };
}

/** What zod found wrong with `value`, in our words. `prefix` is the path of `value` in its file. */
export function explain(schema: z.ZodType, value: unknown, error: z.ZodError, prefix: Path = []): Finding[] {
  return error.issues.flatMap((issue): Finding[] => {
    const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
    const full = [...prefix, ...path];
    const found = valueAt(value, path);
    if (issue.code === "unrecognized_keys") {
      const known = keysOf(schemaAt(schema, path));
      return issue.keys.map((key) => unknownKey(full, key, known));
    }
    if (found === undefined && path.length > 0) return [missingKey(full)];
    switch (issue.code) {
      case "invalid_type":
        return [wrongType(full, issue.expected, found)];
      case "invalid_value":
        return [notOneOf(full, issue.values.map(String), found)];
      case "too_small":
        return [outOfBounds(full, found, Number(issue.minimum), issue.inclusive !== false, "low")];
      case "too_big":
        return [outOfBounds(full, found, Number(issue.maximum), issue.inclusive !== false, "high")];
      default:
        return [{ path: full, code: "bad-value", message: `${show(found)} ${issue.message}` }];
    }
  });
}

export function unknownKey(parent: Path, key: string, known: readonly string[]): Finding {
  const like = nearest(key, known);
  const hint =
    like !== undefined
      ? `did you mean ${JSON.stringify(like)}?`
      : known.length > 0
        ? `known keys: ${known.join(", ")}`
        : undefined;
  return {
    path: [...parent, key],
    of: "key",
    code: "unknown-key",
    message: "unknown key",
    hint,
  };
}

function missingKey(path: Path): Finding {
  const key = path.at(-1);
  return {
    path: path.slice(0, -1),
    of: "key",
    code: "missing-key",
    message: typeof key === "number" ? `no value ${key + 1}` : `no ${JSON.stringify(key)}`,
  };
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a map of keys",
  record: "a map of keys",
  array: "a list",
  tuple: "a list",
};

function wrongType(path: Path, expected: string, found: unknown): Finding {
  const message = `${show(found)} is not ${typeNames[expected] ?? expected}`;
  return { path, code: "wrong-type", message, hint: typeHint(expected, found) };
}

function typeHint(expected: string, found: unknown): string | undefined {
  if (expected === "string" && (typeof found === "number" || typeof found === "boolean"))
    return `quote it: "${found}"`;
  if (expected === "boolean" && typeof found === "string" && /^(yes|no|on|off|y|n)$/i.test(found))
    return "YAML 1.2 writes true and false";
  if ((expected === "number" || expected === "int") && typeof found === "string" && found.trim() !== "")
    return Number.isNaN(Number(found)) ? undefined : `write it without quotes: ${found.trim()}`;
  if (expected === "array" && (typeof found === "string" || typeof found === "number"))
    return `write it as a list: [${found}]`;
  return found === null ? "leave the key out or give it a value" : undefined;
}

function notOneOf(path: Path, values: readonly string[], found: unknown): Finding {
  const like = typeof found === "string" ? nearest(found, values) : undefined;
  const choices = values.length === 1 ? `not ${JSON.stringify(values[0])}` : `none of ${values.join(", ")}`;
  return {
    path,
    code: "bad-value",
    message: `${show(found)} is ${choices}`,
    hint: like === undefined ? undefined : `did you mean ${JSON.stringify(like)}?`,
  };
}

function outOfBounds(
  path: Path,
  found: unknown,
  bound: number,
  inclusive: boolean,
  side: "low" | "high",
): Finding {
  const word = side === "low" ? "least" : "most";
  if (typeof found === "number") {
    const limit = inclusive
      ? `the ${word} is ${bound}`
      : `must be ${side === "low" ? "above" : "below"} ${bound}`;
    return { path, code: "bad-value", message: `${found} is out of bounds: ${limit}` };
  }
  const size = Array.isArray(found) || typeof found === "string" ? found.length : 0;
  const unit = typeof found === "string" ? "characters" : "values";
  const what = size === 0 ? "is empty" : `has ${size} ${unit}`;
  const shown = typeof found === "string" || size <= 8 ? `${show(found)} ` : "";
  return { path, code: "bad-value", message: `${shown}${what}: the ${word} is ${bound}` };
}

/** Own properties only: `__proto__` is a key like any other. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/** The schema that a value at `path` meets, wrappers taken off. */
function schemaAt(schema: unknown, path: Path): unknown {
  let at = unwrap(schema);
  for (const step of path) {
    const { def } = at as { def: SchemaDef };
    if (def.type === "object") at = unwrap(def.shape?.[String(step)]);
    else if (def.type === "array") at = unwrap(def.element);
    else if (def.type === "record") at = unwrap(def.valueType);
    else return undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

interface SchemaDef {
  readonly type: string;
  readonly innerType?: unknown;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly valueType?: unknown;
}

function unwrap(schema: unknown): unknown {
  let at = schema as { def?: SchemaDef } | undefined;
  while (at?.def?.innerType !== undefined) at = at.def.innerType as typeof at;
  return at;
}

function keysOf(schema: unknown): readonly string[] {
  return Object.keys((schema as { def?: SchemaDef } | undefined)?.def?.shape ?? {});
}
