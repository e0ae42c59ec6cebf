import { type AuditFinding, type Auditor, at, type Found, type ProjectFile } from "./finding.ts";
import { judgeImage } from "./image.ts";
import { judgeShell } from "./shell.ts";
import { unhashed } from "./version.ts";

interface Instruction {
  readonly name: string;
  /** As long as in the file: continuations and comments within are blanks. */
  readonly text: string;
  readonly offset: number;
}

/** Dockerfile and Containerfile: base images by digest, and what RUN installs. */
export const dockerfile: Auditor = {
  matches:
    /(?:^|\/)(?:(?:Dockerfile|Containerfile)(?:[.-][\w.-]+)?|[\w.-]+\.(?:[Dd]ockerfile|[Cc]ontainerfile))$/,
  audit(file) {
    const variables = new Map<string, string>();
    const stages = new Set<string>();
    const findings: AuditFinding[] = [];
    const judge = (reference: string, offset: number): void => {
      const image = filled(reference, variables);
      if (stages.has(image.toLowerCase()) || /^\d+$/.test(image)) return;
      const found = judgeImage(image);
      if (found !== undefined) findings.push(at(file, offset, found));
    };
    for (const { name, text, offset } of instructionsOf(file)) {
      switch (name) {
        case "ARG": {
          const [, key, value] = /^\s*(\w+)(?:=(?:"([^"]*)"|(\S+)))?/.exec(text) ?? [];
          if (key !== undefined)
            variables.set(key, value ?? /=(\S+)/.exec(text)?.[1] ?? variables.get(key) ?? "");
          break;
        }
        case "FROM": {
          const [whole = "", image = "", stage] =
            /^(?:\s*--\S+)*\s*(\S+)(?:\s+[Aa][Ss]\s+(\S+))?/.exec(text) ?? [];
          judge(image, offset + whole.indexOf(image));
          if (stage !== undefined) stages.add(stage.toLowerCase());
          break;
        }
        case "COPY":
        case "ADD":
        case "RUN":
          for (const { index, 1: image = "" } of text.matchAll(/(?:--from=|,from=)([^\s,]+)/g))
            judge(image, offset + index);
          if (name === "ADD") findings.push(...judgeAdd(file, text, offset));
          if (name === "RUN")
            for (const { offset: within, found } of judgeShell(text))
              findings.push(at(file, offset + within, found));
          break;
      }
    }
    return findings;
  },
};

/** `$BASE`, `${BASE}` and `${BASE:-debian}` by the defaults of ARG. */
function filled(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))/g,
    (whole, braced: string, otherwise: string, bare: string) => {
      const value = variables.get(braced ?? bare) || otherwise;
      return value === undefined || value === "" ? whole : value;
    },
  );
}

function judgeAdd(file: ProjectFile, text: string, offset: number): readonly AuditFinding[] {
  const url = /\s(https?:\/\/\S+)/.exec(text);
  if (url === null || /--checksum=sha256:/.test(text)) return [];
  const found: Found = { ...unhashed(url[1] ?? ""), hint: "ADD --checksum=sha256:… URL" };
  return [at(file, offset + url.index + 1, found)];
}

function instructionsOf({ text }: ProjectFile): readonly Instruction[] {
  const instructions: Instruction[] = [];
  let open: { name: string; text: string; offset: number } | undefined;
  let until: string | undefined;
  let offset = 0;
  for (const line of text.split("\n")) {
    const start = offset;
    offset += line.length + 1;
    if (open !== undefined && until !== undefined) {
      open.text += `\n${line.trim() === until ? " ".repeat(line.length) : line}`;
      if (line.trim() !== until) continue;
      until = undefined;
      instructions.push(open);
      open = undefined;
      continue;
    }
    if (/^\s*#/.test(line)) {
      if (open !== undefined) open.text += ` ${" ".repeat(line.length)}`;
      continue;
    }
    const [head = "", name = ""] = /^\s*(\w+)(?=\s)/.exec(line) ?? [];
    if (open === undefined) {
      if (name === "") continue;
      open = { name: name.toUpperCase(), text: line.slice(head.length), offset: start + head.length };
    } else open.text += ` ${line}`;
    until = open.name === "RUN" ? /<<-?\s*["']?(\w+)["']?/.exec(line)?.[1] : undefined;
    if (until !== undefined) continue;
    if (/\\\s*$/.test(line)) {
      open.text = open.text.replace(/\\(\s*)$/, " $1");
      continue;
    }
    instructions.push(open);
    open = undefined;
  }
  if (open !== undefined) instructions.push(open);
  return instructions;
}
