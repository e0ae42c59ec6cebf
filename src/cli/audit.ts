import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { type Audit, auditFiles, isLookedAt } from "../audit/audit.ts";
import type { ProjectFile } from "../audit/finding.ts";
import { Fault } from "../model/fault.ts";
import { Exit, formatJson, type Io } from "./io.ts";
import { count, paintFor, printable } from "./paint.ts";

/** Larger files are told and not read. */
const bytesMax = 32 * 1024 * 1024;
/** Folders below folders, and entries of all of them together. */
const [depthMax, entriesMax] = [24, 200_000];

/** What others wrote, and what is made anew. A folder with a pyvenv.cfg is a virtual environment too. */
const skipped: ReadonlySet<string> = new Set([
  "node_modules",
  "bower_components",
  "vendor",
  ".git",
  ".hg",
  ".svn",
  "venv",
  ".venv",
  "site-packages",
  "__pycache__",
  ".tox",
  ".nox",
]);

interface AuditOptions {
  readonly format: "text" | "json";
  readonly json?: boolean;
}

export function addAudit(program: Command, io: Io): void {
  program
    .command("audit [path]")
    .description(
      "Find unpinned, floating, unhashed and nightly dependencies in any project. Exit 1 when there are any.",
    )
    .addOption(
      new Option("--format <format>", "how findings are printed").choices(["text", "json"]).default("text"),
    )
    .option("--json", "the same as --format json")
    .addHelpText(
      "after",
      `
Looks at requirements*.txt, pyproject.toml, poetry.lock, uv.lock, environment.yml, package.json and the locks of npm, pnpm and yarn,
Dockerfile, compose.yaml, GitHub Actions, go.mod and Cargo. docs/audit.md has every code.

Examples:
  tidemark audit
  tidemark audit services/reco --format json`,
    )
    .action((path: string | undefined, options: AuditOptions) => audit(path ?? ".", options, io));
}

function audit(path: string, options: AuditOptions, io: Io): void {
  const { files, told } = filesAt(path, io);
  for (const line of told) io.stderr(`tidemark: ${printable(line)}\n`);
  const result = auditFiles(files);
  if (options.json === true || options.format === "json")
    io.stdout(formatJson({ findings: result.findings }));
  else io.stdout(textOf(result, path, files.length, io));
  if (result.leftOut > 0) io.stderr(`tidemark: ${count(result.leftOut)} more findings are left out\n`);
  if (result.findings.length > 0) throw new Exit(1);
}

function textOf({ findings }: Audit, path: string, files: number, io: Io): string {
  const paint = paintFor(io);
  const looked = `${count(files)} file${files === 1 ? "" : "s"} looked at`;
  if (files === 0) return `${path}: no file that names dependencies\n`;
  if (findings.length === 0) return `${looked}: everything is bound\n`;
  const base = isFile(resolve(io.cwd, path)) ? dirname(path) : path;
  const lines = findings.map(({ file, line, column, code, severity, message, hint }) => {
    const colour = severity === "error" ? paint.red : paint.yellow;
    const place = printable(`${join(base, file)}:${line}:${column}`);
    return `${paint.bold(place)} ${colour(severity)} ${code} ${printable(message)} (${printable(hint)})\n`;
  });
  const errors = findings.filter(({ severity }) => severity === "error").length;
  return `${lines.join("")}\n${looked}: ${count(errors)} error${errors === 1 ? "" : "s"}, ${count(findings.length - errors)} warning${findings.length - errors === 1 ? "" : "s"}\n`;
}

/** @throws Fault `input.missing` when there is no such file or folder */
function filesAt(path: string, io: Io): { files: readonly ProjectFile[]; told: readonly string[] } {
  const root = resolve(io.cwd, path);
  if (statSync(root, { throwIfNoEntry: false }) === undefined)
    throw new Fault("input.missing", `${path}: no such file or directory`, {
      hint: "name the root of a project, or one file of it",
    });
  const [files, told]: [ProjectFile[], string[]] = [[], []];
  let entries = 0;
  const read = (full: string, name: string): void => {
    try {
      const { size } = statSync(full);
      if (size > bytesMax) told.push(`${name}: ${count(size)} bytes, at most ${count(bytesMax)} are read`);
      else files.push({ path: name, text: readFileSync(full, "utf8") });
    } catch (error) {
      told.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const walk = (folder: string, below: string, depth: number): void => {
    let names: readonly string[];
    try {
      names = readdirSync(folder).sort();
    } catch (error) {
      told.push(`${below}: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    if (depth > 0 && names.includes("pyvenv.cfg")) return;
    for (const name of names) {
      entries += 1;
      if (entries > entriesMax) return;
      const full = join(folder, name);
      const kind = lstatSync(full, { throwIfNoEntry: false });
      const here = below === "" ? name : `${below}/${name}`;
      if (kind?.isFile() && isLookedAt(here)) read(full, here);
      if (!kind?.isDirectory() || skipped.has(name)) continue;
      if (depth >= depthMax) told.push(`${here}: deeper than ${depthMax} folders, not looked at`);
      else walk(full, here, depth + 1);
    }
  };
  if (isFile(root)) read(root, basename(root));
  else walk(root, "", 0);
  if (entries > entriesMax)
    told.push(`${path}: more than ${count(entriesMax)} entries: the rest is not looked at`);
  return { files, told };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
