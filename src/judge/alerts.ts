import type { FeatureView } from "../model/feature-view.ts";
import type { EventTime } from "../model/time.ts";
import {
  type Alert,
  type AlertName,
  type Breaker,
  type BreakerTransition,
  type JudgedWindow,
  type Segment,
  type StatisticName,
  segmentKey,
  type Verdict,
} from "../model/verdict.ts";
import { fingerprintOf } from "./alert-labels.ts";
import { isOfPast, type PastAlert, type PastAlerts, withPast } from "./past-alerts.ts";
import { readState } from "./state.ts";

/** More than this and the open breaker alone speaks for the view. */
const activeMax = 500;

/** An alert that fires, and how far it is from being resolved. */
interface AlertEntry {
  readonly alert: Alert;
  /** Clean closed windows of its own statistic in a row. */
  readonly cleans: number;
  /** Start of the newest window that counted, as breach or as clean. */
  readonly lastWindow: EventTime;
}

/** What fires now. Values are replaced, never changed; plain data, so that it survives a restart as JSON. */
export interface AlertBook {
  /** By fingerprint. */
  readonly entries: ReadonlyMap<string, AlertEntry>;
  /** Breakers that are not closed, by fingerprint of their alert: a segment's waits here while the whole view's fires. */
  readonly breakers: ReadonlyMap<string, Alert>;
  /** Alerts that would have fired beyond the bound, since it was last passed. */
  readonly unlisted: number;
  /** Those that are over. */
  readonly past: PastAlerts;
}

export function newAlertBook(): AlertBook {
  return { entries: new Map(), breakers: new Map(), unlisted: 0, past: new Map() };
}

/** Alerts that fire now, in the order in which they began. */
export function activeAlerts(book: AlertBook): readonly Alert[] {
  return [...book.entries.values()].map(({ alert }) => alert);
}

/**
 * The alerts after one step of the loop.
 *
 * An alert fires at the first critical verdict, early or final, and resolves after `closeAfter` clean closed windows of
 * its own statistic in a row; insufficient ones count for neither, and one that is still near its line is not clean. `TidemarkBreakerOpen` fires until the breaker has
 * closed again, half-open included. The whole view is folded first: while its alert fires, the same field and statistic
 * of a segment stays silent, because it is the same incident. `TidemarkTainted` is the exception: its segment is the news. A window
 * of the time of an alert that is over, judged again because a part of it came late, fires nothing.
 *
 * @param changed  one alert for each that began or ended, in that order of events
 */
export function foldAlerts(
  book: AlertBook,
  judged: readonly JudgedWindow[],
  transitions: readonly { readonly breaker: Breaker; readonly transition: BreakerTransition }[],
  view: FeatureView,
): { book: AlertBook; changed: readonly Alert[] } {
  const draft: Draft = {
    entries: new Map(book.entries),
    breakers: new Map(book.breakers),
    unlisted: book.unlisted,
    past: book.past,
    changed: [],
  };
  for (const window of judged.toSorted(byTimeThenWholeFirst)) {
    for (const verdict of window.verdicts) foldVerdict(draft, window, verdict, view);
  }
  const wholeFirst = transitions.toSorted(
    (a, b) => segmentRank(a.breaker.segment) - segmentRank(b.breaker.segment),
  );
  for (const { breaker, transition } of wholeFirst) foldTransition(draft, breaker, transition, judged, view);
  const now = Math.max(...transitions.map(({ transition }) => transition.time));
  fireWaitingBreakers(draft, now, view);
  return {
    book: {
      entries: draft.entries,
      breakers: draft.breakers,
      unlisted: draft.unlisted,
      past: draft.past,
    },
    changed: draft.changed,
  };
}

export function encodeAlertBook(book: AlertBook): string {
  return JSON.stringify({
    version: 1,
    entries: [...book.entries],
    breakers: [...book.breakers],
    unlisted: book.unlisted,
    past: [...book.past],
  });
}

/** @throws Fault `store.version` when the text is not what `encodeAlertBook` wrote. */
export function decodeAlertBook(text: string): AlertBook {
  interface Saved {
    entries: [string, AlertEntry][];
    breakers: [string, Alert][];
    unlisted: number;
    past?: [string, PastAlert][];
  }
  const saved = readState<Saved>(text, "entries");
  return {
    entries: new Map(saved.entries),
    breakers: new Map(saved.breakers),
    unlisted: saved.unlisted,
    past: new Map(saved.past ?? []),
  };
}

const alertNames: Partial<Record<StatisticName, AlertName>> = {
  default_rate: "TidemarkDefaultCase",
  nonfinite: "TidemarkNonFinite",
  missing: "TidemarkSchema",
  type: "TidemarkSchema",
  dimension_rate: "TidemarkSchema",
  fingerprint: "TidemarkVersionMismatch",
  silence: "TidemarkStale",
};

interface Draft {
  readonly entries: Map<string, AlertEntry>;
  readonly breakers: Map<string, Alert>;
  unlisted: number;
  past: PastAlerts;
  readonly changed: Alert[];
}

