import type { Contribution } from "../report/contributions.ts";
import type { Explanation } from "./explanation.ts";
import { count, number } from "./paint.ts";

/** What an explanation stands on, by name, in plain text. */
export function factsOf({
  alert,
  baseline,
  firstMover,
  models,
  sigma,
}: Explanation): readonly (readonly [string, string])[] {
  const place = alert.segment === null ? "" : ` for ${alert.segment.field} ${alert.segment.value}`;
  const line = sigma === null ? "" : `, the line is ${number(sigma)} SD`;
  const known = [
    baseline.rows === null ? "" : `${count(baseline.rows)} rows`,
    baseline.digest ?? "",
    baseline.file ?? "",
  ].filter((part) => part !== "");
  const first =
    firstMover === null
      ? "this alert: nothing fired before it"
      : `${firstMover.time} ${firstMover.alertname} ${firstMover.field ?? ""}: ${firstMover.summary} (${firstMover.fingerprint})`;
  const measured = [
    ["observed", `${number(alert.observed)}, expected ${number(alert.expected)}, unit ${number(alert.unit)}`],
    ["shift", `${number(alert.shift)} SD${line}`],
    ["evidence", evidenceText(alert.evidence)],
  ] as const;
  return [
    ["where", `${alert.featureView} ${alert.field ?? "all fields"} ${alert.statistic}${place}`],
    [
      "window",
      `${alert.window.start} – ${alert.window.end}, ${count(alert.rows)} ${alert.rows === 1 ? "row" : "rows"}`,
    ],
    ...(alert.statistic === "breaker" ? [] : measured), // a breaker is open or not: nothing is measured
    ["baseline", known.join(", ") || "not known here"],
    ["first mover", first],
    ...(models.length === 0 ? [] : [["models", models.join(", ")] as const]),
  ];
}

function evidenceText(evidence: number): string {
  if (evidence === 0) return "none is counted: a hard rule, or nothing against chance";
  return `${number(evidence)} (e to that power to one against chance)`;
}

/** What, baseline, window, change, and whether the model does not know it. */
export function contributionRows(contributions: readonly Contribution[]): readonly (readonly string[])[] {
  const dimensions = contributions.some(({ what }) => /^dimension \d+$/.test(what));
  const share = (value: number): string => (dimensions ? number(value) : `${number(100 * value)}%`);
  const change = (value: number): string =>
    `${value > 0 ? "+" : ""}${dimensions ? `${number(value)} SD` : `${number(100 * value)} points`}`;
  return contributions.map(({ what, before, now, change: moved, unknown }) => [
    what,
    share(before),
    share(now),
    change(moved),
    unknown === true ? "not in the mapping" : "",
  ]);
}
