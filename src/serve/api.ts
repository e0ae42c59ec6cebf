import { rolloutsOf } from "../judge/rollout.ts";
import { jsonNumber } from "../model/json-number.ts";
import { type EventTime, isoTime, type Window } from "../model/time.ts";
import { type Alert, type Example, segmentKey, type Verdict } from "../model/verdict.ts";
import type { Board, ViewStatus } from "../pipeline/board.ts";
import { statusOf, statusRank } from "../report/status.ts";
import { holdOf, sinceOf } from "./gate.ts";
import { Problem } from "./problem.ts";

const verdictsMax = 1_000;

export function viewSummary({
  view,
  baseline,
  breaker,
  segments,
  counts,
  sources,
  lastEvent,
  latest,
  silent,
  fields,
}: ViewStatus): object {
  return {
    name: view.name,
    version: view.version,
    owner: view.owner ?? null,
    fingerprint: view.fingerprint,
    topic: view.source.topic ?? null,
    fields: view.fields.map(({ name, type }) => ({ name, type })),
    segments: view.segments,
    models: view.models,
    rollouts: rolloutsOf(view, fields),
    baseline:
      baseline === undefined
        ? null
        : { rows: baseline.rows, from: isoTime(baseline.from), to: isoTime(baseline.to) },
    breaker: {
      state: breaker.state,
      since: sinceOf(breaker),
      reasons: breaker.reasons,
      hold: holdOf(breaker),
    },
    openSegments: [...segments].filter(([, { state }]) => state === "open").map(([key]) => key),
    counts,
    sources,
    lastEvent: lastEvent === undefined ? null : isoTime(lastEvent),
    // what is stale is never green
    status: silent ? "stale" : latest === undefined ? null : statusOf(latest),
  };
}

/** Closed windows of the whole view that start in `[from, to)`, oldest first. */
export function windowsOf(
  { windows }: ViewStatus,
  from: EventTime | undefined,
  to: EventTime | undefined,
): readonly object[] {
  return windows
    .filter(
      ({ start }) => start >= (from ?? Number.NEGATIVE_INFINITY) && start < (to ?? Number.POSITIVE_INFINITY),
    )
    .map((window) => ({ ...window, ...isoWindow(window) }));
}

/** Verdicts of closed windows, newest first. */
export function verdictsOf(
  board: Board,
  view: string | undefined,
  status: string | undefined,
  limitText: string | undefined,
): readonly object[] {
  const limit = limitText === undefined ? 100 : Number(limitText);
  if (!Number.isInteger(limit) || limit < 1 || limit > verdictsMax) {
    throw new Problem(400, "bad query", `limit is a whole number from 1 to ${verdictsMax}`);
  }
  if (status !== undefined && !Object.hasOwn(statusRank, status)) {
    throw new Problem(400, "bad query", `status is one of ${Object.keys(statusRank).join(", ")}`);
  }
  const found: object[] = [];
  for (const { view: spec, recent } of board.views()) {
    if (view !== undefined && spec.name !== view) continue;
    for (const { window, segment, verdicts } of recent.toReversed()) {
      for (const verdict of verdicts) {
        if (status !== undefined && verdict.status !== status) continue;
        if (found.length >= limit) return found;
        found.push({
          featureView: spec.name,
          segment: segment === null ? null : segmentKey(segment),
          window: isoWindow(window),
          ...verdictBody(verdict),
        });
      }
    }
  }
  return found;
}

/** An alert as JSON: times in ISO 8601, numbers as JSON can hold them. */
export function alertBody(alert: Alert): object {
  const { time, startsAt, window, example } = alert;
  return {
    ...alert,
    ...numbersOf(alert),
    time: isoTime(time),
    startsAt: isoTime(startsAt),
    window: isoWindow(window),
    ...exampleOf(example),
  };
}

function verdictBody(verdict: Verdict): object {
  const { decidedAt, example } = verdict;
  return {
    ...verdict,
    ...numbersOf(verdict),
    ...(decidedAt === undefined ? {} : { decidedAt: isoTime(decidedAt) }),
    ...exampleOf(example),
  };
}

function numbersOf(of: Pick<Verdict, "observed" | "expected" | "unit" | "shift" | "evidence">): object {
  return {
    observed: jsonNumber(of.observed),
    expected: jsonNumber(of.expected),
    unit: jsonNumber(of.unit),
    shift: jsonNumber(of.shift),
    evidence: jsonNumber(of.evidence),
  };
}

function exampleOf(example: Example | undefined): object {
  if (example?.eventTime === undefined) return {};
  return { example: { ...example, eventTime: isoTime(example.eventTime) } };
}

export function isoWindow({ start, end }: Window): { start: string; end: string } {
  return { start: isoTime(start), end: isoTime(end) };
}
