import {
  type AuditFinding,
  type Auditor,
  at,
  type Found,
  offsetOf,
  type Project,
  type ProjectFile,
} from "./finding.ts";
import { lockedNames } from "./node-locks.ts";
import { isTable, tableAt } from "./toml-file.ts";
import {
  floatingRef,
  floatingTag,
  isCommit,
  isExactSemver,
  noLock,
  notLocked,
  unhashed,
  unpinned,
  unstable,
} from "./version.ts";

const sections = ["dependencies", "devDependencies", "optionalDependencies"] as const;
const lockNames = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"];

/** package.json of npm, pnpm and yarn. A range that a lock binds is none; peers are the business of who installs. */
export const packageJson: Auditor = {
  matches: /(?:^|\/)package\.json$/,
  audit(file, project) {
    const root: unknown = JSON.parse(file.text.replace(/^\uFEFF/, ""));
    const all = sections.flatMap((section) =>
      Object.entries(tableAt(root, section)).map(([name, range]) => ({
        section,
        name,
        range: String(range),
      })),
    );
    const named = all.filter(({ range }) => !/^(?:file|link|portal|workspace|catalog):/.test(range));
    if (!isTable(root) || named.length === 0) return [];
    const known = namesOf(file, project);
    const findings = named.flatMap(({ section, name, range }) => {
      const found = judgeRange(name, range, known !== undefined);
      if (
        found === undefined &&
        known !== undefined &&
        !known.names.has(name) &&
        section !== "optionalDependencies"
      )
        return [placed(file, section, name, notLocked(name, known.file))];
      return found === undefined ? [] : [placed(file, section, name, found)];
    });
    return known === undefined
      ? [at(file, 0, noLock("package.json", "npm install --package-lock-only")), ...findings]
      : findings;
  },
};

function namesOf(
  file: ProjectFile,
  project: Project,
): { file: string; names: ReadonlySet<string> } | undefined {
  const lock = project.nearest(file.path, lockNames);
  return lock === undefined ? undefined : { file: lock.path, names: lockedNames(lock) };
}

function placed(file: ProjectFile, section: string, name: string, found: Found): AuditFinding {
  const from = Math.max(0, file.text.search(new RegExp(`"${section}"\\s*:`)));
  const key = file.text.indexOf(`"${name}"`, from);
  return at(file, key < 0 ? offsetOf(file.text, name, from) : key, found);
}

/** What is wrong with a range: nothing, when it is exact, or when a lock binds it. */
function judgeRange(name: string, given: string, locked: boolean): Found | undefined {
  const alias = /^npm:(?:@[^/]+\/)?[^@]+@(.+)$/.exec(given)?.[1];
  const range = (alias ?? given).trim();
  const repository =
    /^(?:git[+:@]|github:|gitlab:|bitbucket:|git\+ssh:|[\w.-]+\/[\w.-]+(?:#|$))/.test(range) ||
    /\.git(?:#|$)/.test(range);
  if (repository) {
    const ref = /#(.+)$/.exec(range)?.[1];
    return isCommit(ref) ? undefined : floatingRef(name, ref);
  }
  if (/^https?:/.test(range)) return locked ? undefined : unhashed(name, `from ${range} without a hash`);
  if (
    range === "" ||
    range === "*" ||
    /^[xX]$/.test(range) ||
    (/^[a-z][\w.-]*$/i.test(range) && !/^v\d/.test(range))
  ) {
    const tagged = /nightly|canary|experimental|next/i.test(range) ? unstable(name, `-${range}`) : undefined;
    return tagged?.code === "nightly"
      ? { ...tagged, message: `${name} is ${range}, a nightly build` }
      : floatingTag(name, range, locked);
  }
  const blamed = unstable(name, range);
  if (blamed?.code === "nightly" || (blamed !== undefined && isExactSemver(range))) return blamed;
  return isExactSemver(range) || locked ? undefined : unpinned(name, range);
}
