import { isIssues, type Path, readYaml, type YamlFile } from "./document.ts";
import { SpecError } from "./issue.ts";

/** A foreign file of JSON or YAML, read (JSON is YAML), whose values know their line. */
export interface ForeignSource {
  readonly file: string;
  readonly value: unknown;
  /** From 1; of the key at `path`, or of the nearest thing around it. */
  line(path: Path): number;
}

/** @throws SpecError `import.syntax`, `import.too-large` and their like, each with its line */
export function readSource(text: string, file: string): ForeignSource {
  const yaml = readYaml(text, file, "import");
  if (isIssues(yaml)) throw new SpecError(yaml);
  return { file, value: yaml.value, line: (path) => lineOf(yaml, path) };
}

/** The error for a file that is not of the format asked for. */
export function notOfFormat(file: string, line: number, message: string, hint?: string): SpecError {
  return new SpecError([{ file, line, column: 1, code: "import.wrong-format", message, hint }]);
}

export type PlainMap = Readonly<Record<string, unknown>>;

export function mapOf(value: unknown): PlainMap | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as PlainMap)
    : undefined;
}

export function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** null and what stands for "not said" in files that write every key. */
export function isSaid(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || Object.keys(value as object).length > 0;
}

function lineOf(yaml: YamlFile, path: Path): number {
  return yaml.locate(path, "key").line;
}
