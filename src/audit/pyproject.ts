import {
  type AuditFinding,
  type Auditor,
  at,
  type Found,
  offsetOf,
  type Project,
  type ProjectFile,
} from "./finding.ts";
import { judgeRequirement, projectName, requirementOf } from "./requirement.ts";
import { headerOf, isTable, readToml, type Table, tableAt, tablesIn, textsIn } from "./toml-file.ts";
import { floatingRef, floatingTag, isCommit, noLock, notLocked, unpinned, unstable } from "./version.ts";

const lockNames = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"];

/** pyproject.toml: PEP 621, PEP 735 and Poetry. A range that a lock binds is none. `build-system.requires` is not looked at. */
export const pyproject: Auditor = {
  matches: /(?:^|\/)pyproject\.toml$/,
  audit(file, project) {
    const root = readToml(file.text);
    const standard = standardOf(root);
    const poetry = poetryOf(root);
    const known = locksOf(file, project);
    const findings = [
      ...standard.flatMap((text) => {
        const found = judgeRequirement(text, { hashed: known === undefined, locked: known !== undefined });
        return found.map((each) => at(file, placeOf(file, text), each));
      }),
      ...poetry.flatMap(({ name, value, header }) =>
        judgePoetry(name, value, known !== undefined).map((each) =>
          at(file, offsetOf(file.text, name, headerOf(file.text, header)), each),
        ),
      ),
    ];
    const names = [
      ...standard.flatMap((text) => requirementOf(text)?.name ?? []),
      ...poetry.filter(({ value }) => !isLocal(value)).map(({ name }) => name),
    ];
    return [...findings, ...judgeLock(file, names, known)];
  },
};

interface Known {
  readonly file: string;
  /** As PEP 503 writes them. */
  readonly names: ReadonlySet<string>;
}

function locksOf({ path }: ProjectFile, project: Project): Known | undefined {
  const lock = project.nearest(path, lockNames);
  if (lock === undefined) return compiledOf(path, project);
  const root = readToml(lock.text);
  const packages = [...tablesIn(root["package"]), ...tablesIn(root["packages"])];
  return { file: lock.path, names: new Set(packages.map(({ name }) => projectName(String(name)))) };
}

/** What pip-compile wrote: a requirements.txt with hashes is a lock. */
function compiledOf(path: string, project: Project): Known | undefined {
  const compiled = project.nearest(path, ["requirements.txt"]);
  if (compiled === undefined || !compiled.text.includes("--hash=sha256:")) return undefined;
  const names = [...compiled.text.matchAll(/^([A-Za-z0-9][\w.-]*)/gm)].map(([name]) => projectName(name));
  return { file: compiled.path, names: new Set(names) };
}

function judgeLock(
  file: ProjectFile,
  names: readonly string[],
  known: Known | undefined,
): readonly AuditFinding[] {
  if (names.length === 0) return [];
  if (known === undefined) return [at(file, 0, noLock("pyproject.toml", "uv lock, or poetry lock"))];
  return names
    .filter((name) => !known.names.has(projectName(name)))
    .map((name) => at(file, offsetOf(file.text, name), notLocked(name, known.file)));
}

/** All requirements in PEP 508's form. */
function standardOf(root: Table): readonly string[] {
  const project = tableAt(root, "project");
  const lists = [
    project["dependencies"],
    ...Object.values(tableAt(project, "optional-dependencies")),
    ...Object.values(tableAt(root, "dependency-groups")),
  ];
  const own = projectName(String(project["name"] ?? ""));
  return lists.flatMap(textsIn).filter((text) => projectName(requirementOf(text)?.name ?? "") !== own);
}

function placeOf({ text }: ProjectFile, requirement: string): number {
  for (const quote of ['"', "'"]) {
    const found = text.indexOf(`${quote}${requirement}${quote}`);
    if (found >= 0) return found + 1;
  }
  return offsetOf(text, requirementOf(requirement)?.name ?? requirement);
}

interface PoetryEntry {
  readonly name: string;
  readonly value: unknown;
  readonly header: string;
}

function poetryOf(root: Table): readonly PoetryEntry[] {
  const poetry = tableAt(root, "tool", "poetry");
  const sections: [string, Table][] = [
    ["tool.poetry.dependencies", tableAt(poetry, "dependencies")],
    ["tool.poetry.dev-dependencies", tableAt(poetry, "dev-dependencies")],
    ...Object.keys(tableAt(poetry, "group")).map((group): [string, Table] => [
      `tool.poetry.group.${group}.dependencies`,
      tableAt(poetry, "group", group, "dependencies"),
    ]),
  ];
  return sections.flatMap(([header, table]) =>
    Object.entries(table)
      .filter(([name]) => name !== "python")
      .flatMap(([name, value]) => [value].flat().map((each) => ({ name, value: each, header }))),
  );
}

/** Poetry's `1.2.3` is exact, `^1.2` and `1.2.*` are ranges. */
function judgePoetry(name: string, value: unknown, locked: boolean): readonly Found[] {
  const table = isTable(value) ? value : { version: value };
  if (isLocal(value)) return [];
  if (table["git"] !== undefined) {
    const ref = table["rev"] ?? table["tag"] ?? table["branch"];
    return isCommit(String(ref)) ? [] : [floatingRef(name, ref === undefined ? undefined : String(ref))];
  }
  if (table["url"] !== undefined) return [];
  const version = String(table["version"] ?? "*").trim();
  if (version === "*" || version === "latest") return [floatingTag(name, version, locked)];
  const exact = /^={0,3}\s*(\d[\w.+!-]*)$/.exec(version)?.[1];
  const blamed = unstable(name, exact ?? version);
  if (blamed !== undefined) return [blamed];
  return exact !== undefined || locked ? [] : [unpinned(name, version)];
}

function isLocal(value: unknown): boolean {
  return isTable(value) && value["path"] !== undefined;
}