function foldVerdict(draft: Draft, window: JudgedWindow, verdict: Verdict, view: FeatureView): void {
  if (verdict.status === "insufficient") return; // neither breach nor clean
  if (verdict.status === "warning") foldWarning(draft, window, verdict, view);
  if (verdict.status !== "critical" && draft.entries.size === 0) return;
  if (verdict.status === "critical") yieldWarnings(draft, window, verdict);
  else if (verdict.status === "ok" && window.final) endWarning(draft, window, verdict, view);
  // a warning is below the line: the critical alert of the same statistic counts it as clean
  const place = placeOf(window.segment, { ...verdict, status: "critical" }, view);
  const known = draft.entries.get(place.fingerprint);
  if (verdict.status === "critical") {
    const alert = firing(window, verdict, place);
    if (known !== undefined) draft.entries.set(place.fingerprint, again(known, alert, window));
    else if (
      !isSuppressed(draft, window.segment, verdict, place.alertname, view) &&
      !isOver(draft, place, window, view)
    )
      fire(draft, alert, window.window.start);
    return;
  }
  if (known === undefined || !window.final || window.window.start <= known.lastWindow) return;
  const cleans = verdict.nearLine === true ? 0 : known.cleans + 1;
  if (cleans < view.breaker.closeAfter) {
    draft.entries.set(place.fingerprint, { ...known, cleans, lastWindow: window.window.start });
    return;
  }
  resolve(draft, known.alert, window, verdict);
}

/** A warning stands down while a critical alert of the same field fires: one incident, one page. */
function foldWarning(draft: Draft, window: JudgedWindow, verdict: Verdict, view: FeatureView): void {
  const place = placeOf(window.segment, verdict, view);
  const known = draft.entries.get(place.fingerprint);
  const alert = firing(window, verdict, place);
  if (known !== undefined) draft.entries.set(place.fingerprint, again(known, alert, window));
  else if (
    !alertsOf(draft, window.segment, verdict.field).some(({ severity }) => severity === "critical") &&
    !isOver(draft, place, window, view)
  )
    fire(draft, alert, window.window.start);
}

/** The field's warnings end where its critical alert begins. */
function yieldWarnings(draft: Draft, window: JudgedWindow, verdict: Verdict): void {
  for (const alert of alertsOf(draft, window.segment, verdict.field)) {
    if (alert.severity === "warning") resolve(draft, alert, window, { ...verdict, evidence: alert.evidence });
  }
}

/** The detector has waited itself until the drift was surely over. */
function endWarning(draft: Draft, window: JudgedWindow, verdict: Verdict, view: FeatureView): void {
  const known = draft.entries.get(
    placeOf(window.segment, { ...verdict, status: "warning" }, view).fingerprint,
  );
  if (known !== undefined && window.window.start > known.lastWindow)
    resolve(draft, known.alert, window, verdict);
}

function alertsOf(draft: Draft, segment: Segment | null, field: string | null): readonly Alert[] {
  if (draft.entries.size === 0) return [];
  const key = segmentKey(segment);
  return [...draft.entries.values()]
    .map(({ alert }) => alert)
    .filter((alert) => alert.field === field && segmentKey(alert.segment) === key);
}

function isOver(
  { past }: Draft,
  { fingerprint }: Place,
  { window }: JudgedWindow,
  { window: { sizeMs }, breaker: { closeAfter } }: FeatureView,
): boolean {
  return isOfPast(past, fingerprint, window, closeAfter * sizeMs);
}

function resolve(draft: Draft, alert: Alert, { window }: JudgedWindow, verdict: Verdict): void {
  draft.entries.delete(alert.fingerprint);
  draft.past = withPast(draft.past, alert.fingerprint, { from: alert.startsAt, through: window.start });
  const { example: _past, ...past } = alert;
  draft.changed.push({
    ...past,
    ...figuresOf(verdict),
    status: "resolved",
    time: window.end,
    window,
    summary: verdict.summary,
  });
}

function foldTransition(
  draft: Draft,
  breaker: Breaker,
  transition: BreakerTransition,
  judged: readonly JudgedWindow[],
  view: FeatureView,
): void {
  const place = placeOf(breaker.segment, undefined, view);
  const key = segmentKey(breaker.segment);
  const window = judged.findLast((candidate) => segmentKey(candidate.segment) === key)?.window ?? {
    start: transition.time,
    end: transition.time,
  };
  if (transition.to === "open") {
    const [reason] = transition.reasons;
    const more = transition.reasons.length > 1 ? `, and ${transition.reasons.length - 1} more` : "";
    const alert: Alert = {
      ...place,
      time: transition.time,
      status: "firing",
      featureView: breaker.featureView,
      window,
      rows: transition.rows,
      observed: 1,
      expected: 0,
      unit: 1,
      shift: 1,
      evidence: 0,
      summary: `The breaker of ${placeText(breaker)} is open: ${reason?.summary ?? "by hand"}${more}`,
      startsAt: transition.time,
    };
    if (!draft.breakers.has(place.fingerprint)) draft.breakers.set(place.fingerprint, alert);
    return;
  }
  if (transition.to !== "closed") return;
  draft.breakers.delete(place.fingerprint);
  const entry = draft.entries.get(place.fingerprint);
  if (entry === undefined) return;
  draft.entries.delete(place.fingerprint);
  draft.changed.push({
    ...entry.alert,
    status: "resolved",
    time: transition.time,
    window,
    rows: transition.rows,
    observed: 0,
    shift: 0,
    summary: `The breaker of ${placeText(breaker)} has closed`,
  });
}

