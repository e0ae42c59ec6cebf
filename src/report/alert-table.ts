import { type Alert, segmentKey } from "../model/verdict.ts";
import type { Findings } from "./findings.ts";
import { breakable, count, escapeHtml, span, timeTag } from "./html.ts";

export interface FiredAlert {
  readonly alert: Alert;
  /** Undefined: it still fires. */
  readonly end: number | undefined;
}

/** Every alert that began to fire, with its end. */
export function firedAlerts({ alerts }: Findings): readonly FiredAlert[] {
  const ends = Map.groupBy(
    alerts.filter(({ status }) => status === "resolved"),
    ({ fingerprint }) => fingerprint,
  );
  return alerts
    .filter(({ status }) => status === "firing")
    .map((alert) => ({
      alert,
      end: ends.get(alert.fingerprint)?.find(({ time }) => time >= alert.time)?.time,
    }));
}

/** One line an alert: when it fired, and until when. */
export function alertTable(findings: Findings): string {
  const fired = firedAlerts(findings);
  if (fired.length === 0) return "";
  const rows = fired.map(({ alert, end }) => {
    const until =
      end === undefined ? "still firing" : `${timeTag(end)} <small>${span(end - alert.time)}</small>`;
    const place = alert.segment === null ? "" : `<br><small>${breakable(segmentKey(alert.segment))}</small>`;
    return `<tr><th scope="row">${alert.alertname}<br><span class="pill ${alert.severity}">${alert.severity}</span></th><td>${breakable(alert.field ?? "all fields")}${place}</td><td>${timeTag(alert.time)}</td><td>${until}</td><td class="seen">${escapeHtml(alert.summary)}${exampleOf(alert)}</td></tr>`;
  });
  const left = findings.alertsLeftOut;
  const more = left > 0 ? `<p class="soft">and ${count(left)} more lines in alerts.jsonl</p>` : "";
  return `<section id="alerts"><h2>Alerts</h2><details open><summary>${count(fired.length)} fired</summary><div class="scroll" role="region" tabindex="0" aria-label="alerts"><table class="cards alerts"><thead><tr><th scope="col">alert</th><th scope="col">where</th><th scope="col">from</th><th scope="col">until</th><th scope="col">what was seen when it fired</th></tr></thead><tbody>${rows.join("\n")}</tbody></table></div>${more}</details></section>`;
}

function exampleOf({ example }: Alert): string {
  if (example?.requestId === undefined) return "";
  return ` <small>in request <code>${escapeHtml(example.requestId)}</code></small>`;
}
