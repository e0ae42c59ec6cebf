import type { BreakerPolicy } from "../model/feature-view.ts";
import type { EventTime, WallTime } from "../model/time.ts";
import type {
  Breaker,
  BreakerOrder,
  BreakerReason,
  BreakerStateName,
  BreakerTransition,
  JudgedWindow,
  Segment,
  StatisticName,
  Verdict,
} from "../model/verdict.ts";
import { readState } from "./state.ts";

const reasonsMax = 20;
const historyMax = 50;

/** A closed breaker without a past. `since` is the start of the first window. */
export function newBreaker(featureView: string, segment: Segment | null, since: EventTime): Breaker {
  return {
    featureView,
    segment,
    state: "closed",
    since,
    openedAt: null,
    reasons: [],
    breaches: 0,
    cleans: 0,
    lastBreach: null,
    history: [],
  };
}

/**
 * The breaker after one more judgement, early or final.
 *
 * closed → open after `openAfter` breaching windows in a row · open → half-open at the first clean closed window ·
 * half-open → closed after `closeAfter` clean closed windows in a row, that first one counted · any breach → open.
 * A window counts once, however often it is judged; one that is not newer than the last breach changes nothing but
 * the reasons. A window with too few rows, or in which a statistic that keeps the breaker open could not be told,
 * neither opens nor closes by itself; one in which such a statistic is still near its line is not clean, so that a shift that
 * hovers about the line is one opening, not many.
 */
export function foldBreaker(
  breaker: Breaker,
  judged: JudgedWindow,
  policy: BreakerPolicy,
): { breaker: Breaker; transition: BreakerTransition | null } {
  if (breaker.hold !== undefined) return { breaker, transition: null };
  const breaching = judged.verdicts.filter((verdict) => isBreach(verdict, judged, policy));
  if (breaching.length > 0) return foldBreach(breaker, judged, breaching, policy);
  if (!isNews(breaker, judged)) return { breaker, transition: null };
  if (judged.rows < policy.minRows) return foldQuiet(breaker, judged, policy);
  if (keepsOpen(breaker, judged, ({ status }) => status === "insufficient"))
    return { breaker, transition: null };
  if (keepsOpen(breaker, judged, ({ nearLine }) => nearLine === true))
    return {
      breaker: { ...breaker, breaches: 0, cleans: 0, lastClean: judged.window.start },
      transition: null,
    };
  return foldClean(breaker, judged, policy);
}

/**
 * The breaker after a person's order. `open` holds it open, `close` closes it and lets verdicts move it again; with a mute it
 * holds as long as that lasts, and its alerts stay silent.
 */
export function obeyOrder(
  breaker: Breaker,
  { action, at, muteUntil, reason }: BreakerOrder,
): { breaker: Breaker; transition: BreakerTransition | null } {
  const { hold: _before, ...free } = breaker;
  const holds = action === "open" || muteUntil !== null;
  const hold = { since: at, until: muteUntil, reason, muted: muteUntil !== null, silenced: 0 };
  const next: Breaker = { ...free, breaches: 0, cleans: 0, ...(holds ? { hold } : {}) };
  const to = action === "open" ? "open" : "closed";
  if (breaker.state === to) return { breaker: next, transition: null };
  const verb = action === "open" ? "opened" : "closed";
  const byHand = { field: null, statistic: "manual" as const, summary: `${verb} by hand: ${reason}` };
  return move({ ...next, reasons: [byHand] }, to, at, 0);
}

/** The same breaker, free again, when its hold has run out by `now`; undefined when it has not, or has none. */
export function freeBreaker(breaker: Breaker, now: WallTime): Breaker | undefined {
  const { hold, ...free } = breaker;
  return hold !== undefined && hold.until !== null && hold.until <= now ? free : undefined;
}

/** Why a window breaches, the most telling first: hard rules and default cases, then by shift. At most 20. */
export function breakerReasons(verdicts: readonly Verdict[]): readonly BreakerReason[] {
  return verdicts
    .filter((verdict) => verdict.status === "critical")
    .toSorted((a, b) => tellingRank(a) - tellingRank(b) || b.shift - a.shift)
    .slice(0, reasonsMax)
    .map(({ field, statistic, summary }) => ({ field, statistic, summary }));
}

function foldBreach(
  breaker: Breaker,
  judged: JudgedWindow,
  breaching: readonly Verdict[],
  policy: BreakerPolicy,
): { breaker: Breaker; transition: BreakerTransition | null } {
  const counted = breaker.lastBreach !== null && judged.window.start <= breaker.lastBreach;
  if (counted && breaker.state !== "open") return { breaker, transition: null };
  const reasons = mergeReasons(breakerReasons(breaching), breaker.state === "closed" ? [] : breaker.reasons);
  if (counted) return { breaker: { ...breaker, reasons }, transition: null };
  const next: Breaker = {
    ...breaker,
    breaches: breaker.breaches + 1,
    cleans: 0,
    quietRows: 0,
    lastBreach: judged.window.start,
  };
  if (breaker.state === "open") return { breaker: { ...next, reasons }, transition: null };
  if (breaker.state === "closed" && next.breaches < policy.openAfter)
    return { breaker: next, transition: null };
  return move({ ...next, reasons }, "open", breachTime(judged, breaching), judged.rows);
}

