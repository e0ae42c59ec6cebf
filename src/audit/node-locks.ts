import { isMap, isScalar, parseDocument } from "yaml";
import { type AuditFinding, type Auditor, at, type ProjectFile } from "./finding.ts";
import { isTable, type Table, tableAt } from "./toml-file.ts";
import { floatingRef, isCommit, nightlyOnly, unhashed } from "./version.ts";

/** A package of a lock, as all of them say it. */
interface Locked {
  readonly name: string;
  readonly version: string;
  /** Of a repository; undefined: from a registry, a tarball. */
  readonly ref?: string | undefined;
  readonly repository?: boolean;
  readonly hashed: boolean;
  readonly offset: number;
}

/** package-lock.json, npm-shrinkwrap.json, pnpm-lock.yaml, yarn.lock: every package with a hash. */
export const nodeLocks: Auditor = {
  matches: /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock)$/,
  audit(file) {
    return packagesIn(file).flatMap((each) => judge(file, each));
  },
};

/** Names of the packages that a lock binds. */
export function lockedNames(lock: ProjectFile): ReadonlySet<string> {
  return new Set(packagesIn(lock).map(({ name }) => name));
}

function judge(
  file: ProjectFile,
  { name, version, ref, repository, hashed, offset }: Locked,
): readonly AuditFinding[] {
  const blamed = nightlyOnly(name, version);
  const found = blamed === undefined ? [] : [blamed];
  if (repository === true) {
    if (!isCommit(ref)) found.push(floatingRef(name, ref));
  } else if (!hashed) found.push(unhashed(`${name} ${version}`.trim()));
  return found.map((each) => at(file, offset, each));
}

function packagesIn(file: ProjectFile): readonly Locked[] {
  if (file.path.endsWith(".json")) return npmPackages(file);
  return file.path.endsWith(".lock") ? yarnPackages(file) : pnpmPackages(file);
}

function npmPackages({ text }: ProjectFile): readonly Locked[] {
  const root: unknown = JSON.parse(text);
  const entries = Object.entries(tableAt(root, "packages"));
  if (entries.length === 0) return oldPackages(text, tableAt(root, "dependencies"));
  let from = 0;
  return entries.flatMap(([path, entry]) => {
    if (!isTable(entry) || !path.includes("node_modules/")) return [];
    const offset = text.indexOf(`${JSON.stringify(path)}:`, from);
    if (offset > 0) from = offset;
    const name = String(entry["name"] ?? path.slice(path.lastIndexOf("node_modules/") + 13));
    const alias = path.slice(path.lastIndexOf("node_modules/") + 13);
    const own = entry["link"] === true || entry["inBundle"] === true;
    const locked = { ...npmPackage(name, entry, own), name: alias, offset: Math.max(0, offset) };
    return [locked];
  });
}

function npmPackage(name: string, entry: Table, own: boolean): Omit<Locked, "offset"> {
  const [version, resolved] = [String(entry["version"] ?? ""), String(entry["resolved"] ?? "")];
  const repository = /^git[+:@]/.test(resolved) || /^git[+:@]/.test(version);
  const ref = /#(.+)$/.exec(resolved || version)?.[1];
  const local = own || resolved.startsWith("file:") || version.startsWith("file:");
  return { name, version, repository, ref, hashed: local || entry["integrity"] !== undefined };
}

/** Lockfile version 1: dependencies within dependencies. */
function oldPackages(text: string, dependencies: Table): readonly Locked[] {
  return Object.entries(dependencies).flatMap(([name, entry]) => {
    if (!isTable(entry)) return [];
    const offset = Math.max(0, text.indexOf(`${JSON.stringify(name)}: {`));
    const locked = { ...npmPackage(name, entry, entry["bundled"] === true), offset };
    return [locked, ...oldPackages(text, tableAt(entry, "dependencies"))];
  });
}

/** `/name@1.2.3`, `name@1.2.3(peer@1)`, `@scope/name@1.2.3` */
function pnpmPackages({ text }: ProjectFile): readonly Locked[] {
  const root = parseDocument(text, { logLevel: "silent", merge: false });
  const [error] = root.errors;
  if (error !== undefined) throw error;
  const packages = root.get("packages");
  if (!isMap(packages)) return [];
  return packages.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || !isMap(value)) return [];
    const id = String(key.value).replace(/^\//, "").replace(/\(.*$/, "");
    const cut = id.lastIndexOf("@") > 0 ? id.lastIndexOf("@") : id.lastIndexOf("/");
    const resolution = value.get("resolution");
    const said = isMap(resolution) ? (resolution.toJSON() as Table) : {};
    const repository =
      said["repo"] !== undefined ||
      said["type"] === "git" ||
      /codeload\.github\.com/.test(String(said["tarball"]));
    const ref = said["commit"] ?? String(said["tarball"]).split("/").at(-1);
    return {
      name: String(value.get("name") ?? id.slice(0, cut)),
      version: id.slice(cut + 1),
      repository,
      ref: String(ref),
      hashed: said["integrity"] !== undefined || said["type"] === "directory",
      offset: key.range?.[0] ?? 0,
    };
  });
}

/** Classic and Berry: blocks that begin at the margin with what asked for them. */
function yarnPackages({ text }: ProjectFile): readonly Locked[] {
  const locked: Locked[] = [];
  for (const match of text.matchAll(
    /^(?![#\s])"?((?:@[^/\s"]+\/)?[^@\s"]+)@[^\n]*:\r?\n((?:[ \t]+[^\n]*(?:\n|$)|\r?\n(?=[ \t]))*)/gm,
  )) {
    const [, name = "", block = ""] = match;
    if (name === "__metadata") continue;
    const value = (key: string): string | undefined =>
      new RegExp(`^\\s+"?${key}"?:?\\s+"?([^"\\n\\r]+)"?`, "m").exec(block)?.[1];
    const resolution = value("resolution") ?? value("resolved") ?? "";
    const local =
      /@(?:workspace|link|portal|file):/.test(resolution) || /@(?:workspace|link|portal):/.test(match[0]);
    const repository = /(?:\.git|^git[+:@]|[@:]git[+@]|codeload\.github\.com)/.test(resolution);
    locked.push({
      name,
      version: value("version") ?? "",
      repository,
      ref: /(?:#(?:commit=)?|\/)([0-9a-f]{40})/.exec(resolution)?.[1],
      hashed: local || value("integrity") !== undefined || value("checksum") !== undefined,
      offset: match.index,
    });
  }
  return locked;
}
