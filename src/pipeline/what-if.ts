import type { Baseline } from "../judge/baseline.ts";
import { measureOnce } from "../judge/judge.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type EventTime, isoTime, type Window } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { createJudging } from "./judging.ts";

/** A span of time in which something was wrong, and with which fields; null: with any. */
export interface Label extends Window {
  readonly fields: readonly string[] | null;
}

/** What one value of sigma would have said. Closed windows are judged, so a delay counts from whole windows. */
export interface WhatIf {
  readonly sigma: number;
  /** Critical ones that began to fire, of the whole view and of segments; warnings don't depend on sigma. */
  readonly alerts: number;
  readonly alertsPerDay: number;
  /** Times that the view's breaker opened. */
  readonly openings: number;
  readonly firstAlertAt: string | null;
  /** Behind the most sensitive value's first alert; with labels: from a label's start to its first alert, on average. */
  readonly delaySeconds: number | null;
  /** With labels: the share of them that raised an alert, and alerts outside all of them. */
  readonly recall?: number;
  readonly falseAlerts?: number;
}

interface Run {
  readonly sigma: number;
  readonly judging: ReturnType<typeof createJudging>;
  readonly fired: Alert[];
  alerts: number;
  openings: number;
  firstAt: EventTime;
}

/** Alerts of one value that are kept to be held against labels; the others are only counted. */
const firedMax = 100_000;

/**
 * Judges stored profiles again, once for each sigma, in one pass and without a row: each is read once, and held against every line. The profiles come in the order in which they
 * were judged: window by window.
 */
export async function judgeAgain(
  view: FeatureView,
  baseline: Baseline,
  sigmas: readonly number[],
  profiles: AsyncIterable<WindowProfile>,
  labels: readonly Label[] | undefined,
): Promise<{ readonly windows: number; readonly values: readonly WhatIf[] }> {
  const measure = measureOnce(view, baseline);
  const runs: Run[] = sigmas.map((sigma) => ({
    sigma,
    judging: createJudging(view, baseline, { sigma, measure }),
    fired: [],
    alerts: 0,
    openings: 0,
    firstAt: Number.POSITIVE_INFINITY,
  }));
  let [windows, from, to] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let newest = Number.NEGATIVE_INFINITY;
  let gathered: WindowProfile[] = [];
  const closeWindow = (): void => {
    const [first] = gathered;
    if (first === undefined) return;
    const { start, end } = first.window;
    if (start >= newest) windows += 1; // others are judged again
    newest = Math.max(newest, start);
    [from, to] = [Math.min(from, start), Math.max(to, end)];
    for (const run of runs) {
      for (const profile of gathered) run.judging.add("", profile);
      note(run, end);
    }
    gathered = [];
  };
  for await (const profile of profiles) {
    if (gathered[0] !== undefined && gathered[0].window.start !== profile.window.start) closeWindow();
    gathered.push(profile);
  }
  closeWindow();
  const days = Math.max((to - from) / 86_400_000, 1e-9);
  const earliest = Math.min(...runs.map(({ firstAt }) => firstAt));
  return { windows, values: runs.map((run) => summed(run, days, earliest, labels)) };
}

function note(run: Run, end: EventTime): void {
  for (const outcome of run.judging.close(end, end)) {
    if (outcome.kind === "breaker") {
      const { breaker, transition } = outcome;
      if (breaker.segment === null && transition.from === "closed" && transition.to === "open")
        run.openings += 1;
    }
    if (outcome.kind !== "alert" || outcome.alert.status !== "firing") continue;
    if (outcome.alert.severity !== "critical") continue;
    run.alerts += 1;
    run.firstAt = Math.min(run.firstAt, outcome.alert.time); // of one window, the first told need not be the first in time
    if (run.fired.length < firedMax) run.fired.push(outcome.alert);
  }
}

function summed(
  { sigma, alerts, openings, fired, firstAt }: Run,
  days: number,
  earliest: EventTime,
  labels: readonly Label[] | undefined,
): WhatIf {
  const base = {
    sigma,
    alerts,
    alertsPerDay: Number((alerts / days).toPrecision(4)),
    openings,
    firstAlertAt: alerts === 0 ? null : isoTime(firstAt),
  };
  if (labels === undefined)
    return { ...base, delaySeconds: alerts === 0 ? null : (firstAt - earliest) / 1_000 };
  const delays = labels.flatMap((label) => {
    const times = fired.filter((alert) => isWithin(alert, label)).map(({ time }) => time);
    return times.length === 0 ? [] : [Math.max(0, times.reduce((a, b) => Math.min(a, b)) - label.start)];
  });
  const sum = delays.reduce((total, delay) => total + delay, 0);
  return {
    ...base,
    delaySeconds: delays.length === 0 ? null : sum / delays.length / 1_000,
    recall: labels.length === 0 ? 1 : delays.length / labels.length,
    falseAlerts: fired.filter((alert) => !labels.some((label) => overlaps(alert, label))).length,
  };
}

/** An alert of a label's field, raised by a window that begins within it or holds its start. */
function isWithin(alert: Alert, label: Label): boolean {
  const about = label.fields === null || (alert.field !== null && label.fields.includes(alert.field));
  return about && overlaps(alert, label);
}

function overlaps({ window }: Alert, { start, end }: Label): boolean {
  return window.start < end && window.end > start;
}
