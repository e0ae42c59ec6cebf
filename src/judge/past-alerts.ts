import type { EventTime, Window } from "../model/time.ts";

/** Of so many alerts that are over it is known when they were; the oldest are let go of. */
const pastMax = 500;

/** When an alert was, by the data's clock. */
export interface PastAlert {
  readonly from: EventTime;
  /** Start of the window that ended it. */
  readonly through: EventTime;
}

/**
 * Alerts that are over, by fingerprint. A closed window is judged again when a part of it comes late; if it is bad and of the time of
 * an alert that has ended since, it was that incident, and no new one. Plain data, never changed.
 */
export type PastAlerts = ReadonlyMap<string, PastAlert>;

export function withPast(past: PastAlerts, fingerprint: string, alert: PastAlert): PastAlerts {
  const next = new Map(past);
  next.delete(fingerprint); // the newest stand last
  next.set(fingerprint, alert);
  const [oldest] = next.keys();
  if (next.size > pastMax && oldest !== undefined) next.delete(oldest);
  return next;
}

/** Whether the window would have been part of the alert: at most `slackMs` before it, or of its time. */
export function isOfPast(past: PastAlerts, fingerprint: string, window: Window, slackMs: number): boolean {
  const known = past.get(fingerprint);
  return known !== undefined && window.start <= known.through && window.end > known.from - slackMs;
}
