/** One source file as the rules see it. `path` is relative to the checkout, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** Nothing of it is left when types are stripped. */
  readonly typeOnly: boolean;
  /** Names as they are exported there, types among them; empty for `import "x"` and `import("x")`. */
  readonly names: readonly string[];
}

/** `src/judge/psi.ts` → `judge`; `src/main.ts` → `main.ts`. */
export function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/**
 * The text with everything that is not code replaced by spaces, line for line: comments, and the insides of strings,
 * templates (not of their `${…}`) and regular expressions; with `keepStrings`, only comments.
 */
export function blank(text: string, options: { readonly keepStrings?: boolean } = {}): string {
  const out = [...text];
  const erase = (from: number, to: number): void => {
    for (let at = from; at < to; at++) if (out[at] !== "\n") out[at] = " ";
  };
  const chars = [...text];
  const templates: number[] = []; // depth of braces at which each open `${` closes
  let depth = 0;
  let before = ""; // the last character of code, which tells a division from a regular expression
  let word = "";
  const skipQuoted = (at: number, end: string): number => {
    let to = at;
    while (to < chars.length && chars[to] !== end && chars[to] !== "\n") to += chars[to] === "\\" ? 2 : 1;
    return to;
  };
  const skipTemplate = (at: number): number => {
    let to = at;
    while (to < chars.length && chars[to] !== "`" && !(chars[to] === "$" && chars[to + 1] === "{"))
      to += chars[to] === "\\" ? 2 : 1;
    return to;
  };
  const inString = (from: number, to: number): number => {
    if (options.keepStrings !== true) erase(from, to);
    return to;
  };
  for (let at = 0; at < chars.length; ) {
    const [char, next] = [chars[at] as string, chars[at + 1]];
    if (char === "/" && next === "/") {
      let to = at;
      while (to < chars.length && chars[to] !== "\n") to += 1;
      erase(at, to);
      at = to;
      continue;
    }
    if (char === "/" && next === "*") {
      let to = at + 2;
      while (to < chars.length && !(chars[to] === "*" && chars[to + 1] === "/")) to += 1;
      erase(at, to + 2);
      at = to + 2;
      continue;
    }
    if (char === '"' || char === "'") {
      at = inString(at + 1, skipQuoted(at + 1, char)) + 1;
      before = char;
      continue;
    }
    const closesTemplate = char === "}" && templates.at(-1) === depth;
    if (char === "`" || closesTemplate) {
      if (closesTemplate) templates.pop();
      const to = inString(at + 1, skipTemplate(at + 1));
      if (chars[to] === "$") {
        templates.push(depth);
        at = to + 2;
        before = "{";
      } else {
        at = to + 1;
        before = "`";
      }
      continue;
    }
    if (
      char === "/" &&
      (/[=(,:;!&|?{}[+*%~^<>-]/.test(before) || before === "" || /^(return|typeof|case|of|in)$/.test(word))
    ) {
      let [to, inClass] = [at + 1, false];
      while (to < chars.length && chars[to] !== "\n" && (chars[to] !== "/" || inClass)) {
        if (chars[to] === "\\") to += 1;
        else if (chars[to] === "[") inClass = true;
        else if (chars[to] === "]") inClass = false;
        to += 1;
      }
      at = inString(at + 1, to) + 1;
      before = "/";
      word = "";
      continue;
    }
    if (char === "{") depth += 1;
    if (char === "}") depth -= 1;
    if (/[\w$]/.test(char)) word = /[\w$]/.test(chars[at - 1] ?? "") ? word + char : char;
    else if (!/\s/.test(char)) word = "";
    if (!/\s/.test(char)) before = char;
    at += 1;
  }
  return out.join("");
}

/** Every import and re-export of a file, `import(…)` included; what stands in a string or a comment is none. */
export function importsOf({ text }: SourceFile): readonly Import[] {
  const code = blank(text);
  const found: Import[] = [];
  const specifierAt = (span: readonly [number, number] | undefined): string =>
    text.slice(...(span ?? [0, 0]));
  for (const match of code.matchAll(
    /\b(?:import|export)\s+(?<type>type\s+)?(?<clause>[^'"();=]*?)\bfrom\s*["'](?<specifier> *)["']/dg,
  )) {
    const { type, clause = "" } = match.groups ?? {};
    const braces = /\{([^}]*)\}/.exec(clause)?.[1];
    const items = (braces ?? "")
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    const isBracesOnly = /^\s*\{[^}]*\}\s*$/.test(clause);
    const allTypes = isBracesOnly && items.length > 0 && items.every((item) => item.startsWith("type "));
    found.push({
      line: lineAt(code, match.index + match[0].length),
      specifier: specifierAt(match.indices?.groups?.["specifier"]),
      typeOnly: type !== undefined || allTypes,
      names: items.map((item) => item.replace(/^type\s+/, "").replace(/\s+as\s+.*$/, "")),
    });
  }
  for (const match of code.matchAll(/\bimport\s*\(?\s*["'](?<specifier> *)["']/dg)) {
    const specifier = specifierAt(match.indices?.groups?.["specifier"]);
    found.push({ line: lineAt(code, match.index), specifier, typeOnly: false, names: [] });
  }
  return found;
}
