export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const widthMax = 110;

/** JSON in which what fits on a line stands on a line, keys in their own order. Ends with a newline. */
export function writeJson(value: Json): string {
  return `${written(value, "")}\n`;
}

/** A place in a JSON document. Every method that does not find what it wants throws what `fail` makes of it. */
export interface Reader {
  get(key: string): Reader;
  optional(key: string): Reader | undefined;
  entries(): [string, Reader][];
  items(): Reader[];
  text(): string;
  /** A finite number, not below `least`. */
  number(least?: number): number;
  /** An array of finite numbers. */
  numbers(): number[];
  literal(value: string): void;
  oneOf<T extends string>(values: readonly T[]): T;
  /** Says what was wanted here. */
  fail(wanted: string): never;
}

/** @param fault  makes the error of a place such as `fields.age.histogram[3]` */
export function readJson(text: string, fault: (place: string, message: string) => Error): Reader {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fault("", error instanceof Error ? error.message : "no JSON");
  }
  return createReader(value, "", fault);
}

function createReader(
  value: unknown,
  place: string,
  fault: (place: string, message: string) => Error,
): Reader {
  const fail = (wanted: string): never => {
    throw fault(place, `${found(value)}, wanted ${wanted}`);
  };
  const at = (key: string, child: unknown): Reader =>
    createReader(child, place === "" ? key : `${place}.${key}`, fault);
  const object = (): object =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? value : fail("an object");
  const array = (): unknown[] => (Array.isArray(value) ? value : fail("a list"));
  return {
    fail,
    get: (key) => at(key, Object.hasOwn(object(), key) ? (value as Record<string, unknown>)[key] : undefined),
    optional: (key) =>
      Object.hasOwn(object(), key) ? at(key, (value as Record<string, unknown>)[key]) : undefined,
    entries: () => Object.entries(object()).map(([key, child]) => [key, at(key, child)]),
    items: () => array().map((child, i) => createReader(child, `${place}[${i}]`, fault)),
    text: () => (typeof value === "string" ? value : fail("a text")),
    number(least = Number.NEGATIVE_INFINITY) {
      if (typeof value !== "number" || !Number.isFinite(value)) return fail("a number");
      return value >= least ? value : fail(`a number of at least ${least}`);
    },
    numbers: () =>
      array().every((item) => typeof item === "number" && Number.isFinite(item))
        ? (value as number[])
        : fail("a list of numbers"),
    literal(wanted) {
      if (value !== wanted) fail(JSON.stringify(wanted));
    },
    oneOf(values) {
      return values.find((candidate) => candidate === value) ?? fail(`one of ${values.join(", ")}`);
    },
  };
}

function found(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= 40 ? text : `${text.slice(0, 37)}…`;
}

function written(value: Json, indent: string): string {
  const line = JSON.stringify(value);
  if (typeof value !== "object" || value === null) return line;
  if (indent.length + line.length <= widthMax && !isRoot(indent)) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    if (items.length === 0) return "[]";
    if (items.every((item) => typeof item === "number"))
      return `[\n${filled(items as number[], inner)}\n${indent}]`;
    return `[\n${items.map((item) => inner + written(item, inner)).join(",\n")}\n${indent}]`;
  }
  const members = Object.entries(value).map(
    ([key, child]) => `${inner}${JSON.stringify(key)}: ${written(child, inner)}`,
  );
  return members.length === 0 ? "{}" : `{\n${members.join(",\n")}\n${indent}}`;
}

function isRoot(indent: string): boolean {
  return indent === "";
}

/** Eight numbers a line: a changed one changes its line only. */
function filled(values: readonly number[], indent: string): string {
  const lines: string[] = [];
  for (let i = 0; i < values.length; i += 8) lines.push(indent + values.slice(i, i + 8).join(", "));
  return lines.join(",\n");
}
