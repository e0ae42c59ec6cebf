import { Fault } from "../model/fault.ts";
import type { Alert } from "../model/verdict.ts";
import { outcomeBytes } from "./outcome-size.ts";
import type { Outcome, Sink } from "./ports.ts";

/** How much may wait for the sinks while the loop goes on. */
export interface Ahead {
  readonly outcomes: number;
  /** `limits.queueBytes` */
  readonly bytes: number;
}

export interface OutboxOptions {
  readonly sinks: readonly Sink[];
  /** Alerts that fire now, handed to the sinks with every delivery. */
  readonly active: () => readonly Alert[];
  readonly trouble: (name: string, text: string | undefined) => void;
  /** By default nothing may wait, so that every step ends with its outcomes out. */
  readonly ahead?: Ahead;
}

/** Outcomes on their way to the sinks, in order, each handed over until it is taken. */
export interface Outbox {
  /** Resolves when the outcomes are out, or few enough wait. @throws what a sink refuses for good, once, at the next call */
  emit(outcomes: readonly Outcome[]): Promise<void>;
  /** Before anything new is taken. @throws Fault `sink.unreachable` (retryable) while more waits than may, for a sink that refuses it */
  room(): Promise<void>;
  /** Hands over what waits. @throws Fault `sink.unreachable` (retryable) when some of it still does */
  settle(): Promise<void>;
  /** Hands over what waits, as far as sinks take it now. */
  flush(): Promise<void>;
  /** Bytes that wait, about. */
  waitingBytes(): number;
}

const none: Ahead = { outcomes: 0, bytes: 0 };

export function createOutbox({ sinks, active, trouble, ahead = none }: OutboxOptions): Outbox {
  const unsent: Outcome[] = [];
  let bytes = 0;
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
          if (!(error instanceof Fault) || !error.retryable) throw error;
          return; // kept in `unsent`, and tried again with the next step; no checkpoint passes them
        }
      }
      unsent.splice(0, outcomes.length);
      bytes -= sizeOf(outcomes);
    }
  };

  /** One delivery at a time; what comes meanwhile goes with its next round. */
  const deliver = (): Promise<void> => {
    delivering ??= handOver().finally(() => {
      delivering = undefined;
    });
    return delivering;
  };

  const isFull = (): boolean => unsent.length > ahead.outcomes || bytes > ahead.bytes;

  return {
    async emit(outcomes) {
      if (failure !== undefined) throw failure;
      if (outcomes.length === 0) return;
      unsent.push(...outcomes);
      bytes += sizeOf(outcomes);
      const delivery = deliver();
      if (isFull()) await delivery;
      else
        delivery.catch((error: unknown) => {
          failure = error;
        });
    },
    async room() {
      if (!isFull()) return;
      await deliver();
      if (isFull())
        throw new Fault(
          "sink.unreachable",
          `${unsent.length} outcomes wait for a sink: nothing more is read`,
          {
            retryable: true,
          },
        );
    },
    async settle() {
      if (failure !== undefined) throw failure;
      await deliver();
      if (unsent.length > 0)
        throw new Fault("sink.unreachable", "outcomes wait for a sink: no checkpoint", { retryable: true });
    },
    flush: deliver,
    waitingBytes: () => bytes,
  };
}

function sizeOf(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, outcome) => sum + outcomeBytes(outcome), 0);
}
