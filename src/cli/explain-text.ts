import type { Contribution } from "../report/contributions.ts";
import type { Explanation } from "./explanation.ts";
import { formatTable } from "./io.ts";
import { count, number, type Paint, printable } from "./paint.ts";

const bars = "▁▂▃▄▅▆▇█";
const historyShown = 60;

/** An explanation for people: the answer first, then what it stands on. */
export function explanationText(explanation: Explanation, paint: Paint): string {
  const { alert, baseline, contributions, segments, samples, models, firstMover, notes } = explanation;
  const place = alert.segment === null ? "" : ` for ${alert.segment.field} ${alert.segment.value}`;
  const parts = [
    `${paint.bold(alert.alertname)} ${alert.severity}  ${alert.fingerprint}\n${printable(alert.summary)}\n`,
    formatTable([
      ["where", printable(`${alert.featureView} ${alert.field ?? "all fields"} ${alert.statistic}${place}`)],
      ["window", `${alert.window.start} – ${alert.window.end}, ${count(alert.rows)} rows`],
      [
        "observed",
        `${number(alert.observed)}, expected ${number(alert.expected)}, unit ${number(alert.unit)}`,
      ],
      [
        "shift",
        `${number(alert.shift)} SD${explanation.sigma === null ? "" : `, the line is ${number(explanation.sigma)} SD`}`,
      ],
      ["evidence", evidenceText(alert.evidence)],
      [
        "baseline",
        [
          baseline.rows === null ? "" : `${count(baseline.rows)} rows`,
          baseline.digest ?? "",
          baseline.file ?? "",
        ]
          .filter((part) => part !== "")
          .join(", ") || "not known here",
      ],
      [
        "first mover",
        firstMover === null
          ? "this alert: nothing fired before it"
          : printable(
              `${firstMover.time} ${firstMover.alertname} ${firstMover.field ?? ""}: ${firstMover.summary} (${firstMover.fingerprint})`,
            ),
      ],
      ...(models.length === 0 ? [] : [["models", printable(models.join(", "))]]),
    ]),
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

function evidenceText(evidence: number): string {
  if (evidence === 0) return "none is counted: a hard rule, or nothing against chance";
  return `${number(evidence)} (e to that power to one against chance)`;
}

function contributionTable(contributions: readonly Contribution[]): string {
  const dimensions = contributions.some(({ what }) => /^dimension \d+$/.test(what));
  const share = (value: number): string => (dimensions ? number(value) : `${number(100 * value)}%`);
  const change = (value: number): string =>
    `${value > 0 ? "+" : ""}${dimensions ? `${number(value)} SD` : `${number(100 * value)} points`}`;
  const rows = contributions.map(({ what, before, now, change: moved, unknown }) => [
    printable(what),
    share(before),
    share(now),
    change(moved),
    unknown === true ? "not in the mapping" : "",
  ]);
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
