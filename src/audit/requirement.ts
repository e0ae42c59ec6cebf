import type { Found } from "./finding.ts";
import { floatingRef, isCommit, unhashed, unpinned, unstable } from "./version.ts";

/** One requirement of PEP 508, as far as pinning goes. */
interface Requirement {
  readonly name: string;
  /** `==1.2`, `>=1,<2`, or empty. */
  readonly specifier: string;
  /** Behind `@`. */
  readonly url: string | undefined;
}

const pattern =
  /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:@\s*([^\s;]+)|\(?([^;)]*)\)?)\s*(?:;.*)?$/;

/** undefined: it is no requirement. */
export function requirementOf(text: string): Requirement | undefined {
  const match = pattern.exec(text.trim());
  if (match === null) return undefined;
  const [, name = "", url, specifier = ""] = match;
  return { name, url, specifier: specifier.trim() };
}

/** PEP 503: `Foo_bar` and `foo-bar` are one project. */
export function projectName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

export interface PinOptions {
  /** A hash stands beside it. */
  readonly hashed: boolean;
  /** Where a range is bound by a lock, and a hash stands there. */
  readonly locked: boolean;
  /** Its form has no place for a hash (environment.yml, a command line). */
  readonly hashless?: boolean;
}

/** What is wrong with a requirement: the gravest only. */
export function judgeRequirement(
  text: string,
  { hashed, locked, hashless = false }: PinOptions,
): readonly Found[] {
  const requirement = requirementOf(text);
  if (requirement === undefined) return [];
  const { name, specifier, url } = requirement;
  if (url !== undefined) return judgeUrl(name, url, hashed || locked);
  const exact = /^={2,3}\s*([^\s,*]+)$/.exec(specifier)?.[1];
  const blamed = unstable(name, exact ?? "");
  if (exact === undefined) {
    if (blamed?.code === "nightly") return [blamed];
    return locked ? [] : [unpinned(name, specifier)];
  }
  if (blamed !== undefined) return [blamed];
  return hashed || locked || hashless ? [] : [unhashed(`${name} ${exact}`)];
}

/** `git+https://…@REF`, `https://…/x.whl#sha256=…`, `file:…`, or a path. */
export function judgeUrl(name: string, url: string, hashed: boolean): readonly Found[] {
  const vcs = /^(?:git|hg|bzr|svn)\+(.*)$/.exec(url)?.[1];
  if (vcs !== undefined) {
    const ref = /@([^@/#]+)(?:#.*)?$/.exec(vcs.replace(/^\w+:\/\/[^/]*/, ""))?.[1];
    return isCommit(ref) ? [] : [floatingRef(name, ref)];
  }
  if (!/^https?:/.test(url)) return [];
  return hashed || /#(?:.*&)?sha(?:256|384|512)=/.test(url)
    ? []
    : [unhashed(name, `from ${url} without a hash`)];
}

/** An index of nightly builds, or a switch that asks for what is not released. */
export function judgeOption(option: string): Found | undefined {
  const index = /^(?:-i|-f|--(?:extra-)?index-url|--find-links)[\s=]+(\S+)/.exec(option)?.[1];
  if (index !== undefined && /nightly/i.test(index))
    return {
      code: "nightly",
      severity: "error",
      message: `${index} is an index of nightly builds`,
      hint: "take releases from the index of releases",
    };
  if (/^--pre\b/.test(option))
    return {
      code: "prerelease",
      severity: "error",
      message: "--pre takes whatever pre-release is newest",
      hint: "name the one pre-release that you need with ==",
    };
  return undefined;
}
