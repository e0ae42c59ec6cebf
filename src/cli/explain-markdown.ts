import { code, fenced, prose, table } from "../report/markdown.ts";
import { contributionRows, factsOf } from "./explain-facts.ts";
import type { Explanation } from "./explanation.ts";
import { count, number } from "./paint.ts";

/** Segments of the table; the worst ones. */
const segmentsMax = 20;

/** An explanation for an incident ticket. No value of the data makes a link, a mention or markup of itself. */
export function explanationMarkdown(explanation: Explanation): string {
  const { alert, contributions, segments, history, samples, notes } = explanation;
  const beyond = history.filter(({ status }) => status === "critical" || status === "warning");
  const [first, last] = [history[0], history.at(-1)];
  const parts = [
    `# ${alert.alertname} (${alert.severity}) ${code(alert.fingerprint)}`,
    `**${prose(alert.summary)}**`,
    factsOf(explanation)
      .map(([name, text]) => `- ${name}: ${prose(text)}`)
      .join("\n"),
    first === undefined || last === undefined
      ? ""
      : `Critical or a warning in ${count(beyond.length)} of ${count(history.length)} windows from ${first.start} to ${last.start}${beyond[0] === undefined ? "" : `, first in that of ${beyond[0].start}`}.`,
    contributions.length === 0
      ? ""
      : `## Made of\n\n${table(
          ["", "baseline", "window", "change", ""],
          contributionRows(contributions).map((row) => row.map(prose)),
          [1, 2, 3],
        )}`,
    segments.length === 0
      ? ""
      : `## In the same window, by segment\n\n${table(
          ["segment", "rows", "observed", "shift"],
          segments
            .slice(0, segmentsMax)
            .map(({ segment, rows, observed, shift }) => [
              prose(segment),
              count(rows),
              number(observed),
              `${number(shift)} SD`,
            ]),
          [1, 2, 3],
        )}`,
    samples.length === 0
      ? ""
      : `## Rows\n\n${table(
          ["value", "request", "at"],
          samples.map(({ value, requestId, position }) =>
            [value, requestId, position].map((text) => (text === null ? "" : code(text))),
          ),
          [],
        )}`,
    ...samples.flatMap(({ kcat }) => (kcat === null ? [] : [fenced(kcat)])).slice(0, 1),
    ...notes.map(prose),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}
