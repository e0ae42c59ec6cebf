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
