import { Fault } from "../model/fault.ts";
import type { Alert } from "../model/verdict.ts";
import type { Outcome, Sink } from "./ports.ts";

/** Outcomes that wait for a sink that refuses them; beyond it the source is held back. */
const unsentMax = 10_000;

export interface OutboxOptions {
  readonly sinks: readonly Sink[];
  /** Alerts that fire now, handed to the sinks with every delivery. */
  readonly active: () => readonly Alert[];
  readonly trouble: (name: string, text: string | undefined) => void;
  /** Outcomes that may wait for sinks while the loop goes on; by default none, so that every step ends with its outcomes out. */
  readonly ahead?: number;
}

/** Outcomes on their way to the sinks, in order, each handed over until it is taken. */
export interface Outbox {
  /** Resolves when the outcomes are out, or few enough wait. @throws what a sink refuses for good, once, at the next call */
  emit(outcomes: readonly Outcome[]): Promise<void>;
  /** Hands over what waits. @throws Fault `sink.unreachable` (retryable) when some of it still does */
  settle(): Promise<void>;
  /** Hands over what waits, as far as sinks take it now. */
  flush(): Promise<void>;
}

export function createOutbox({ sinks, active, trouble, ahead = 0 }: OutboxOptions): Outbox {
  const unsent: Outcome[] = [];
  let delivering: Promise<void> | undefined;
  let failure: unknown;

  /** Hands over what waits, in order; ends early when a sink refuses it for now. */
  const handOver = async (): Promise<void> => {
    while (unsent.length > 0) {
      const outcomes = unsent.slice();
      const firing = active();
      for (const sink of sinks) {
        try {
          await sink.accept(outcomes, firing);
          trouble(`sink.${sink.name}`, undefined);
        } catch (error) {
          trouble(`sink.${sink.name}`, error instanceof Error ? error.message : String(error));
          if (unsent.length > unsentMax || !(error instanceof Fault) || !error.retryable) throw error;
          return; // kept in `unsent`, and tried again with the next step; no checkpoint passes them
        }
      }
      unsent.splice(0, outcomes.length);
    }
  };

  /** One delivery at a time; what comes meanwhile goes with its next round. */
  const deliver = (): Promise<void> => {
    delivering ??= handOver().finally(() => {
      delivering = undefined;
    });
    return delivering;
  };

  return {
    async emit(outcomes) {
      if (failure !== undefined) throw failure;
      if (outcomes.length === 0) return;
      unsent.push(...outcomes);
      const delivery = deliver();
      if (unsent.length > ahead) await delivery;
      else
        delivery.catch((error: unknown) => {
          failure = error;
        });
    },
    async settle() {
      if (failure !== undefined) throw failure;
      await deliver();
      if (unsent.length > 0)
        throw new Fault("sink.unreachable", "outcomes wait for a sink: no checkpoint", { retryable: true });
    },
    flush: deliver,
  };
}
