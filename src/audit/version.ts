import type { Found } from "./finding.ts";

/** `2.0.0.dev20230101`, `1.2.0-nightly.4`, `3.0.0-canary`, `0.0.0-20230101`: made every night, gone next week. */
const nightly = /(?:^|[^a-z])(?:nightly|canary|snapshot|experimental)(?![a-z])|\.dev\d+|[-.]dev(?:\.|$)/i;
/** `1.0.0-rc.1`, `2.0b3`, `4.0.0-alpha`. */
const prerelease = /[-.]?(?:alpha|beta|rc|preview|pre)[-.]?\d*(?:$|[.+-])|\d(?:a|b)\d+$/i;

/** What a version itself is to be blamed for, wherever it stands. */
export function unstable(name: string, version: string): Found | undefined {
  if (nightly.test(version) || /(?:^|[-_])nightly(?:$|[-_])/i.test(name))
    return {
      code: "nightly",
      severity: "error",
      message: `${name} ${version} is a nightly build`.replace("  ", " "),
      hint: "take a release that was tested, by its version and hash",
    };
  if (prerelease.test(version))
    return {
      code: "prerelease",
      severity: "warning",
      message: `${name} ${version} is a pre-release`,
      hint: "take a release, or say in a review why not",
    };
  return undefined;
}

/** Of a lock, only what is made every night: pre-releases come with others' dependencies. */
export function nightlyOnly(name: string, version: string): Found | undefined {
  const found = unstable(name, version);
  return found?.code === "nightly" ? found : undefined;
}

/** `1.2.3`, `=1.2.3`, `v1.2.3-rc.1+build`: three numbers, and no range. */
export function isExactSemver(version: string): boolean {
  return /^=?\s*v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.test(version.trim());
}

const hint = "pin an exact version and commit a lock with hashes";

/** A dependency that names a range, or nothing at all. */
export function unpinned(name: string, range: string): Found {
  const said = range.trim() === "" ? "has no version" : `is ${range.trim()}, a range`;
  return { code: "unpinned", severity: "error", message: `${name} ${said}`, hint };
}

/** `latest`, `*`: each update takes what is newest, with a lock too. */
export function floatingTag(name: string, range: string, locked: boolean): Found {
  const message = `${name} is ${JSON.stringify(range)}: whatever is newest`;
  return { code: "floating-tag", severity: locked ? "warning" : "error", message, hint };
}

/** A repository without a commit. */
export function floatingRef(name: string, ref: string | undefined): Found {
  const said = ref === undefined ? "and names no commit" : `at ${ref}, which can move`;
  return {
    code: "floating-ref",
    severity: "error",
    message: `${name} comes from a repository ${said}`,
    hint: "name the full commit: 40 hexadecimal digits",
  };
}

export function unhashed(name: string, what = "without a hash"): Found {
  return {
    code: "unhashed",
    severity: "error",
    message: `${name} is taken ${what}`,
    hint: "lock it with a SHA-256 or SHA-512 of its bytes, so that another file of the same version ends the build",
  };
}

export function noLock(what: string, how: string): Found {
  return {
    code: "no-lock",
    severity: "error",
    message: `${what} has dependencies and no lock beside it`,
    hint: `make one and commit it: ${how}`,
  };
}

export function notLocked(name: string, lock: string): Found {
  return {
    code: "not-locked",
    severity: "error",
    message: `${name} is not in ${lock}`,
    hint: "lock again and commit both files",
  };
}

export const isCommit = (ref: string | undefined): boolean =>
  /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/i.test(ref ?? "");
