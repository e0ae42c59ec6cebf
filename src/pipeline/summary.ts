import { type Incident, incidentsOf } from "../judge/incident.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { jsonNumber } from "../model/json-number.ts";
import { type EventTime, isoTime } from "../model/time.ts";
import {
  type Alert,
  type BreakerReason,
  type BreakerStateName,
  type Example,
  type JudgedWindow,
  type StatisticName,
  segmentKey,
  type Verdict,
  type VerdictStatus,
} from "../model/verdict.ts";
import type { ViewStatus } from "./board.ts";
import type { Outcome } from "./ports.ts";

/** The object of `summary.json`, and what `replay --json` and `demo --once --json` print. Times are ISO 8601. */
export interface Summary {
  readonly featureView: string;
  readonly version: number;
  readonly spec: string;
  /** The run was ended before its data were: what stands here is true of the part that was read. */
  readonly partial: boolean;
  /** First and last event time of all closed windows; null without a row. */
  readonly from: string | null;
  readonly to: string | null;
  /** Rows read, one for each dead letter: profiled + late + rejected + deadLettered. */
  readonly rows: number;
  readonly profiled: number;
  readonly late: number;
  readonly rejected: number;
  readonly deadLettered: number;
  /** The first rejected row, where there is one: why, and where it is. */
  readonly rejectedExample?: Pick<Example, "value" | "requestId" | "position">;
  /** Closed windows of the whole view, each once, as it was judged first. */
  readonly windows: number;
  /** Verdicts of all closed windows, of the whole view and of segments. */
  readonly verdicts: Readonly<Record<VerdictStatus, number>>;
  /** Alerts that began to fire, of the whole view and of segments. */
  readonly alerts: { readonly warning: number; readonly critical: number };
  /** Alerts that are likely one upstream change, and what moved first; oldest first. */
  readonly incidents: readonly IncidentSummary[];
  readonly breaker: {
    /** At the end. */
    readonly state: BreakerStateName;
    /** When it opened for the first time; null when it never did. */
    readonly openedAt: string | null;
    /** When it closed for the last time, unless it is open again. */
    readonly closedAt: string | null;
    /** Why it opened for the first time. */
    readonly reasons: readonly BreakerReason[];
    readonly openings: number;
  };
  /** Every field of the spec, in its order. */
  readonly fields: Readonly<Record<string, FieldSummary>>;
  /** Segments whose breaker opened, by `node:a7`. */
  readonly segments: Readonly<Record<string, { state: BreakerStateName; openedAt: string }>>;
}

export interface IncidentSummary {
  /** When the first mover moved, as far as is known. */
  readonly since: string;
  readonly first: {
    readonly field: string | null;
    readonly statistic: string;
    readonly segment: string | null;
  };
  readonly summary: string;
  /** Everything else that moved: `age location node:a7`. */
  readonly others: readonly string[];
  readonly alerts: number;
}

/** The worst that was said of one field over the whole view. */
export interface FieldSummary {
  readonly status: VerdictStatus;
  /** Of the worst verdict: the worst status, among those the largest shift. Null when nothing was judged. */
  readonly statistic: StatisticName | null;
  readonly shift: number | null;
  readonly observed: number | null;
  readonly expected: number | null;
  readonly summary: string | null;
  readonly firstWarningAt: string | null;
  readonly firstCriticalAt: string | null;
  /** Closed windows in which it was critical. */
  readonly criticalWindows: number;
}

/** Gathers what a summary needs as outcomes pass by; bounded by the number of fields and segments. */
export interface Tally {
  add(outcomes: readonly Outcome[]): void;
  summarize(
    status: Pick<ViewStatus, "counts" | "breaker" | "segments" | "rejectedExample">,
    partial?: boolean,
  ): Summary;
}

interface FieldTally {
  worst: Verdict | undefined;
  firstWarning: EventTime | undefined;
  firstCritical: EventTime | undefined;
  criticalWindows: number;
}

/** Alerts that incidents are made of; later ones are counted only. */
const firedMax = 1_000;

/** One window with too few rows does not make a field that was well in all others look untold. */
const rankOf: Readonly<Record<VerdictStatus, number>> = { insufficient: 0, ok: 1, warning: 2, critical: 3 };

