import { type AuditFinding, type Auditor, at, type ProjectFile } from "./finding.ts";
import { judgeImage } from "./image.ts";
import { judgeShell } from "./shell.ts";
import { isCommit } from "./version.ts";
import { textsOf, type YamlText } from "./yaml-file.ts";

/** GitHub Actions: workflows and actions. Actions at a commit, images with a digest, and what steps install. */
export const workflow: Auditor = {
  matches: /(?:^|\/)(?:\.github\/workflows\/[^/]+\.ya?ml|action\.ya?ml)$/,
  audit(file) {
    return textsOf(file.text).flatMap((text) => {
      const key = text.keys.at(-1);
      if (key === "uses") return judgeUses(file, text);
      if (key === "run") return judgeRun(file, text);
      const image =
        key === "container" ||
        (key === "image" && /^(?:container|services)$/.test(text.keys.at(-2) ?? "")) ||
        (key === "image" && text.keys.includes("services"));
      const found = image && !text.value.includes("${{") ? judgeImage(text.value) : undefined;
      return found === undefined ? [] : [at(file, text.offset, found)];
    });
  },
};

function judgeUses(file: ProjectFile, { value, offset }: YamlText): readonly AuditFinding[] {
  if (value.startsWith("./") || value.startsWith("../")) return [];
  if (value.startsWith("docker://")) {
    const found = judgeImage(value.slice(9));
    return found === undefined ? [] : [at(file, offset, found)];
  }
  const ref = /@(.+)$/.exec(value)?.[1];
  if (isCommit(ref)) return [];
  const name = value.replace(/@.*$/, "");
  const said = ref === undefined ? "has no ref" : `is at ${ref}, which can move`;
  return [
    at(file, offset, {
      code: "action-unpinned",
      severity: "error",
      message: `${name} ${said}`,
      hint: `name the full commit: ${name}@<40 hexadecimal digits> # ${ref ?? "version"}`,
    }),
  ];
}

/** Lines of a block stand below its `|`: the line of the file is found by its text. */
function judgeRun(file: ProjectFile, { value, offset, block }: YamlText): readonly AuditFinding[] {
  return judgeShell(value).map(({ offset: within, found }) => {
    if (!block) return at(file, offset + within, found);
    const line =
      (value.slice(0, within).split("\n").at(-1) ?? "") + (value.slice(within).split("\n")[0] ?? "");
    const lineAt = file.text.indexOf(line.trim(), offset);
    const column =
      within - (value.lastIndexOf("\n", within - 1) + 1) - (line.length - line.trimStart().length);
    return at(file, lineAt < 0 ? offset : lineAt + Math.max(0, column), found);
  });
}