/** Segments' breakers speak only while the whole view's is silent; one that had to wait speaks when that has closed. */
function fireWaitingBreakers(draft: Draft, now: EventTime, view: FeatureView): void {
  const whole = placeOf(null, undefined, view).fingerprint;
  for (const [fingerprint, alert] of draft.breakers) {
    if (draft.entries.has(fingerprint)) continue;
    if (fingerprint === whole || !draft.entries.has(whole))
      fire(draft, { ...alert, time: Math.max(alert.time, now) }, alert.window.start);
  }
}

/** Breaker alerts are always listed; there are no more of them than segments. */
function fire(draft: Draft, alert: Alert, windowStart: EventTime): void {
  if (alert.alertname !== "TidemarkBreakerOpen" && draft.entries.size >= activeMax) {
    draft.unlisted += 1;
    return;
  }
  if (draft.entries.size < activeMax) draft.unlisted = 0;
  draft.entries.set(alert.fingerprint, { alert, cleans: 0, lastWindow: windowStart });
  draft.changed.push(alert);
}

/** The same alert, with the figures of the newest closed window; when and where it began stays. */
function again(known: AlertEntry, alert: Alert, { final, window }: JudgedWindow): AlertEntry {
  if (window.start < known.lastWindow) return known;
  const { time, startsAt } = known.alert;
  return { alert: final ? { ...alert, time, startsAt } : known.alert, cleans: 0, lastWindow: window.start };
}

function isSuppressed(
  draft: Draft,
  segment: Segment | null,
  verdict: Verdict,
  alertname: AlertName,
  view: FeatureView,
): boolean {
  if (segment === null || alertname === "TidemarkTainted") return false;
  return draft.entries.has(placeOf(null, verdict, view).fingerprint);
}

type Place = Pick<
  Alert,
  "alertname" | "featureView" | "field" | "statistic" | "segment" | "severity" | "fingerprint"
>;

/** Without a verdict: the place of the breaker's own alert. */
function placeOf(segment: Segment | null, verdict: Verdict | undefined, view: FeatureView): Place {
  const severity = verdict?.status === "warning" ? ("warning" as const) : ("critical" as const);
  const place = {
    alertname: verdict === undefined ? ("TidemarkBreakerOpen" as const) : alertNameOf(verdict, view),
    featureView: view.name,
    field: verdict?.field ?? null,
    statistic: verdict?.statistic ?? ("breaker" as const),
    segment,
    severity,
  };
  return { ...place, fingerprint: fingerprintOf(place, view) };
}

function alertNameOf({ field, statistic, status }: Verdict, view: FeatureView): AlertName {
  if (statistic === "trend") return "TidemarkMemoryTrend";
  if (status === "warning" && statistic !== "silence") return "TidemarkDrift";
  if (
    statistic === "max_rate" &&
    view.fields.some((spec) => spec.name === field && spec.taints !== undefined)
  ) {
    return "TidemarkTainted";
  }
  return alertNames[statistic] ?? "TidemarkDrift";
}

function firing(window: JudgedWindow, verdict: Verdict, place: Place): Alert {
  const decided = verdict.hard ? verdict.decidedAt : undefined;
  return {
    ...place,
    ...figuresOf(verdict),
    time: decided ?? window.window.end,
    status: "firing",
    window: window.window,
    summary: verdict.summary,
    startsAt: decided ?? Math.min(window.asOf, window.window.end),
    ...(verdict.since === undefined ? {} : { since: verdict.since }),
    ...(verdict.example === undefined ? {} : { example: verdict.example }),
  };
}

function figuresOf(
  verdict: Verdict,
): Pick<Alert, "rows" | "observed" | "expected" | "unit" | "shift" | "evidence"> {
  const { rows, observed, expected, unit, shift, evidence } = verdict;
  return { rows, observed, expected, unit, shift, evidence };
}

function byTimeThenWholeFirst(a: JudgedWindow, b: JudgedWindow): number {
  return a.window.start - b.window.start || segmentRank(a.segment) - segmentRank(b.segment);
}

function segmentRank(segment: Segment | null): number {
  return segment === null ? 0 : 1;
}

function placeText({ featureView, segment }: Breaker): string {
  return segment === null ? featureView : `${featureView} for ${segment.field} ${segment.value}`;
}
