import { jsonNumber } from "../model/json-number.ts";
import { isoTime } from "../model/time.ts";
import { type Alert, type JudgedWindow, segmentKey } from "../model/verdict.ts";
import type { Board, ViewStatus } from "../pipeline/board.ts";
import type { Outcome } from "../pipeline/ports.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { contributionsOf } from "../report/contributions.ts";
import { modelsIn, samplesIn } from "../report/evidence.ts";
import { alertBody, isoWindow } from "./api.ts";
import { createSegmentHistory, type HistoryPoint, historyMax } from "./segment-history.ts";

/** Alerts whose basis is kept; the oldest goes first. Each is a few kilobytes: no profile is held. */
const alertsMax = 500;
const contributionsMax = 12;
const segmentsMax = 100;

/** What the alerts that fire now stand on, taken down when their windows are judged. */
export interface Basis {
  /** Undefined for an alert that does not fire, or of which the window was judged elsewhere or before a restart. */
  of(fingerprint: string): object | undefined;
  /** How the alert's statistic went in closed windows; in a segment from the first one on that was not well. */
  historyOf(alert: Alert, status: ViewStatus | undefined): readonly HistoryPoint[];
}

interface Kept {
  alert: Alert;
  basis: object | undefined;
}

/** @param board  told of every step; an alert's own step has the profiles of its window */
export function createBasis(board: Board): Basis {
  const kept = new Map<string, Kept>();
  const segments = createSegmentHistory();
  board.subscribe((outcomes) => {
    segments.add(outcomes);
    for (const outcome of outcomes) {
      if (outcome.kind !== "alert") continue;
      const { alert } = outcome;
      const known = kept.get(alert.fingerprint);
      if (alert.status === "resolved") kept.delete(alert.fingerprint);
      else if (known?.alert.startsAt !== alert.startsAt)
        kept.set(alert.fingerprint, { alert, basis: undefined });
      const [oldest] = kept.keys();
      if (kept.size > alertsMax && oldest !== undefined) kept.delete(oldest);
    }
    const windows = judgedIn(outcomes);
    if (windows.size === 0) return;
    for (const each of kept.values()) {
      const inWindow = windows.get(placeOf(each.alert));
      const status = board.view(each.alert.featureView);
      // the closed window, when it comes, says it again with all its rows
      if (inWindow !== undefined && status !== undefined)
        each.basis = basisOf(each.alert, inWindow, status) ?? each.basis;
    }
  });
  return {
    of: (fingerprint) => kept.get(fingerprint)?.basis,
    historyOf: (alert, status) => (alert.segment === null ? historyOf(alert, status) : segments.of(alert)),
  };
}

/** An alert as `/v1/alerts` has it, with what it stands on and how its statistic went. */
export function explained(alert: Alert, status: ViewStatus | undefined, basis: Basis): object {
  const { fingerprint } = alert;
  return {
    ...alertBody(alert),
    basis: basis.of(fingerprint) ?? null,
    history: basis.historyOf(alert, status),
  };
}

interface Judged {
  readonly judged: JudgedWindow;
  readonly profile: WindowProfile;
}

function judgedIn(outcomes: readonly Outcome[]): ReadonlyMap<string, readonly Judged[]> {
  const windows = new Map<string, Judged[]>();
  for (const outcome of outcomes) {
    if (outcome.kind !== "judged") continue;
    const place = placeOf(outcome.judged);
    const known = windows.get(place);
    if (known === undefined) windows.set(place, [outcome]);
    else known.push(outcome);
  }
  return windows;
}

function placeOf({ featureView, window }: Pick<Alert, "featureView" | "window">): string {
  return `${window.start} ${featureView}`;
}

function basisOf(alert: Alert, inWindow: readonly Judged[], status: ViewStatus): object | undefined {
  const key = segmentKey(alert.segment);
  const own = inWindow.find(({ judged }) => segmentKey(judged.segment) === key);
  if (own === undefined) return undefined;
  const spec = status.view.fields.find(({ name }) => name === alert.field);
  const now = alert.field === null ? undefined : own.profile.fields.get(alert.field);
  const before = alert.field === null ? undefined : status.baselineFields.get(alert.field);
  const profiles = inWindow.map(({ profile }) => profile);
  const segments = inWindow.flatMap(({ judged }) => {
    const verdict = judged.verdicts.find(
      ({ field, statistic }) => field === alert.field && statistic === alert.statistic,
    );
    if (judged.segment === null || verdict === undefined) return [];
    const { rows, observed, shift } = verdict;
    return [
      { segment: segmentKey(judged.segment), rows, observed: jsonNumber(observed), shift: jsonNumber(shift) },
    ];
  });
  const shown = spec === undefined || (spec.redact === true && spec.type === "string") ? undefined : spec;
  return {
    window: isoWindow(own.judged.window),
    final: own.judged.final,
    rows: own.judged.rows,
    sigma: spec?.drift.sigma ?? status.view.drift.sigma,
    contributions:
      shown === undefined ? [] : contributionsOf(shown, before, now, contributionsMax).map(inJson),
    segments: segments.sort((a, b) => (b.shift ?? 0) - (a.shift ?? 0)).slice(0, segmentsMax),
    samples: samplesIn(alert.field, alert.example, profiles).map(({ value, requestId, position }) => ({
      value,
      requestId: requestId ?? null,
      position: position ?? null,
    })),
    models: modelsIn(profiles, status.view),
  };
}

function inJson<T extends { before: number; now: number; change: number }>(contribution: T): object {
  const { before, now, change } = contribution;
  return {
    ...contribution,
    before: jsonNumber(before),
    now: jsonNumber(now),
    change: jsonNumber(change),
  };
}

/** Closed windows of the whole view are kept. */
function historyOf({ field, statistic }: Alert, status: ViewStatus | undefined): readonly HistoryPoint[] {
  return (status?.recent ?? []).slice(-historyMax).flatMap(({ window, verdicts }) => {
    const verdict = verdicts.find((each) => each.field === field && each.statistic === statistic);
    if (verdict === undefined) return [];
    const { observed, shift, status: said } = verdict;
    return [
      {
        start: isoTime(window.start),
        observed: jsonNumber(observed),
        shift: jsonNumber(shift),
        status: said,
      },
    ];
  });
}
