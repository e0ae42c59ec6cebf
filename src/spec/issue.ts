import { Fault } from "../model/fault.ts";

/** What is wrong at one place of a YAML file. `code` is stable; lines and columns count from 1, and are 0 where there are none. */
export interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  /** One line with the place and the value: `fields.age.range: [9, 1] is the wrong way round`. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint: string | undefined;
}

/** A spec that cannot be used, with everything that is wrong about it at once. */
export class SpecError extends Fault {
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super("spec.invalid", formatIssues(issues));
    this.name = "SpecError";
    this.issues = issues;
  }
}

/** `file:line:column code message (hint)`, a line each, in the order of the file. */
export function formatIssues(issues: readonly Issue[]): string {
  return issues
    .map(({ file, line, column, code, message, hint }) => {
      const advice = hint === undefined ? "" : ` (${hint})`;
      const place = line === 0 ? file : `${file}:${line}:${column}`;
      return `${place} ${code} ${message}${advice}`;
    })
    .join("\n");
}
