import { type AuditFinding, type Auditor, at, type Found, offsetOf, type ProjectFile } from "./finding.ts";
import { headerOf, isTable, readToml, type Table, tableAt, tablesIn } from "./toml-file.ts";
import { floatingRef, floatingTag, isCommit, nightlyOnly, noLock, unhashed, unpinned } from "./version.ts";

const sections = ["dependencies", "dev-dependencies", "build-dependencies"] as const;

/** Cargo.toml: `1.0` is a range, and Cargo.lock binds it. */
export const cargoToml: Auditor = {
  matches: /(?:^|\/)Cargo\.toml$/,
  audit(file, project) {
    const root = readToml(file.text);
    const targets = Object.entries(tableAt(root, "target")).map(([, target]) => target);
    const all = [root, tableAt(root, "workspace"), ...targets].flatMap((holder) =>
      sections.flatMap((section) =>
        Object.entries(tableAt(holder, section)).map(([name, value]) => ({ section, name, value })),
      ),
    );
    const locked = project.nearest(file.path, ["Cargo.lock"]) !== undefined;
    const findings = all.flatMap(({ section, name, value }) =>
      judge(name, value, locked).map((found) =>
        at(file, offsetOf(file.text, name, headerOf(file.text, section)), found),
      ),
    );
    const remote = all.some(
      ({ value }) => !(isTable(value) && (value["path"] !== undefined || value["workspace"] === true)),
    );
    return remote && !locked
      ? [at(file, 0, noLock("Cargo.toml", "cargo generate-lockfile")), ...findings]
      : findings;
  },
};

function judge(name: string, value: unknown, locked: boolean): readonly Found[] {
  const table = isTable(value) ? value : { version: value };
  if (table["git"] !== undefined) {
    const ref = table["rev"] ?? table["tag"] ?? table["branch"];
    return isCommit(String(ref)) || locked
      ? []
      : [floatingRef(name, ref === undefined ? undefined : String(ref))];
  }
  if (table["path"] !== undefined || table["workspace"] === true) return [];
  const version = String(table["version"] ?? "*").trim();
  if (version === "*") return [floatingTag(name, version, locked)];
  return locked || /^=\s*\d+\.\d+\.\d+/.test(version) ? [] : [unpinned(name, version)];
}

/** Cargo.lock: every package of a registry with its checksum. */
export const cargoLock: Auditor = {
  matches: /(?:^|\/)Cargo\.lock$/,
  audit(file) {
    const root = readToml(file.text);
    const old = tableAt(root, "metadata"); // lockfile version 1
    return tablesIn(root["package"]).flatMap((each) => auditPackage(file, each, old));
  },
};

function auditPackage(file: ProjectFile, each: Table, old: Table): readonly AuditFinding[] {
  const [name, version, source] = [
    String(each["name"]),
    String(each["version"]),
    String(each["source"] ?? ""),
  ];
  const blamed = nightlyOnly(name, version);
  const found = blamed === undefined ? [] : [blamed];
  const summed =
    each["checksum"] !== undefined || old[`checksum ${name} ${version} (${source})`] !== undefined;
  if (/^(?:registry|sparse)\+/.test(source) && !summed) found.push(unhashed(`${name} ${version}`));
  const offset = Math.max(0, file.text.indexOf(`name = "${name}"\nversion = "${version}"`));
  return found.map((finding) => at(file, offset, finding));
}

/** rust-toolchain.toml: a nightly compiler without its date is another one tomorrow. */
export const rustToolchain: Auditor = {
  matches: /(?:^|\/)rust-toolchain(?:\.toml)?$/,
  audit(file) {
    const bare = /^\s*\S+\s*$/.test(file.text);
    const channel = bare
      ? file.text.trim()
      : String(tableAt(readToml(file.text), "toolchain")["channel"] ?? "");
    if (!/^(?:nightly|beta|stable)$/.test(channel)) return [];
    const found: Found = {
      code: channel === "nightly" ? "nightly" : "floating-tag",
      severity: channel === "nightly" ? "error" : "warning",
      message: `the toolchain is whatever ${channel} is newest`,
      hint: "name a version: 1.82.0, or nightly-2026-01-31",
    };
    return [at(file, offsetOf(file.text, channel), found)];
  },
};
