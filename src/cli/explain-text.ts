import type { Contribution } from "../report/contributions.ts";
import { contributionRows, factsOf } from "./explain-facts.ts";
import type { Explanation } from "./explanation.ts";
import { formatTable } from "./io.ts";
import { count, number, type Paint, printable } from "./paint.ts";

const bars = "▁▂▃▄▅▆▇█";
const historyShown = 60;

/** An explanation for people: the answer first, then what it stands on. */
export function explanationText(explanation: Explanation, paint: Paint): string {
  const { alert, contributions, segments, samples, notes } = explanation;
  const parts = [
    `${paint.bold(alert.alertname)} ${alert.severity}  ${alert.fingerprint}\n${printable(alert.summary)}\n`,
    formatTable(factsOf(explanation).map(([name, text]) => [name, printable(text)])),
  ];
  if (contributions.length > 0) parts.push(heading("made of", paint) + contributionTable(contributions));
  if (segments.length > 0)
    parts.push(
      heading("in the same window, by segment", paint) +
        formatTable(
          [
            ["segment", "rows", "observed", "shift"],
            ...segments
              .slice(0, 20)
              .map(({ segment, rows, observed, shift }) => [
                printable(segment),
                count(rows),
                number(observed),
                `${number(shift)} SD`,
              ]),
          ],
          [1, 2, 3],
        ),
    );
  parts.push(historyText(explanation, paint));
  if (samples.length > 0) {
    const lines = samples.map(({ value, requestId, position, kcat }) =>
      [
        `  ${printable(value)}${requestId === null ? "" : `  request ${printable(requestId)}`}${position === null ? "" : `  at ${printable(position)}`}`,
        ...(kcat === null ? [] : [`    ${printable(kcat)}`]),
      ].join("\n"),
    );
    parts.push(`${heading("rows", paint)}${lines.join("\n")}\n`);
  }
  for (const note of notes) parts.push(`${printable(note)}\n`);
  return parts.filter((part) => part !== "").join("\n");
}

function heading(text: string, paint: Paint): string {
  return `${paint.bold(text)}\n`;
}

function contributionTable(contributions: readonly Contribution[]): string {
  const rows = contributionRows(contributions).map(([what = "", ...rest]) => [printable(what), ...rest]);
  return formatTable([["", "baseline", "window", "change", ""], ...rows], [1, 2, 3]);
}

/** One character a window, as high as the shift; the breaker's line is half of the height. */
function historyText({ history, sigma, alert }: Explanation, paint: Paint): string {
  const shown = history.slice(-historyShown);
  const [first, last] = [shown[0], shown.at(-1)];
  if (first === undefined || last === undefined) return "";
  const line = sigma ?? 2;
  const marks = shown.map(({ shift, status }) => {
    const mark = bars[Math.min(bars.length - 1, Math.floor((shift / line) * (bars.length / 2)))] ?? "▁";
    return status === "critical" ? paint.red(mark) : status === "insufficient" ? paint.dim("·") : mark;
  });
  const at = shown.findIndex(({ start }) => start === alert.window.start);
  const pointer = at < 0 ? "" : `${" ".repeat(at)}^ the alert's window\n`;
  return `${heading(`history of the shift, ${first.start} to ${last.start}`, paint)}${marks.join("")}\n${pointer}`;
}
