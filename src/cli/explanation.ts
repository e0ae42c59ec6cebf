import { Fault } from "../model/fault.ts";
import type { Example, Segment } from "../model/verdict.ts";
import type { Contribution } from "../report/contributions.ts";

/** A line of alerts.jsonl, or of `GET /v1/alerts`. */
export interface AlertRecord {
  readonly time: string;
  readonly status: "firing" | "resolved";
  readonly severity: string;
  readonly alertname: string;
  readonly featureView: string;
  readonly field: string | null;
  readonly statistic: string;
  readonly segment: Segment | null;
  readonly window: { readonly start: string; readonly end: string };
  readonly rows: number;
  readonly observed: number;
  readonly expected: number;
  readonly unit: number;
  readonly shift: number;
  readonly evidence: number;
  readonly summary: string;
  readonly fingerprint: string;
  readonly example?: { readonly value: string; readonly requestId?: string; readonly position?: string };
}

export interface Explanation {
  readonly alert: AlertRecord;
  readonly baseline: {
    readonly file: string | null;
    readonly digest: string | null;
    readonly rows: number | null;
  };
  readonly contributions: readonly Contribution[];
  /** The same statistic for each segment of the same window. */
  readonly segments: readonly {
    readonly segment: string;
    readonly rows: number;
    readonly observed: number;
    readonly shift: number;
  }[];
  readonly sigma: number | null;
  readonly history: readonly {
    readonly start: string;
    readonly observed: number;
    readonly shift: number;
    readonly status: string;
  }[];
  readonly samples: readonly Sample[];
  readonly models: readonly string[];
  /** The alert of the same incident that came first; null when it is this one. */
  readonly firstMover: Pick<
    AlertRecord,
    "time" | "alertname" | "field" | "statistic" | "summary" | "fingerprint"
  > | null;
  /** What could not be told, and why. */
  readonly notes: readonly string[];
}

export interface Sample {
  readonly value: string;
  readonly requestId: string | null;
  readonly position: string | null;
  /** Shows the message; null when it is not in Kafka. */
  readonly kcat: string | null;
}

/** By fingerprint, by the beginning of one, or by line number from 1; a firing line goes before its resolved one. */
export function pickAlert(alerts: readonly AlertRecord[], wanted: string, place: string): AlertRecord {
  const firing = alerts.filter(({ status }) => status === "firing");
  const line = /^\d{1,6}$/.test(wanted) ? alerts[Number(wanted) - 1] : undefined;
  const found = [
    ...new Set(
      firing.filter(({ fingerprint }) => fingerprint.startsWith(wanted)).map((each) => each.fingerprint),
    ),
  ];
  if (found.length > 1 && line === undefined)
    throw new Fault("usage", `${wanted}: the beginning of ${found.length} alerts`, {
      hint: found.slice(0, 8).join(", "),
    });
  const alert = line ?? firing.find(({ fingerprint }) => fingerprint === found[0]);
  if (alert !== undefined) return alert;
  const known = firing
    .slice(0, 8)
    .map(({ fingerprint, alertname, field }) => `${fingerprint} ${alertname} ${field ?? ""}`.trim());
  throw new Fault("usage", `${wanted}: no such alert in ${place}`, {
    hint: known.length === 0 ? "there is none at all" : `there are ${known.join(", ")}`,
  });
}

/** `topic-3@1204` as the line that shows that message; positions in files have none. */
export function sampleOf(
  { value, requestId, position }: Pick<Example, "value" | "requestId" | "position">,
  brokers: string | undefined,
): Sample {
  const place = /^(.+)-(\d+)@(\d+)$/.exec(position ?? "");
  const [, topic, partition, offset] = place ?? [];
  const inKafka = topic !== undefined && topic !== "files" && !topic.startsWith("gate:");
  return {
    value,
    requestId: requestId ?? null,
    position: position ?? null,
    kcat: inKafka
      ? `kcat -C -b ${brokers ?? "BROKER:9092"} -t ${topic} -p ${partition} -o ${offset} -c 1 -e -q`
      : null,
  };
}

/** The earliest of the alerts that fire when this one begins. */
export function firstMoverOf(alerts: readonly AlertRecord[], alert: AlertRecord): Explanation["firstMover"] {
  const ended = (start: AlertRecord): string =>
    alerts.find(
      ({ fingerprint, status, time }) =>
        status === "resolved" && fingerprint === start.fingerprint && time >= start.time,
    )?.time ?? "~";
  const [first] = alerts
    .filter(
      (each) =>
        each.status === "firing" &&
        each.alertname !== "TidemarkBreakerOpen" &&
        each.time <= alert.time &&
        ended(each) > alert.time,
    )
    .toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  if (first === undefined || first.fingerprint === alert.fingerprint) return null;
  const { time, alertname, field, statistic, summary, fingerprint } = first;
  return { time, alertname, field, statistic, summary, fingerprint };
}
