import { type FeatureView, hintsOf } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import type { Message, Partition } from "../model/record.ts";
import type { Clock, EventTime } from "../model/time.ts";
import type { MonitoredView } from "../pipeline/cell.ts";
import type { Monitor } from "../pipeline/monitor.ts";
import type { Outcome, Receiver, Sink, Source } from "../pipeline/ports.ts";
import { createMonitor } from "../pipeline/run.ts";
import { createTally, type Summary } from "../pipeline/summary.ts";
import type { TimeRange } from "../pipeline/time-range.ts";
import { createFileSource } from "../source/file.ts";
import { createMemoryStore } from "../store/memory.ts";

export interface PlayOptions extends MonitoredView {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly sinks?: readonly Sink[];
  readonly sigma?: number;
  readonly range?: TimeRange;
}

/** A run over data that end: the loop of `tidemark run` with a store that forgets. */
export interface Play {
  readonly monitor: Monitor;
  /** Rows read so far, and the largest event time among them. */
  reached(): { readonly rows: number; readonly eventTime: EventTime | undefined };
  /**
   * Plays the source to its end, or until `signal` aborts: then the summary is marked partial.
   * @param before  called with each message before it is profiled; what it awaits holds the play back
   */
  run(
    source: Source,
    signal: AbortSignal,
    before?: (message: Message, partition: Partition) => Promise<void> | void,
  ): Promise<Summary>;
}

export function createPlay(options: PlayOptions): Play {
  const { view, baseline, limits, clock, sigma, range } = options;
  const tally = createTally(view);
  const summing: Sink = {
    name: "summary",
    accept: async (outcomes: readonly Outcome[]) => tally.add(outcomes),
    close: async () => undefined,
  };
  const monitor = createMonitor({
    views: [{ view, baseline }],
    route: () => [view.name],
    limits,
    sinks: [...(options.sinks ?? []), summing],
    store: createMemoryStore(),
    clock,
    idleAfterMs: Number.POSITIVE_INFINITY,
    ...(sigma === undefined ? {} : { sigma }),
    ...(range === undefined ? {} : { range }),
  });
  return {
    monitor,
    reached: () => {
      const status = monitor.board.view(view.name);
      return { rows: status?.counts.read ?? 0, eventTime: status?.lastEvent };
    },
    async run(source, signal, before) {
      await monitor.restore();
      await source.run(before === undefined ? monitor : withBefore(monitor, before, signal), signal);
      const status = monitor.board.view(view.name);
      if (status === undefined) throw new TypeError(`no status of ${view.name}`);
      return tally.summarize(status, signal.aborted);
    },
  };
}

/** Files as `replay`, `demo` and the golden tests read them. */
export function filesFor(view: FeatureView, files: readonly string[], limits: Limits): Source {
  return createFileSource({ files, hints: hintsOf(view), limits, follow: false });
}

function withBefore(
  receiver: Receiver,
  before: (message: Message, partition: Partition) => Promise<void> | void,
  signal: AbortSignal,
): Receiver {
  return {
    assigned: (partition, extent) => receiver.assigned(partition, extent),
    async receive(partition, messages) {
      for (const message of messages) {
        if (signal.aborted) return;
        await before(message, partition);
        await receiver.receive(partition, [message]);
      }
    },
    lost: (partition, gap) => receiver.lost(partition, gap),
    counted: (topic, partitions) => receiver.counted(topic, partitions),
    ended: (partition) => receiver.ended(partition),
    revoked: (partition) => receiver.revoked(partition),
    checkpoint: () => receiver.checkpoint(),
  };
}
