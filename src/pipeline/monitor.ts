import type { Limits } from "../model/limits.ts";
import type { Partition } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { Alert, BreakerOrder } from "../model/verdict.ts";
import type { Board, Intake } from "./board.ts";
import type { MonitoredView, Trouble } from "./cell.ts";
import type { GaugeReading } from "./gauge-reading.ts";
import type { Judging } from "./judging.ts";
import type { Ahead } from "./outbox.ts";
import type { AlertChange, Outcome, Receiver, Sink, Store } from "./ports.ts";
import type { TimeRange } from "./time-range.ts";

/** The loop: source → decode → check → profile → judge → sinks → store. One at a time, in the order of arrival. */
export interface Monitor extends Receiver {
  readonly board: Board;
  readonly intake: Intake;
  /** Loads breakers, alerts and pending windows, and hands the active alerts, and what was left unsaid, to the sinks. Call once, before the source runs. */
  restore(): Promise<void>;
  /** Hands a person's word about a breaker to whoever judges the view. */
  order(order: BreakerOrder): Promise<void>;
  /** Hands what the gauges of a view say to whoever judges it. */
  gauge(reading: GaugeReading): Promise<void>;
  /** Somebody outside has taken this change: whoever judges after a crash need not tell of it again. */
  told(change: AlertChange): Promise<void>;
  /** Called about once a second: closes what only silent partitions hold back. */
  tick(): Promise<void>;
  readonly trouble: Trouble;
  /** Memory is short: lets go of what nothing is judged by. */
  shed(): void;
  /** Shows the board's listeners what a judge elsewhere has made of it. */
  announce(outcomes: readonly Outcome[]): void;
  active(): readonly Alert[];
  close(signal: AbortSignal): Promise<void>;
}

export interface MonitorOptions {
  readonly views: readonly MonitoredView[];
  /** Views that a partition's records belong to; by default those whose `source.topic` is the partition's topic. */
  readonly route?: (partition: Partition) => readonly string[];
  readonly limits: Limits;
  readonly sinks: readonly Sink[];
  readonly store: Store;
  readonly clock: Clock;
  /** Overrides every `drift.sigma`. */
  readonly sigma?: number;
  /** Rows with event times outside it are skipped, uncounted. */
  readonly range?: TimeRange;
  /** What may wait for sinks while profiling goes on; by default nothing, so that every step ends with its outcomes out. */
  readonly ahead?: Ahead;
  /** In a cluster: this process only profiles, and tells the judge what it needs as `signal` outcomes. */
  readonly relay?: Relay;
  /** A partition silent for so long no longer holds back the others' windows; Infinity when every partition's end is announced. */
  readonly idleAfterMs: number;
  /** Records of a partition that are known to wait in its log: it is not idle as long as there are any, within reason. */
  readonly waiting?: (partition: string) => number;
  /** Called when a trouble begins and, without a text, when it is over. */
  readonly onTrouble?: Trouble;
}

/** How a process that does not judge is part of a cluster. */
export interface Relay {
  /** Names this process among others: the lane of its HTTP gate is its own. */
  readonly processId: string;
  /** The judge whose verdicts the board shows. */
  readonly judging: (view: string) => Judging | undefined;
  /** Whether that judge knows the present. */
  readonly ready: () => boolean;
}
