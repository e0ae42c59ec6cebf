import type { Clock, WallTime } from "../model/time.ts";
import type { Reporting } from "./courier.ts";

/** Clocks that are this near agree: a `Date` header has whole seconds, and an answer takes its time. */
const skewMinMs = 30_000;

/** What a peer's wall clock shows, which may be set otherwise than ours. */
export interface PeerClock {
  now(): WallTime;
  /**
   * @param date  what it showed when it answered; undefined where it does not tell
   * @returns whether that is another time than was thought: what it was sent may be over already by its clock
   */
  learn(date: WallTime | undefined): boolean;
}

/**
 * Goes by ours and by what the peer's answers tell. When our own clock is set back, which the clock that is never set shows, the
 * peer's is taken not to have been: what fires would be over for it until its next answer. When ours is set forward, what fires
 * ends later until then, which does no harm, and so does a machine that slept.
 * @param name  for the log: `alertmanager 10.0.0.7:9093`
 */
export function createPeerClock(
  name: string,
  peer: string,
  { clock, log }: Pick<Reporting, "log"> & { readonly clock: Clock },
): PeerClock {
  /** The peer's wall clock minus ours; 0 as long as they agree. */
  let skewMs = 0;
  const ahead = (): number => clock.now() - clock.elapsed();
  let aheadMs = ahead();
  return {
    now() {
      const backMs = aheadMs - ahead();
      aheadMs -= backMs;
      if (backMs > skewMinMs) {
        skewMs += backMs;
        log.warn({ peer, backMs }, `${name}: our clock was set back by ${Math.round(backMs / 1_000)} s`);
      }
      return clock.now() + skewMs;
    },
    learn(date) {
      if (date === undefined) return false;
      const offMs = date - clock.now();
      const nextMs = Math.abs(offMs) > skewMinMs ? offMs : 0;
      if (Math.abs(nextMs - skewMs) <= skewMinMs) return false;
      skewMs = nextMs;
      log.warn({ peer, skewMs }, `${name}: its clock is ${Math.round(offMs / 1_000)} s away from ours`);
      return true;
    },
  };
}
