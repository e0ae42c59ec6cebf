import { readFileSync, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { Fault } from "../model/fault.ts";
import { categoricalSample, numericSample, type Sample } from "../statistics/sample.ts";
import type { Io } from "./io.ts";

/** A file is read whole: 256 MiB are some 13 million numbers. */
const bytesMax = 256 * 1024 * 1024;

/**
 * A JSON array of numbers, or of strings or booleans, as a sample. Null cells are counted and left out.
 * @throws Fault `input.missing`, `input.empty` or `input.format`, with file, and index of the offending element
 */
export function readSample(path: string, { cwd }: Pick<Io, "cwd">): Sample {
  const values = parse(read(resolve(cwd, path), path), path);
  if (!Array.isArray(values)) {
    throw new Fault("input.format", `${path}: ${nameOf(values)}, an array was wanted`, {
      hint: 'such as [0.2, 1.5, 3] or ["US", "DE"]; of a table: jq \'[.[].price]\'',
    });
  }
  const cells = values.filter((value) => value !== null);
  if (cells.length === 0) {
    const what = values.length === 0 ? "an empty array" : `${values.length} nulls and no value`;
    throw new Fault("input.empty", `${path}: ${what}`, { hint: "a statistic needs at least one value" });
  }
  const wanted = kindOf(cells[0]);
  const stranger = values.findIndex((value) => value !== null && kindOf(value) !== wanted);
  if (stranger >= 0 || wanted === undefined) {
    const index = wanted === undefined ? values.indexOf(cells[0]) : stranger;
    throw new Fault("input.format", `${path}: element ${index} is ${nameOf(values[index])}${among(wanted)}`, {
      hint: "an array holds numbers only, or strings only; null is a cell without a value",
    });
  }
  const nulls = values.length - cells.length;
  if (wanted === "categorical") return categoricalSample(cells.map(String), nulls);
  const infinite = values.findIndex((value) => typeof value === "number" && !Number.isFinite(value));
  if (infinite >= 0) {
    throw new Fault("input.format", `${path}: element ${infinite} is beyond the largest double (1.8e308)`);
  }
  return numericSample(cells as number[], nulls);
}

function read(file: string, path: string): string {
  try {
    const { size } = statSync(file);
    if (size > bytesMax) {
      throw new Fault("input.format", `${path}: ${size} bytes, at most ${bytesMax}`, {
        hint: "`tidemark profile` and `tidemark replay` read files of any size",
      });
    }
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "no such file" : cause instanceof Error ? cause.message : String(cause);
    throw new Fault("input.missing", `${path}: ${why}`, { cause, hint: `looked for ${file}` });
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const odd = /(?<=[[,]\s*)[-+]?(?:NaN|Infinity|nan|inf)\b/i.exec(text.slice(0, 1 << 20));
    if (odd !== null) {
      const line = text.slice(0, odd.index).split("\n").length;
      throw new Fault("input.format", `${path}:${line}: ${odd[0]} is no JSON`, {
        cause,
        hint: "statistics are of finite values: write null, or leave it out",
      });
    }
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("input.format", `${basename(path)}: ${what.slice(0, 200)}`, {
      cause,
      hint: "the file holds one JSON array, such as [0.2, 1.5, 3]",
    });
  }
}

function kindOf(value: unknown): Sample["kind"] | undefined {
  if (typeof value === "number") return "numeric";
  return typeof value === "string" || typeof value === "boolean" ? "categorical" : undefined;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function among(kind: Sample["kind"] | undefined): string {
  if (kind === undefined) return "";
  return kind === "numeric" ? " among numbers" : " among strings";
}
