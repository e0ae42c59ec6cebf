import type { Clock, Elapsed } from "../model/time.ts";

/** Kafka answers a reader ten times a second, with records or without. Silent for so long, it tells nothing of what has come meanwhile. */
const unansweredMs = 5_000;

export interface WaitingOptions {
  /** Records that a partition's end was ahead when it was last heard of. */
  readonly lag: ReadonlyMap<string, number>;
  /** When Kafka last answered the reader of the events. */
  readonly answeredAt: () => Elapsed | undefined;
  readonly clock: Pick<Clock, "elapsed">;
}

/**
 * Records of a partition that are known to wait, or may: while a group comes together again, or a broker is away, nothing is fetched,
 * and whoever had nothing left before would else pass for idle, though its records wait.
 */
export function waitingIn({ lag, answeredAt, clock }: WaitingOptions): (partition: string) => number {
  return (partition) => {
    const known = lag.get(partition) ?? 0;
    const heardMs = clock.elapsed() - (answeredAt() ?? Number.NEGATIVE_INFINITY);
    return known === 0 && heardMs > unansweredMs ? 1 : known;
  };
}
