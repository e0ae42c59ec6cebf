import { createDraft, type Draft, type DraftField, fieldOf, lose } from "./foreign-draft.ts";
import type { ForeignFormat } from "./foreign-format.ts";
import {
  type ForeignSource,
  isSaid,
  listOf,
  mapOf,
  notOfFormat,
  numberOf,
  type PlainMap,
  readSource,
  textOf,
} from "./foreign-source.ts";
import { typeNamed } from "./foreign-types.ts";

/** A DataFrameSchema as pandera's `to_yaml` writes it: the old maps of checks, the lists since 0.24, and the short form. */
export const pandera: ForeignFormat = {
  name: "pandera",
  title: "Pandera schema",
  recognises: (value) =>
    isSaid(mapOf(value)?.["schema_type"]) && mapOf(mapOf(value)?.["columns"]) !== undefined,
  read(text, file) {
    const source = readSource(text, file);
    const schema = mapOf(source.value);
    const columns = mapOf(schema?.["columns"]);
    if (schema === undefined || columns === undefined)
      throw notOfFormat(file, 1, 'no map "columns": not a Pandera schema');
    const draft = createDraft(textOf(schema["name"]) ?? textOf(schema["title"]));
    for (const key of frameRules)
      if (isSaid(schema[key])) lose(draft, null, key, "a rule of the whole frame", source.line([key]));
    for (const [name, column] of Object.entries(columns)) {
      const declared = mapOf(column);
      if (declared === undefined)
        throw notOfFormat(file, source.line(["columns", name]), `columns.${name} is no map of keys`);
      readColumn(draft, name, declared, source);
    }
    return draft;
  },
};

const frameRules = [
  "checks",
  "index",
  "unique",
  "strict",
  "ordered",
  "coerce",
  "dtype",
  "unique_column_names",
  "add_missing_columns",
  "drop_invalid_rows",
];

/** Keys of a column; any other is a check in the short form. */
const columnKeys: ReadonlySet<string> = new Set([
  "dtype",
  "pandas_dtype",
  "nullable",
  "checks",
  "required",
  "regex",
  "unique",
  "coerce",
  "allow_duplicates",
  "report_duplicates",
  "name",
  "title",
  "description",
  "default",
  "metadata",
  "drop_invalid_rows",
]);

function readColumn(draft: Draft, name: string, column: PlainMap, source: ForeignSource): void {
  const line = source.line(["columns", name]);
  if (column["regex"] === true) {
    lose(draft, name, "regex", "a pattern of column names: the field is left out", line);
    return;
  }
  const field = fieldOf(draft, name);
  const dtype = textOf(column["dtype"]) ?? textOf(column["pandas_dtype"]);
  if (dtype !== undefined) {
    field.type = typeNamed(dtype);
    if (field.type === undefined) lose(draft, name, `dtype ${dtype}`, "no type of a spec", line);
    if (field.type === "string" && dtype === "object")
      lose(draft, name, "dtype object", "anything in pandas; taken as string", line);
  }
  field.nullable = column["nullable"] === true;
  if (column["required"] === false) {
    if (!field.nullable)
      lose(draft, name, "nullable: false", "a column that may be missing is null then", line);
    field.nullable = true;
  }
  if (column["unique"] === true || column["allow_duplicates"] === false)
    lose(draft, name, "unique", "no rule of a spec says it", line);
  if (column["coerce"] === true)
    lose(draft, name, "coerce", "values are read as they are, widened without loss only", line);
  for (const key of ["default", "drop_invalid_rows"])
    if (isSaid(column[key])) lose(draft, name, key, "no row is changed", line);
  for (const check of checksOf(column, name, source)) readCheck(draft, name, field, check);
}

interface Check {
  readonly name: string;
  readonly value: unknown;
  readonly line: number;
}

function checksOf(column: PlainMap, name: string, source: ForeignSource): readonly Check[] {
  const path = ["columns", name, "checks"];
  const { checks } = column;
  const short = Object.keys(column)
    .filter((key) => !columnKeys.has(key) && column[key] !== null)
    .map((key) => ({ name: key, value: column[key], line: source.line(["columns", name, key]) }));
  const list = listOf(checks);
  const named =
    list === undefined
      ? Object.entries(mapOf(checks) ?? {}).map(([key, value]) => ({
          name: key,
          value,
          line: source.line([...path, key]),
        }))
      : list.map((value, index) => ({
          name: textOf(mapOf(mapOf(value)?.["options"])?.["check_name"]) ?? `checks[${index}]`,
          value,
          line: source.line([...path, index]),
        }));
  return [...named, ...short];
}

function readCheck(draft: Draft, column: string, field: DraftField, { name, value, line }: Check): void {
  const lost = (reason: string): void => lose(draft, column, name, reason, line);
  const said = mapOf(value);
  if (mapOf(said?.["options"])?.["raise_warning"] === true) {
    lost("a warning only");
    return;
  }
  const argument = (key: string): unknown => (said === undefined ? value : (said[key] ?? said["value"]));
  const bound = (side: "low" | "high", end: unknown, exclusive: boolean): void => {
    const number = numberOf(end);
    if (number !== undefined) field.bounds.push({ side, value: number, exclusive, rule: name, line });
    else if (isSaid(end)) lost(`${JSON.stringify(end)} is no number`);
  };
  const pattern = (key: string, build: (text: string) => string): void => {
    const text = textOf(argument(key));
    if (text === undefined) lost("no text that could be read");
    else field.patterns.push({ pattern: build(text), line });
  };
  switch (name) {
    case "greater_than":
    case "gt":
      bound("low", argument("min_value"), true);
      return;
    case "greater_than_or_equal_to":
    case "ge":
      bound("low", argument("min_value"), false);
      return;
    case "less_than":
    case "lt":
      bound("high", argument("max_value"), true);
      return;
    case "less_than_or_equal_to":
    case "le":
      bound("high", argument("max_value"), false);
      return;
    case "in_range":
    case "between":
      bound("low", said?.["min_value"], said?.["include_min"] === false);
      bound("high", said?.["max_value"], said?.["include_max"] === false);
      return;
    case "isin": {
      const values = listOf(argument("allowed_values"));
      if (values === undefined || values.length === 0) {
        lost("no values that could be read");
        return;
      }
      field.sets.push({ values, outside: 0, rule: name, line });
      return;
    }
    case "equal_to":
    case "eq":
      field.sets.push({ values: [argument("value")], outside: 0, rule: name, line });
      return;
    case "str_matches": // Python's re.match: from the start
      pattern("pattern", (text) => (/^\^[^|]*$/.test(text) ? text : `^(?:${text})`));
      return;
    case "str_contains":
      pattern("pattern", (text) => text);
      return;
    case "str_startswith":
      pattern("string", (text) => `^${escaped(text)}`);
      return;
    case "str_endswith":
      pattern("string", (text) => `${escaped(text)}$`);
      return;
    case "str_length": {
      const exact = numberOf(said === undefined ? value : said["exact_value"]);
      const min = exact ?? numberOf(said?.["min_value"]) ?? 0;
      field.lengths.push({ min, max: exact ?? numberOf(said?.["max_value"]), line });
      return;
    }
    default:
      lost("no rule of a spec says it");
      return;
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
