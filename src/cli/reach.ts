import { Fault } from "../model/fault.ts";
import type { Clock } from "../model/time.ts";
import { pause } from "../source/pause.ts";
import { Exit } from "./io.ts";

/** How often somebody is told that an attempt goes on. */
const patienceMs = 10_000;
/** Waiting time after the first failure; it doubles with each further one up to the longest. */
const [firstWaitMs, waitMaxMs] = [500, 5_000];

export interface ReachOptions {
  /** How long to go on after the first failure of all; 0: not at all. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** [0, 1): spreads the attempts of many processes. */
  readonly random: () => number;
  readonly warn: (text: string) => void;
}

/**
 * Opens what lies across a network, at the start: what fails, and may work later, is tried again, with a line each time. When the
 * time is over the last fault is thrown.
 * @throws Exit 130 when it was interrupted
 */
export function createReach(options: ReachOptions): <T>(what: string, open: () => Promise<T>) => Promise<T> {
  const { withinMs, signal, clock, random, warn } = options;
  let deadline: number | undefined;
  return async (what, open) => {
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, waitMaxMs)) {
      const begun = clock.elapsed();
      const waiting = setInterval(() => {
        warn(`${what}: not there after ${Math.round((clock.elapsed() - begun) / 1_000)} s`);
      }, patienceMs);
      try {
        return await open();
      } catch (error) {
        if (!(error instanceof Fault) || !error.retryable) throw error;
        deadline ??= clock.elapsed() + withinMs;
        const leftMs = deadline - clock.elapsed();
        if (leftMs <= 0) throw error;
        warn(`${error.message}; tried again for ${Math.ceil(leftMs / 1_000)} s more`);
        await pause(Math.min(leftMs, waitMs * (0.5 + random() / 2)), signal);
        if (signal.aborted) throw new Exit(130);
      } finally {
        clearInterval(waiting);
      }
    }
  };
}
