import { type EventTime, isoTime } from "../model/time.ts";
import { type Alert, segmentKey } from "../model/verdict.ts";

/** Alerts of one view that began no further apart than this many windows are taken to have one cause. */
const togetherWindows = 5;
const othersMax = 20;

/** Alerts that are likely one upstream change, and the one that moved first. */
export interface Incident {
  readonly featureView: string;
  readonly since: EventTime;
  /** The earliest onset; of several at once the largest evidence, the whole view before its segments. */
  readonly first: Alert;
  /** Everything else that moved, in the order of its onset: `age location`, `age location node:a7`. At most 20. */
  readonly others: readonly string[];
  readonly alerts: number;
}

/** Sorts alerts into incidents, oldest first. A breaker is no cause; an incident of which only the breaker is left is none. */
export function incidentsOf(alerts: readonly Alert[]): readonly Incident[] {
  const incidents: Incident[] = [];
  const moved = alerts.filter(({ statistic }) => statistic !== "breaker");
  for (const [featureView, own] of Map.groupBy(moved, (alert) => alert.featureView)) {
    let group: Alert[] = [];
    for (const alert of own.toSorted((a, b) => onsetOf(a) - onsetOf(b))) {
      const last = group.at(-1);
      if (last !== undefined && onsetOf(alert) - onsetOf(last) > togetherWindows * sizeOf(alert)) {
        incidents.push(toIncident(featureView, group));
        group = [];
      }
      group.push(alert);
    }
    if (group.length > 0) incidents.push(toIncident(featureView, group));
  }
  return incidents.toSorted((a, b) => a.since - b.since);
}

/** The incident that an alert belongs to, in a sentence for people; undefined when it stands alone. */
export function incidentText(alert: Alert, incidents: readonly Incident[]): string | undefined {
  const name = nameOf(alert);
  const incident = incidents.find(
    ({ featureView, first, others }) =>
      featureView === alert.featureView && (nameOf(first) === name || others.includes(name)),
  );
  if (incident === undefined || incident.alerts < 2) return undefined;
  const { first, since, others, alerts } = incident;
  const shown = others.slice(0, 5).join(", ");
  const more = alerts - 1 > 5 ? ` and ${alerts - 1 - 5} more` : "";
  return `moved first: ${nameOf(first)}, since ${isoTime(since).slice(0, 16)}Z; with it: ${shown}${more}`;
}

/** `age location`, of a segment `age location node:a7`. */
function nameOf({ field, statistic, segment }: Alert): string {
  return [field ?? "the view", statistic, segmentKey(segment)].filter((part) => part !== "").join(" ");
}

function toIncident(featureView: string, group: readonly Alert[]): Incident {
  const earliest = group.reduce((least, alert) => Math.min(least, onsetOf(alert)), Number.POSITIVE_INFINITY);
  const [first] = group
    .filter((alert) => onsetOf(alert) - earliest < sizeOf(alert))
    .toSorted((a, b) => rankOf(a) - rankOf(b) || onsetOf(a) - onsetOf(b) || b.evidence - a.evidence);
  if (first === undefined) throw new TypeError("an incident without an alert");
  const others = new Set(group.filter((alert) => alert !== first).map(nameOf));
  return {
    featureView,
    since: onsetOf(first),
    first,
    others: [...others].slice(0, othersMax),
    alerts: group.length,
  };
}

/** Within one window: the whole view before its segments, what was seen to break before what was estimated to drift. */
function rankOf({ segment, severity }: Alert): number {
  return (segment === null ? 0 : 2) + (severity === "critical" ? 0 : 1);
}

/** When it began: as the detector estimates it, or when it was first seen. */
function onsetOf({ since, startsAt }: Alert): EventTime {
  return since ?? startsAt;
}

function sizeOf({ window }: Alert): number {
  return Math.max(1, window.end - window.start);
}
