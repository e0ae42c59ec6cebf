import { type AuditFinding, type Auditor, at, literally, type ProjectFile } from "./finding.ts";
import { readToml, type Table, tableAt, tablesIn } from "./toml-file.ts";
import { floatingRef, isCommit, nightlyOnly, unhashed } from "./version.ts";

/** poetry.lock, uv.lock and pdm.lock: every package with the hashes of its files, repositories at a commit. */
export const pythonLocks: Auditor = {
  matches: /(?:^|\/)(?:poetry|uv|pdm)\.lock$/,
  audit(file) {
    const root = readToml(file.text);
    const old = tableAt(root, "metadata", "files"); // Poetry before 1.3
    return tablesIn(root["package"]).flatMap((each) => auditPackage(file, each, old));
  },
};

function auditPackage(file: ProjectFile, each: Table, old: Table): readonly AuditFinding[] {
  const [name, version] = [String(each["name"]), String(each["version"] ?? "")];
  const source = tableAt(each, "source");
  const place = placeOf(file.text, name, version);
  const local = ["editable", "virtual", "directory", "path", "workspace"].some(
    (key) => source[key] !== undefined,
  );
  if (local || source["type"] === "directory" || each["path"] !== undefined) return [];
  const blamed = nightlyOnly(name, version);
  const found = blamed === undefined ? [] : [blamed];
  const git = source["git"] ?? (source["type"] === "git" ? source["url"] : undefined) ?? each["git"];
  if (git !== undefined) {
    const commit = source["resolved_reference"] ?? each["revision"] ?? /#(\w+)$/.exec(String(git))?.[1];
    if (!isCommit(String(commit)))
      found.push(floatingRef(name, commit === undefined ? undefined : String(commit)));
  } else if (!isHashed(each, old[name])) found.push(unhashed(`${name} ${version}`));
  return found.map((finding) => at(file, place, finding));
}

/** Every file that is named has its hash, and there is one at least. */
function isHashed(each: Table, old: unknown): boolean {
  const files = [
    ...tablesIn(each["files"]),
    ...tablesIn(old),
    ...tablesIn(each["wheels"]),
    ...tablesIn([each["sdist"]]),
  ];
  return files.length > 0 && files.every(({ hash }) => /^sha(?:256|384|512):/.test(String(hash)));
}

function placeOf(text: string, name: string, version: string): number {
  const exact = new RegExp(`^name = "${literally(name)}"\\r?\\nversion = "${literally(version)}"`, "m").exec(
    text,
  );
  return exact?.index ?? Math.max(0, text.indexOf(`name = "${name}"`));
}
