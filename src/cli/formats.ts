import { Fault } from "../model/fault.ts";
import { type ReportFormat, reportFormats } from "../report/formats.ts";

/** Tables for notebooks, by the extension of their files. */
const tableFormats = ["parquet", "arrow"] as const;

type TableFormat = (typeof tableFormats)[number];

/** Names that `--format` may give, in the order in which they were given. */
export type Formats = readonly string[];

const known: readonly string[] = [...Object.keys(reportFormats), ...tableFormats];

export const formatHelp = `${known.slice(0, -1).join(", ")} or ${known.at(-1)}, one or several`;

/** `--format parquet,arrow`, `--format parquet arrow` and `--format parquet --format arrow` say the same. @throws Fault `usage` */
export function addFormats(text: string, before: Formats | undefined): Formats {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new Fault("usage", `--format ${unknown ?? text}: no format`, {
      hint: `there are ${known.join(", ")}`,
    });
  return [...new Set([...(before ?? []), ...names])];
}

/** How what a command prints is written. */
export type PrintedFormat = "text" | "json" | "markdown";

/**
 * The one format of what is printed; `--json` is short for one of them.
 * @param what  for the message: `explain`
 * @throws Fault `usage`
 */
export function printedFormat(
  names: Formats | undefined,
  json: boolean | undefined,
  what: string,
): PrintedFormat {
  const [name, other] = names ?? [];
  const wanted = json === true ? "json" : name;
  if (other !== undefined || (json === true && name !== undefined && name !== "json"))
    throw new Fault("usage", `${what} prints one thing: give one format`);
  if (wanted === undefined || wanted === "json" || wanted === "markdown") return wanted ?? "text";
  throw new Fault("usage", `--format ${wanted}: ${what} has json and markdown`);
}

export interface ChosenFormats {
  /** `html` among them, always. */
  readonly reports: readonly ReportFormat[];
  readonly tables: readonly TableFormat[];
}

export function formatsOf(names: Formats | undefined): ChosenFormats {
  const wanted = new Set(["html", ...(names ?? [])]);
  return {
    reports: Object.entries(reportFormats).flatMap(([name, format]) => (wanted.has(name) ? [format] : [])),
    tables: tableFormats.filter((name) => wanted.has(name)),
  };
}