function foldClean(
  breaker: Breaker,
  judged: JudgedWindow,
  policy: BreakerPolicy,
): { breaker: Breaker; transition: BreakerTransition | null } {
  const { start, end } = judged.window;
  const next: Breaker = { ...breaker, breaches: 0, cleans: breaker.cleans + 1, lastClean: start };
  if (breaker.state === "closed") return { breaker: next, transition: null };
  if (next.cleans >= policy.closeAfter) return move(next, "closed", end, judged.rows);
  return breaker.state === "open"
    ? move(next, "half-open", end, judged.rows)
    : { breaker: next, transition: null };
}

function move(
  breaker: Breaker,
  to: BreakerStateName,
  at: EventTime,
  rows: number,
): { breaker: Breaker; transition: BreakerTransition } {
  const time = Math.max(at, breaker.history.at(-1)?.time ?? at); // The past is ordered, also when late data decides.
  const transition: BreakerTransition = { time, from: breaker.state, to, reasons: breaker.reasons, rows };
  const reasons = to === "closed" ? [] : breaker.reasons;
  const openedAt =
    to === "closed" ? null : to === "open" && breaker.state === "closed" ? time : breaker.openedAt;
  const history = [...breaker.history, transition].slice(-historyMax);
  return { breaker: { ...breaker, state: to, since: time, openedAt, reasons, history }, transition };
}

function isBreach(verdict: Verdict, judged: JudgedWindow, policy: BreakerPolicy): boolean {
  return verdict.status === "critical" && (verdict.hard || judged.rows >= policy.minRows);
}

/** Statistics that one row decides: their absence can be told from few rows, a few windows put together. */
const rowRules: ReadonlySet<StatisticName> = new Set(["nonfinite", "missing", "type", "limit"]);

/** Whether this is a closed window that has not counted yet, as breach or as clean. */
function isNews(breaker: Breaker, { final, window }: JudgedWindow): boolean {
  if (!final) return false;
  if (breaker.lastBreach !== null && window.start <= breaker.lastBreach) return false;
  return breaker.lastClean === undefined || window.start > breaker.lastClean;
}

/** Whether a statistic that keeps the breaker open is such in this window. */
function keepsOpen({ reasons }: Breaker, judged: JudgedWindow, is: (verdict: Verdict) => boolean): boolean {
  return reasons.some(({ field, statistic }) =>
    judged.verdicts.some(
      (verdict) => verdict.field === field && verdict.statistic === statistic && is(verdict),
    ),
  );
}

/**
 * A window of few rows says nothing about a distribution, but "no NaN" adds up: when only such rules keep the breaker open,
 * a small clean window counts, and closes once the small ones hold `minRows` together. Or else a node with little traffic,
 * opened by one NaN, would stay open for ever.
 */
function foldQuiet(
  breaker: Breaker,
  judged: JudgedWindow,
  policy: BreakerPolicy,
): { breaker: Breaker; transition: BreakerTransition | null } {
  if (breaker.state === "closed" || !breaker.reasons.every(({ statistic }) => rowRules.has(statistic))) {
    return { breaker, transition: null };
  }
  const quiet = { ...breaker, quietRows: (breaker.quietRows ?? 0) + judged.rows };
  const tooFew = quiet.cleans + 1 >= policy.closeAfter && quiet.quietRows < policy.minRows;
  return tooFew
    ? { breaker: { ...quiet, lastClean: judged.window.start }, transition: null }
    : foldClean(quiet, judged, policy);
}

/** When it was known: at the earliest deciding event when a hard rule broke, else when the window was looked at. */
function breachTime(judged: JudgedWindow, breaching: readonly Verdict[]): EventTime {
  let time = judged.asOf;
  for (const { hard, decidedAt } of breaching)
    if (hard && decidedAt !== undefined) time = Math.min(time, decidedAt);
  return time;
}

function mergeReasons(
  now: readonly BreakerReason[],
  before: readonly BreakerReason[],
): readonly BreakerReason[] {
  const known = new Set(now.map(reasonKey));
  return [...now, ...before.filter((reason) => !known.has(reasonKey(reason)))].slice(0, reasonsMax);
}

function reasonKey({ field, statistic }: BreakerReason): string {
  return JSON.stringify([field, statistic]);
}

function tellingRank({ statistic, hard }: Verdict): number {
  if (statistic === "default_rate") return 0;
  return hard ? 1 : 2;
}

export function encodeBreakers(breakers: readonly Breaker[]): string {
  return JSON.stringify({ version: 1, breakers });
}

/** @throws Fault `store.version` when the text is not what `encodeBreakers` wrote. */
export function decodeBreakers(text: string): readonly Breaker[] {
  return readState<{ breakers: readonly Breaker[] }>(text, "breakers").breakers;
}
