import type { EventTime } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";

/** Alerts of which something is unheard, at most; the oldest are let go of. */
const unheardMax = 64;
/** What has been over for so long by the data's clock is no news to anybody. */
const newsForMs = 6 * 60 * 60_000;

/** That somebody has taken an alert as firing, or as over. */
export type Told = Pick<Alert, "fingerprint" | "startsAt" | "status">;

/** One alert: its beginning, its end, or both, as far as nobody has heard of them. */
export interface UnheardAlert {
  readonly began: Alert | undefined;
  readonly ended: Alert | undefined;
}

/**
 * Changes of alerts that nobody outside has taken yet. What fires is told again and again; but an alert that began and ended
 * between two words, and the end of one, would be lost with the process that was about to tell. So they are part of the
 * judge's state, until they are known to have been heard.
 */
export interface Unheard {
  add(change: Alert): void;
  told(word: Told): void;
  has(change: Alert): boolean;
  /** Each beginning before its end, in the order in which they happened. */
  changes(): readonly Alert[];
  /** Lets go of what ended long before `now`. */
  forget(now: EventTime): void;
  encode(): readonly UnheardAlert[];
  restore(saved: readonly UnheardAlert[]): void;
}

export function createUnheard(): Unheard {
  const alerts = new Map<string, UnheardAlert>();
  const keyOf = ({ fingerprint, startsAt }: Told): string => `${fingerprint}@${startsAt}`;
  const put = (key: string, alert: UnheardAlert): void => {
    alerts.set(key, alert);
    const [oldest] = alerts.keys();
    if (alerts.size > unheardMax && oldest !== undefined) alerts.delete(oldest);
  };
  return {
    add(change) {
      const key = keyOf(change);
      const began = change.status === "firing" ? change : alerts.get(key)?.began;
      put(key, { began, ended: change.status === "resolved" ? change : undefined });
    },
    told(word) {
      const told = keyOf(word);
      if (!alerts.has(told)) return;
      for (const [key, { began, ended }] of alerts) {
        const isLast = key === told;
        // whoever has heard of a later one of the same labels need not hear of those before
        if ((began ?? ended)?.fingerprint !== word.fingerprint) continue;
        if (!isLast || word.status === "resolved" || ended === undefined) alerts.delete(key);
        else alerts.set(key, { began: undefined, ended });
        if (isLast) break;
      }
    },
    has(change) {
      const known = alerts.get(keyOf(change));
      return (change.status === "firing" ? known?.began : known?.ended) !== undefined;
    },
    changes: () => [...alerts.values()].flatMap(({ began, ended }) => [began ?? [], ended ?? []].flat()),
    forget(now) {
      for (const [key, { ended }] of alerts)
        if (ended !== undefined && ended.time < now - newsForMs) alerts.delete(key);
    },
    encode: () => [...alerts.values()],
    restore(saved) {
      for (const alert of saved) {
        const any = alert.began ?? alert.ended;
        if (any !== undefined) put(keyOf(any), alert);
      }
    },
  };
}
