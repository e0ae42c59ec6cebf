import { type AuditFinding, type Auditor, at, type Project, type ProjectFile } from "./finding.ts";
import { auditors } from "./table.ts";

/** Findings of one audit; those beyond it are counted. */
export const findingsMax = 10_000;

export interface Audit {
  /** By file, line and column. */
  readonly findings: readonly AuditFinding[];
  readonly leftOut: number;
}

/** Whether an auditor, or a manifest that asks for its lock, looks at a file. */
export function isLookedAt(path: string): boolean {
  return auditors.some(({ matches }) => matches.test(path)) || /(?:^|\/)(?:go\.sum|pylock\.toml)$/.test(path);
}

/** Everything that is not bound to bytes. Pure: the same files, the same findings. */
export function auditFiles(files: readonly ProjectFile[]): Audit {
  const project = projectOf(files);
  const all = files.flatMap((file) =>
    auditors
      .filter(({ matches }) => matches.test(file.path))
      .flatMap((auditor) => auditFile(auditor, file, project)),
  );
  const order = (a: AuditFinding, b: AuditFinding): number =>
    compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.message, b.message);
  const unlike = new Map(all.map((each) => [JSON.stringify(each), each]));
  const sorted = [...unlike.values()].sort(order);
  return { findings: sorted.slice(0, findingsMax), leftOut: Math.max(0, sorted.length - findingsMax) };
}

/** A file that its parser does not understand binds nothing, and that is said of it. */
function auditFile(auditor: Auditor, file: ProjectFile, project: Project): readonly AuditFinding[] {
  try {
    return auditor.audit(file, project);
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
    const hint = "mend its syntax: what cannot be read cannot be audited";
    return [
      at(file, 0, { code: "unreadable", severity: "error", message: `cannot be read: ${message}`, hint }),
    ];
  }
}

function projectOf(files: readonly ProjectFile[]): Project {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return {
    nearest(path, names) {
      for (let folder = path; folder !== ""; ) {
        folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")));
        for (const name of names) {
          const found = byPath.get(folder === "" ? name : `${folder}/${name}`);
          if (found !== undefined) return found;
        }
      }
      return undefined;
    },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
