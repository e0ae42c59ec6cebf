import { classicalTable } from "./classical.ts";
import type { Course } from "./course.ts";
import { distributionChart } from "./distribution.ts";
import type { StatisticFindings } from "./field-findings.ts";
import { clock, count, escapeHtml, when } from "./html.ts";
import { anchorOf } from "./moved.ts";
import { normLine } from "./norm-line.ts";
import { numbersTable } from "./numbers.ts";
import { distanceOf, isBad, type ReportInput, type Subject } from "./report-input.ts";
import { statisticLine } from "./statistic-line.ts";
import { statusRank } from "./status.ts";

/** Statistics of one field that get a line over time; the others are named. */
const linesMax = 4;
const size = { width: 330, height: 130 };

/** A field that moved: what it looked like, what each statistic did over time, and the numbers. */
export function fieldCard(input: ReportInput, course: Course | undefined, subject: Subject): string {
  const { spec, findings, sigma, name } = subject;
  const { worst, status, norms, nonFinite } = findings;
  const before = spec && input.baselineFields.get(spec.name);
  const bad = isBad(findings);
  const told = findings.statistics.filter(({ worst: own }) => statusRank[own.status] >= statusRank.ok);
  const mattering = bad ? told.filter(isBad) : told;
  const shown = mattering.slice(0, bad ? linesMax : 1);
  const pictures = [
    spec === undefined
      ? ""
      : framed(
          "distribution",
          worst && windowOf(worst),
          distributionChart(spec, before, worst?.profile, { size, axis: true }),
        ),
    ...(course === undefined
      ? []
      : shown.map((statistic) =>
          framed(statistic.name, captionOf(statistic, sigma), line(input, course, subject, statistic)),
        )),
    course === undefined || norms === undefined
      ? ""
      : framed(
          "length of the vectors",
          undefined,
          normLine(course, { name, norms, nonFinite, baseline: before }, size),
        ),
  ];
  const others = mattering
    .slice(shown.length)
    .map((statistic) => `${statistic.name} ${distanceOf(statistic.worst, sigma)}`);
  const also = bad && others.length > 0 ? `<p class="soft">Also: ${others.join(", ")}.</p>` : "";
  const sentence = bad && worst !== undefined ? `<p>${escapeHtml(worst.verdict.summary)}</p>` : "";
  const numbers =
    spec === undefined
      ? ""
      : numbersTable(spec, before, worst?.profile) + classicalTable(spec, before, worst?.profile);
  return `<article id="${anchorOf(subject)}" class="${status}">
<h3>${escapeHtml(name)} <small>${spec?.type ?? "volume, duplicates, silence, versions, correlations"}</small> <span class="pill ${status}">${status}</span></h3>
${sentence}<div class="multiples">${pictures.join("\n")}</div>
${also}${numbers}
</article>`;
}

function framed(title: string, more: string | undefined, picture: string): string {
  if (picture === "") return "";
  const rest = more === undefined ? "" : ` <small>${escapeHtml(more)}</small>`;
  return `<figure><figcaption>${title}${rest}</figcaption>${picture}</figure>`;
}

/** `Tue 3 Mar 08:00–08:20, 104 rows`. */
function windowOf({ window, rows }: NonNullable<Subject["findings"]["worst"]>): string {
  return `${when(window.start)}–${clock(window.end)}, ${count(rows)} rows`;
}

function captionOf({ worst, criticalWindows, warningWindows }: StatisticFindings, sigma: number): string {
  const windows = [
    criticalWindows > 0 ? `critical in ${count(criticalWindows)}` : "",
    warningWindows > 0 ? `warning in ${count(warningWindows)}` : "",
  ].filter((part) => part !== "");
  const distance = distanceOf(worst, sigma);
  return [worst.hard && worst.shift < sigma ? distance : `at most ${distance}`, ...windows].join(", ");
}

function line(
  { findings: { alerts } }: ReportInput,
  course: Course,
  { name, sigma, spec }: Subject,
  { name: statistic, shifts, statuses }: StatisticFindings,
): string {
  const fired = alerts.filter(
    (alert) =>
      alert.status === "firing" &&
      alert.segment === null &&
      alert.field === (spec?.name ?? null) &&
      alert.statistic === statistic,
  );
  const options = { name: `${statistic} of ${name}`, shifts, statuses, sigma, alerts: fired };
  return statisticLine(course, options, size);
}
