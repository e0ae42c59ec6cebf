import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
} from "yaml";
import type { Issue } from "./issue.ts";

export type Path = readonly (string | number)[];

/** A YAML file read as plain data that still knows where each value stands. */
export interface YamlFile {
  readonly file: string;
  readonly value: unknown;
  /** Of the value at `path`, or of the nearest thing around it; with `key`, of its key. */
  locate(path: Path, of?: "key"): { readonly line: number; readonly column: number };
  /** The keys of the map at `path` in the order of the file; empty when there is none. */
  keys(path: Path): readonly string[];
}

export const yamlBytesMax = 1024 * 1024;
const aliasesMax = 100;

/**
 * Reads one YAML 1.2 document: `no` and `off` are strings, a key that stands twice is an error, aliases are bounded.
 * @param codes  prefix of the issues' codes: `spec` or `config`
 */
export function readYaml(text: string, file: string, codes: string): YamlFile | readonly Issue[] {
  const issue = (line: number, column: number, code: string, message: string, hint?: string): Issue => ({
    file,
    line,
    column,
    code: `${codes}.${code}`,
    message,
    hint,
  });
  if (text.length > yamlBytesMax)
    return [issue(1, 1, "too-large", `${text.length} characters, the most is ${yamlBytesMax}`)];
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    logLevel: "silent",
  });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return faults.slice(0, 20).map(({ code, message, pos }) => {
      const { line, col } = lineCounter.linePos(pos[0]);
      const name = code === "DUPLICATE_KEY" ? "duplicate-key" : "syntax";
      return issue(line, col, name, firstLine(message), syntaxHint(code));
    });
  }
  if (document.contents === null) return [issue(1, 1, "empty", "nothing in it")];
  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
    return {
      file,
      value,
      locate: (path, of) => locate(document, lineCounter, path, of),
      keys: (path) => keysOf(document, path),
    };
  } catch (error) {
    return [issue(1, 1, "syntax", firstLine(error instanceof Error ? error.message : String(error)))];
  }
}

/** Tells the two results of `readYaml` apart. */
export function isIssues(result: YamlFile | readonly Issue[]): result is readonly Issue[] {
  return Array.isArray(result);
}

function locate(
  document: Document,
  lines: LineCounter,
  path: Path,
  of: "key" | undefined,
): { line: number; column: number } {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === String(step));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      next = pair.value;
      if (of === "key" && depth === path.length - 1) break;
    } else if (isSeq(node) && typeof step === "number") next = node.items[step];
    if (next === undefined || next === null) break;
    node = isPair(next) ? next.value : next;
    offset = startOf(node) ?? offset;
  }
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function keysOf(document: Document, path: Path): readonly string[] {
  let node: unknown = document.getIn(path, true);
  if (isAlias(node)) node = node.resolve(document);
  return isMap(node) ? node.items.map(({ key }) => keyText(key)) : [];
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}

function syntaxHint(code: string): string | undefined {
  switch (code) {
    case "DUPLICATE_KEY":
      return "keep one of the two";
    case "TAB_AS_INDENT":
      return "indent with spaces";
    case "MULTIPLE_DOCS":
      return "one document a file: remove the line ---";
    default:
      return undefined;
  }
}
