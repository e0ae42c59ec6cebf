import type { Counts, Message, Partition } from "../model/record.ts";
import type { Alert, Breaker, BreakerTransition, JudgedWindow } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Signal } from "./signal.ts";

/**
 * Where records come from. `run` delivers every record of every partition in order and resolves when the source has
 * ended (files) or, after the message in hand, when `signal` aborts.
 * @throws Fault `source.unreachable` (retryable) or `source.failed`; whatever the receiver throws is passed on.
 */
export interface Source {
  run(receiver: Receiver, signal: AbortSignal): Promise<void>;
}

/** Offsets `[from, to)` that will not come any more. */
export interface Gap {
  readonly from: number;
  /** Undefined: the topic was made anew, or its log went back. */
  readonly to: number | undefined;
  /** For people: what happened. */
  readonly why: string;
}

/** The first offset of a log, and the one after its last. */
export interface Extent {
  readonly low: number;
  readonly high: number;
  /** Where a partition without a state begins. */
  readonly from?: number;
}

/** Where a partition goes on, and how to tell that the log is still the same. */
export interface Resume {
  readonly offset: number;
  /** The last record that the state has seen; undefined when there is none. */
  readonly anchor: Anchor | undefined;
}

/** A record that must be found again where it was. */
export interface Anchor {
  readonly offset: number;
  readonly timestamp: number | undefined;
}

export interface Receiver {
  /**
   * Once per assignment of a partition, before its first record: where to resume, `undefined` for the source's own start.
   * @param extent  what the log holds now, where that is known: for an empty one nobody need wait
   */
  assigned(partition: Partition, extent?: Extent): Promise<Resume | undefined>;
  /**
   * The next records of a partition, in offset order. Resolves when they have been profiled, judged and handed to the sinks.
   * A record below the partition's position is ignored, so delivering twice counts once. The messages' bytes are the source's
   * again when it has resolved: what is kept of them is a copy.
   */
  receive(partition: Partition, messages: readonly Message[]): Promise<void>;
  /**
   * Records that the partition's state has not seen are gone from the log (retention, `from` to `to`), or the log is another one
   * than the state's: then `to` is undefined, and the state is dropped. The windows that are open are marked partial.
   */
  lost(partition: Partition, gap: Gap): Promise<void>;
  /** The partitions that a topic has now. */
  counted(topic: string, partitions: number): Promise<void>;
  /** The partition has no record after these: all its windows close (files, bounded topic ranges). */
  ended(partition: Partition): Promise<void>;
  /** The partition belongs to somebody else now: its state is forgotten without a checkpoint. */
  revoked(partition: Partition): Promise<void>;
  /** Makes everything received so far durable; resolves to the next offset of each partition, for the source's own commit. */
  checkpoint(): Promise<ReadonlyMap<string, number>>;
}

/** What happened in one step of the loop, in the order it happened. */
export type Outcome =
  | { readonly kind: "judged"; readonly judged: JudgedWindow; readonly profile: WindowProfile }
  /** A change of one alert, and the one line that `alerts.jsonl` gets; `heard`: another process has told somebody of it. */
  | { readonly kind: "alert"; readonly alert: Alert; readonly heard?: true }
  | { readonly kind: "breaker"; readonly breaker: Breaker; readonly transition: BreakerTransition }
  | { readonly kind: "dead-letter"; readonly deadLetter: DeadLetter }
  /** A closed window profile of one partition, before the merge over partitions; `partial`: records of it may be missing. */
  | {
      readonly kind: "profile";
      readonly partition: Partition;
      readonly profile: WindowProfile;
      readonly partial?: boolean;
    }
  /** In a cluster: what the judge is to know beside closed windows. */
  | { readonly kind: "signal"; readonly signal: Exclude<Signal, { kind: "closed" }> };

/** A change of an alert by its name. */
export type AlertChange = Pick<Alert, "featureView" | "fingerprint" | "startsAt" | "status">;

export interface DeadLetter {
  readonly partition: Partition;
  readonly offset: number;
  /** Stable word: a `DecodeReason`, or `event-time`. */
  readonly reason: string;
  readonly message: string;
  readonly bytes: Uint8Array;
  readonly key: Uint8Array | undefined;
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Where outcomes go. Accepting the same outcome twice has the effect of accepting it once.
 * A sink that cannot deliver now, but will later by itself (Alertmanager, webhooks), resolves; only a sink whose
 * outcome must be durable before the position moves on (dead letters, topics) rejects.
 */
export interface Sink {
  readonly name: string;
  accept(outcomes: readonly Outcome[], active: readonly Alert[]): Promise<void>;
  /** What it has taken and not delivered yet, part of the checkpoint; `restore` takes it up again after a crash. */
  save?(): Uint8Array;
  restore?(bytes: Uint8Array): void;
  /** Another process speaks for the monitor from now on: forgets what is active here, without a word to anybody. */
  yield?(): void;
  /** Delivers what is queued, bounded by `signal`, and lets go of everything. */
  close(signal: AbortSignal): Promise<void>;
}

/** Durable state: small values by key. `save` is atomic where the store can (SQLite), in iteration order where it cannot (Kafka). */
export interface Store {
  load(key: string): Promise<Uint8Array | undefined>;
  /** @throws Fault `store.full` or `store.failed`, both retryable; what was saved before stays. */
  save(entries: ReadonlyMap<string, Uint8Array>): Promise<void>;
  close(): Promise<void>;
}

/** Where a partition stands, for metrics, lag and the conservation law. */
export interface PartitionStatus {
  readonly partition: Partition;
  readonly featureView: string;
  readonly counts: Readonly<Counts>;
  /** Records that were gone from the log before they were read. */
  readonly lost: number;
  /** How often the log turned out to be another one. */
  readonly resets: number;
  /** Records without a value. */
  readonly tombstones: number;
  readonly nextOffset: number;
  readonly watermark: number;
}
