/** Thrown by `readMapping`; the caller knows the place in the spec. */
export class MappingProblem extends Error {}

/** Words that a header's first cell may be. Lower case only, so that no country code is one. */
const headers: ReadonlySet<string> = new Set(["value", "values", "code", "key", "name", "category"]);

/**
 * The values of a mapping file, without repetitions, in its order. `.csv`: the first column; a first line that is the field's
 * name or one of value, values, code, key, name, category is a header. `.txt`: a value a line. `.json`: an array of strings.
 * Blank lines and spaces around a value don't count, except in JSON and in quotes.
 * @throws MappingProblem
 */
export function readMapping(text: string, path: string, field: string, most: number): readonly string[] {
  const values = parse(text.replace(/^\uFEFF/, ""), path, field);
  if (values.length === 0) throw new MappingProblem("holds no value");
  const distinct = [...new Set(values)];
  if (distinct.length > most)
    throw new MappingProblem(`holds ${distinct.length} values, the most is ${most}`);
  return distinct;
}

function parse(text: string, path: string, field: string): readonly string[] {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  switch (extension) {
    case "csv": {
      const cells = firstCells(text);
      const [first] = cells;
      return first !== undefined && (first === field || headers.has(first)) ? cells.slice(1) : cells;
    }
    case "txt":
      return text
        .split(/\r\n|\n|\r/)
        .map((line) => line.trim())
        .filter((line) => line !== "");
    case "json":
      return parseJson(text);
    default:
      throw new MappingProblem("is neither .csv, .txt nor .json");
  }
}

function parseJson(text: string): readonly string[] {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new MappingProblem(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(values)) throw new MappingProblem("is not a JSON array");
  const odd = values.findIndex((value) => typeof value !== "string");
  if (odd >= 0) throw new MappingProblem(`value ${odd + 1} is ${JSON.stringify(values[odd])}, not a string`);
  return values as string[];
}

/** The first cell of every record (RFC 4180); records whose first cell is bare and blank are left out. */
function firstCells(text: string): string[] {
  const cells: string[] = [];
  // A quoted cell may hold commas, line ends and doubled quotes; what follows it up to the line's end is passed over,
  // quoted cells in it as wholes.
  const record =
    /(?:[ \t]*"((?:[^"]|"")*)"|([^,\r\n]*))((?:,(?:[ \t]*"(?:[^"]|"")*"[ \t]*|[^,\r\n]*))*)[^\r\n]*(?:\r\n|\n|\r|$)/y;
  while (record.lastIndex < text.length) {
    const match = record.exec(text);
    if (match === null || match[0] === "") break;
    const [, quoted, bare = ""] = match;
    if (quoted !== undefined) cells.push(quoted.replaceAll('""', '"'));
    else if (bare.trim() !== "") cells.push(bare.trim());
  }
  return cells;
}
