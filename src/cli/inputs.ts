import { existsSync, globSync } from "node:fs";
import { resolve } from "node:path";
import { Fault } from "../model/fault.ts";
import { parseInstant } from "../model/time.ts";
import type { TimeRange } from "../pipeline/time-range.ts";
import type { Io } from "./io.ts";

/**
 * Files and globs as absolute paths; those of one glob sorted by name, so that days come in their order.
 * @throws Fault `input.missing` that names the pattern without a file
 */
export function expandInputs(patterns: readonly string[], { cwd }: Pick<Io, "cwd">): readonly string[] {
  return patterns.flatMap((pattern) => {
    const plain = resolve(cwd, pattern);
    if (existsSync(plain)) return [plain];
    const found = globSync(pattern, { cwd }).sort();
    if (found.length === 0) {
      throw new Fault("input.missing", `${pattern}: no such file`, {
        hint: `looked in ${cwd}; globs such as 'events/*.arrow' work too`,
      });
    }
    return found.map((file) => resolve(cwd, file));
  });
}

/**
 * `--from-time` and `--to-time` as a half-open range; undefined when neither is given.
 * @throws Fault `usage`
 */
export function timeRangeOf(from: string | undefined, to: string | undefined): TimeRange | undefined {
  if (from === undefined && to === undefined) return undefined;
  const range = {
    from: from === undefined ? Number.NEGATIVE_INFINITY : instantOf("--from-time", from),
    to: to === undefined ? Number.POSITIVE_INFINITY : instantOf("--to-time", to),
  };
  if (range.from < range.to) return range;
  throw new Fault("usage", `--from-time ${from} is not before --to-time ${to}`, {
    hint: "the range is [from, to)",
  });
}

function instantOf(flag: string, text: string): number {
  const time = parseInstant(text);
  if (time !== undefined) return time;
  throw new Fault("usage", `${flag} ${text}: not a time`, {
    hint: "ISO 8601 such as 2026-03-03T04:14:00Z, or epoch milliseconds",
  });
}
