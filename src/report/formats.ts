import { renderMarkdown } from "./markdown.ts";
import { renderReport } from "./report.ts";
import { renderReportData } from "./report-data.ts";
import type { ReportInput } from "./report-input.ts";

/** What a run is told as at its end: one file beside the others. */
export interface ReportFormat {
  readonly file: string;
  readonly render: (input: ReportInput) => string;
}

/** By the name that `--format` gives it: one file of this room a format, one line here. `html` is always written. */
export const reportFormats: Readonly<Record<string, ReportFormat>> = {
  html: { file: "report.html", render: renderReport },
  json: { file: "report.json", render: renderReportData },
  markdown: { file: "report.md", render: renderMarkdown },
};
