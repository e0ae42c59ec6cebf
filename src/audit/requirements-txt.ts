import { type AuditFinding, type Auditor, at, type ProjectFile } from "./finding.ts";
import { judgeOption, judgeRequirement, judgeUrl } from "./requirement.ts";

interface LogicalLine {
  readonly text: string;
  readonly offset: number;
}

/** requirements*.txt and constraints*.txt of pip, each line with its continuations. */
export const requirementsTxt: Auditor = {
  matches: /(?:^|\/)(?:[\w.-]*requirements[\w.-]*\.txt|requirements\/[\w.-]+\.txt|constraints[\w.-]*\.txt)$/i,
  audit(file) {
    return linesOf(file).flatMap((line) => auditLine(file, line));
  },
};

function auditLine(file: ProjectFile, { text, offset }: LogicalLine): readonly AuditFinding[] {
  if (text.startsWith("-")) {
    const editable = /^(?:-e|--editable)[\s=]+(\S+)/.exec(text)?.[1];
    const option = judgeOption(text);
    const found =
      editable === undefined
        ? option === undefined
          ? []
          : [option]
        : judgeUrl(nameIn(editable), editable, true);
    return found.map((each) => at(file, offset, each));
  }
  const hashed = /\s--hash[=\s]+sha(?:256|384|512):[0-9a-f]{64,}/i.test(text);
  const requirement = text.replace(/\s--[a-z-]+[=\s].*$/s, "");
  const direct = /^(?:\w+\+)?https?:/.test(requirement);
  const found = direct
    ? judgeUrl(nameIn(requirement), requirement, hashed)
    : judgeRequirement(requirement, { hashed, locked: false });
  return found.map((each) => at(file, offset, each));
}

/** What a person calls the thing behind a URL. */
function nameIn(url: string): string {
  return (
    /[#&]egg=([\w.-]+)/.exec(url)?.[1] ??
    (url
      .replace(/@[^/]*$|[#?].*$/g, "")
      .split("/")
      .at(-1) ||
      url)
  );
}

/** Without comments; a line that ends in `\` goes on in the next. */
function linesOf({ text }: ProjectFile): readonly LogicalLine[] {
  const lines: LogicalLine[] = [];
  let offset = 0;
  let open: { parts: string[]; offset: number } | undefined;
  for (const raw of text.split("\n")) {
    const start = offset;
    offset += raw.length + 1;
    const line = raw.replace(/\r$/, "").replace(/(?:^|\s)#.*$/, "");
    const goesOn = line.endsWith("\\");
    open ??= { parts: [], offset: start + (line.length - line.trimStart().length) };
    open.parts.push(goesOn ? line.slice(0, -1) : line);
    if (goesOn) continue;
    const whole = open.parts.join(" ").trim();
    if (whole !== "") lines.push({ text: whole, offset: open.offset });
    open = undefined;
  }
  const rest = open?.parts.join(" ").trim() ?? "";
  if (open !== undefined && rest !== "") lines.push({ text: rest, offset: open.offset });
  return lines;
}