export function createTally(view: FeatureView): Tally {
  const fields = new Map<string, FieldTally>(view.fields.map(({ name }) => [name, emptyField()]));
  const verdicts = { ok: 0, insufficient: 0, warning: 0, critical: 0 };
  const alerts = { warning: 0, critical: 0 };
  const fired: Alert[] = [];
  const openedSegments = new Map<string, EventTime>();
  let [windows, openings] = [0, 0];
  let [firstEvent, lastEvent] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let opened: { at: EventTime; reasons: readonly BreakerReason[] } | undefined;
  let closedAt: EventTime | undefined;

  const addOutcome = (outcome: Outcome): void => {
    switch (outcome.kind) {
      case "judged": {
        const { judged, profile } = outcome;
        const isNew = judged.final && (judged.revision ?? 0) === 0;
        if (isNew) for (const { status } of judged.verdicts) verdicts[status] += 1;
        if (judged.segment !== null) return;
        if (isNew) {
          windows += 1;
          firstEvent = Math.min(firstEvent, profile.firstEvent);
          lastEvent = Math.max(lastEvent, profile.lastEvent);
        }
        addJudged(fields, judged);
        return;
      }
      case "alert":
        if (outcome.alert.status === "firing") {
          alerts[outcome.alert.severity] += 1;
          if (fired.length < firedMax) fired.push(outcome.alert);
        }
        return;
      case "breaker": {
        const { breaker, transition } = outcome;
        if (breaker.segment !== null) {
          const key = segmentKey(breaker.segment);
          if (transition.to === "open" && !openedSegments.has(key)) openedSegments.set(key, transition.time);
          return;
        }
        if (transition.to === "open" && transition.from === "closed") {
          openings += 1;
          opened ??= { at: transition.time, reasons: transition.reasons };
        }
        closedAt = transition.to === "closed" ? transition.time : undefined;
        return;
      }
      case "dead-letter":
      case "profile":
      case "signal":
        return;
    }
  };

  return {
    add: (outcomes) => outcomes.forEach(addOutcome),
    summarize: ({ counts, breaker, segments, rejectedExample }, partial = false) => ({
      featureView: view.name,
      version: view.version,
      spec: view.fingerprint,
      partial,
      from: Number.isFinite(firstEvent) ? isoTime(firstEvent) : null,
      to: Number.isFinite(lastEvent) ? isoTime(lastEvent) : null,
      rows: counts.read,
      profiled: counts.profiled,
      late: counts.late,
      rejected: counts.rejected,
      deadLettered: counts.deadLettered,
      ...(rejectedExample === undefined ? {} : { rejectedExample: exampleOf(rejectedExample) }),
      windows,
      verdicts: { ...verdicts },
      alerts: { ...alerts },
      incidents: incidentsOf(fired).map(summarizeIncident),
      breaker: {
        state: breaker.state,
        openedAt: isoOrNull(opened?.at),
        closedAt: isoOrNull(closedAt),
        reasons: opened?.reasons ?? [],
        openings,
      },
      fields: Object.fromEntries([...fields].map(([name, tally]) => [name, summarizeField(tally)])),
      segments: Object.fromEntries(
        [...openedSegments].map(([key, at]) => [
          key,
          { state: segments.get(key)?.state ?? "closed", openedAt: isoTime(at) },
        ]),
      ),
    }),
  };
}

function exampleOf({ eventTime: _told, ...example }: Example): Omit<Example, "eventTime"> {
  return example;
}

function summarizeIncident({ since, first, others, alerts }: Incident): IncidentSummary {
  const { field, statistic, segment, summary } = first;
  return {
    since: isoTime(since),
    first: { field, statistic, segment: segment === null ? null : segmentKey(segment) },
    summary,
    others,
    alerts,
  };
}

function emptyField(): FieldTally {
  return { worst: undefined, firstWarning: undefined, firstCritical: undefined, criticalWindows: 0 };
}

function addJudged(fields: Map<string, FieldTally>, judged: JudgedWindow): void {
  const critical = new Set<FieldTally>();
  for (const verdict of judged.verdicts) {
    const tally = verdict.field === null ? undefined : fields.get(verdict.field);
    if (tally === undefined) continue;
    if (tally.worst === undefined || isWorse(verdict, tally.worst)) tally.worst = verdict;
    const at = verdict.decidedAt ?? judged.asOf;
    if (verdict.status === "warning") tally.firstWarning = Math.min(tally.firstWarning ?? at, at);
    if (verdict.status === "critical") {
      tally.firstCritical = Math.min(tally.firstCritical ?? at, at);
      critical.add(tally);
    }
  }
  if (judged.final && (judged.revision ?? 0) === 0) for (const tally of critical) tally.criticalWindows += 1;
}

function isWorse(verdict: Verdict, than: Verdict): boolean {
  const difference = rankOf[verdict.status] - rankOf[than.status];
  return difference > 0 || (difference === 0 && verdict.shift > than.shift);
}

function summarizeField({ worst, firstWarning, firstCritical, criticalWindows }: FieldTally): FieldSummary {
  return {
    status: worst?.status ?? "insufficient",
    statistic: worst?.statistic ?? null,
    shift: worst === undefined ? null : jsonNumber(worst.shift),
    observed: worst === undefined ? null : jsonNumber(worst.observed),
    expected: worst === undefined ? null : jsonNumber(worst.expected),
    summary: worst?.summary ?? null,
    firstWarningAt: isoOrNull(firstWarning),
    firstCriticalAt: isoOrNull(firstCritical),
    criticalWindows,
  };
}

function isoOrNull(time: EventTime | undefined): string | null {
  return time === undefined ? null : isoTime(time);
}
