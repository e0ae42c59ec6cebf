/** error: what is installed tomorrow may not be what was tested today · warning: it is bound today, and loosely. */
export type Severity = "error" | "warning";

/** Stable: docs/audit.md has a heading for each, and allow lists name them. */
export type AuditCode =
  | "unpinned"
  | "floating-tag"
  | "floating-ref"
  | "unhashed"
  | "nightly"
  | "prerelease"
  | "no-lock"
  | "not-locked"
  | "image-undigested"
  | "action-unpinned"
  | "remote-script"
  | "unreadable";

/** One dependency that is not bound to bytes, and where it stands. */
export interface AuditFinding {
  /** Relative to what was audited, with `/`. */
  readonly file: string;
  /** From 1; the column counts UTF-16 units. */
  readonly line: number;
  readonly column: number;
  readonly code: AuditCode;
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** A file that names dependencies. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

/** All files that are looked at; a manifest asks it for its lock. */
export interface Project {
  /** The nearest of `names` in the directory of `path` or above. */
  nearest(path: string, names: readonly string[]): ProjectFile | undefined;
}

/** Knows one kind of file. */
export interface Auditor {
  readonly matches: RegExp;
  /** @throws what its parser throws: the file cannot be read, and that is a finding too */
  audit(file: ProjectFile, project: Project): readonly AuditFinding[];
}

export type Found = Omit<AuditFinding, "file" | "line" | "column">;

/** A finding at an offset of the file's text. */
export function at(file: ProjectFile, offset: number, found: Found): AuditFinding {
  const starts = lineStartsOf(file);
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { file: file.path, line: low + 1, column: Math.max(0, offset - (starts[low] ?? 0)) + 1, ...found };
}

/** A lock of megabytes may have thousands of findings: its lines are looked for once. */
const lineStarts = new WeakMap<ProjectFile, readonly number[]>();

function lineStartsOf(file: ProjectFile): readonly number[] {
  const known = lineStarts.get(file);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = file.text.indexOf("\n"); at >= 0; at = file.text.indexOf("\n", at + 1)) starts.push(at + 1);
  lineStarts.set(file, starts);
  return starts;
}

/** A text as a part of a regular expression that matches it. */
export function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Where `word` first stands at or behind `from`, as a whole; `from` itself when it does not. */
export function offsetOf(text: string, word: string, from = 0): number {
  const pattern = new RegExp(`(?<![\\w./@-])${literally(word)}(?![\\w./@-])`, "g");
  pattern.lastIndex = Math.max(0, from);
  return pattern.exec(text)?.index ?? Math.max(0, from);
}
