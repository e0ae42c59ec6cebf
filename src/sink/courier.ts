import type { Logger } from "pino";

/** Waiting time after the first failure; it doubles with each further one up to the longest. */
const [firstBackoffMs, backoffMaxMs] = [500, 15_000];

/** What a sink is handed to tell the world how it fares. */
export interface Reporting {
  readonly log: Logger;
  /** A name and what is wrong; `undefined`: nothing any more. */
  readonly onTrouble: (name: string, text: string | undefined) => void;
  /** An attempt that failed, by the peer's name. */
  readonly onFailure?: (peer: string) => void;
}

export interface CourierOptions extends Reporting {
  /** Of the trouble: `alertmanager 10.0.0.7:9093`. */
  readonly name: string;
  readonly peer: string;
  /**
   * Brings the peer up to date. Resolves to what is wrong although it was reached, or undefined; throws when it has to
   * be tried again.
   */
  readonly deliver: (signal: AbortSignal) => Promise<string | undefined>;
  /** [0, 1): spreads the attempts of many processes. */
  readonly random: () => number;
}

/**
 * Serves one peer in the background, one attempt at a time, so that a slow or dead one holds up nobody. Calls that come
 * meanwhile are one further attempt.
 */
export interface Courier {
  /** There is news for the peer. */
  wake(): void;
  /** Ends the attempt in hand and makes a last one when there is news left, both bounded by `signal`. */
  close(signal: AbortSignal): Promise<void>;
}

export function createCourier(options: CourierOptions): Courier {
  const { name, peer, deliver, random, log, onTrouble, onFailure } = options;
  const ended = new AbortController();
  let due = false;
  let failures = 0;
  let running: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closing = false;

  const fail = (error: unknown): void => {
    due = true;
    failures += 1;
    const message = error instanceof Error ? error.message : String(error);
    onFailure?.(peer);
    onTrouble(name, message);
    const waitMs = closing ? undefined : backoffMs(failures, random());
    log.warn({ peer, failures, retryInMs: waitMs }, `${name}: not delivered: ${message}`);
    if (waitMs === undefined) return;
    retry = setTimeout(start, waitMs);
    retry.unref();
  };

  const attempt = async (): Promise<void> => {
    try {
      while (due && !ended.signal.aborted) {
        due = false;
        const wrong = await deliver(ended.signal);
        if (failures > 0) log.info({ peer, failures }, `${name}: delivered again`);
        failures = 0;
        onTrouble(name, wrong);
      }
    } catch (error) {
      fail(error);
    }
  };

  const start = (): void => {
    retry = undefined;
    running ??= attempt().finally(() => {
      running = undefined;
      if (due && retry === undefined && !closing) start(); // woken after the attempt's last look
    });
  };

  return {
    wake() {
      due = true;
      if (retry === undefined && !closing) start();
    },
    async close(signal) {
      closing = true;
      clearTimeout(retry);
      const last = async (): Promise<void> => {
        await running;
        if (due) await attempt();
      };
      await Promise.race([last(), aborted(signal)]);
      ended.abort();
      if (due) log.error({ peer }, `${name}: closed with undelivered news`);
    },
  };
}

/** Between half and the whole of the doubled time. */
function backoffMs(failures: number, chance: number): number {
  return Math.round(Math.min(firstBackoffMs * 2 ** (failures - 1), backoffMaxMs) * (0.5 + chance / 2));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
