import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import type { Limits } from "../model/limits.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import type { Clock, WallTime } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";
import type { Board, Intake } from "./board.ts";
import {
  type Cell,
  createCell,
  judgeEarly,
  laneKey,
  lowWatermark,
  type MonitoredView,
  restoreJudging,
  restoreLane,
  type Trouble,
  takeClosed,
} from "./cell.ts";
import { encodeJudging, encodeLane } from "./checkpoint.ts";
import { createLane, type Lane, stepLane } from "./lane.ts";
import type { Outcome, Receiver, Sink, Store } from "./ports.ts";
import { createBoard } from "./status.ts";
import type { TimeRange } from "./time-range.ts";

/** Outcomes that wait for a sink that refuses them; beyond it the source is held back. */
const unsentMax = 10_000;

/** Durations kept for the event-to-profile histogram. */
const durationsMax = 4_096;

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
  /** Outcomes that may wait for sinks while profiling goes on; by default none, so that every step ends with its outcomes out. */
  readonly ahead?: number;
  /** A partition silent for so long no longer holds back the others' windows; Infinity when every partition's end is announced. */
  readonly idleAfterMs: number;
}

/** The loop: source → decode → check → profile → judge → sinks → store. One at a time, in the order of arrival. */
export interface Monitor extends Receiver {
  readonly board: Board;
  readonly intake: Intake;
  /** Loads breakers, alerts and pending windows, and hands the active alerts to the sinks. Call once, before the source runs. */
  restore(): Promise<void>;
  /** Called about once a second: closes what only silent partitions hold back. */
  tick(): Promise<void>;
  readonly trouble: Trouble;
  active(): readonly Alert[];
  close(signal: AbortSignal): Promise<void>;
}

export function createMonitor(options: MonitorOptions): Monitor {
  const { sinks, store, clock } = options;
  const cells = new Map(
    options.views.map((monitored) => [monitored.view.name, createCell(monitored, options)]),
  );
  const route = options.route ?? routeByTopic(options.views);
  const troubles = new Map<string, string>();
  const durations: number[] = [];
  const durationListeners = new Set<(seconds: number) => void>();
  const listeners = new Set<(outcomes: readonly Outcome[]) => void>();
  const unsent: Outcome[] = [];
  let delivering: Promise<void> | undefined;
  let failure: unknown;
  let ready = false;
  let lastPollAt: WallTime | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** Everything that changes state takes its turn, so that the gate and the source never interleave. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.then(
      () => undefined,
      () => undefined, // the caller of inTurn has the rejection; the next in line must not
    );
    return result;
  };

  const active = (): readonly Alert[] => [...cells.values()].flatMap((cell) => cell.judging.active());

  const trouble: Trouble = (name, text) => {
    if (text === undefined) troubles.delete(name);
    else troubles.set(name, text);
  };

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

  /** Profiling goes on while sinks take their time, as long as little waits. A refusal for good is thrown at the next step. */
  const emit = async (outcomes: readonly Outcome[]): Promise<void> => {
    if (failure !== undefined) throw failure;
    if (outcomes.length === 0) return;
    for (const listener of listeners) listener(outcomes);
    unsent.push(...outcomes);
    const delivery = deliver();
    if (unsent.length > (options.ahead ?? 0)) await delivery;
    else
      delivery.catch((error: unknown) => {
        failure = error;
      });
  };

  const lanesOf = (partition: Partition): { cell: Cell; lane: Lane }[] => {
    const key = partitionKey(partition);
    return [...cells.values()].flatMap((cell) => {
      const lane = cell.lanes.get(key);
      return lane === undefined ? [] : [{ cell, lane }];
    });
  };

  const assign = async (partition: Partition): Promise<number | undefined> => {
    let resume: number | undefined;
    for (const name of route(partition)) {
      const cell = cells.get(name);
      if (cell === undefined) continue;
      const lane = createLane(partition, cell.view, cell.profiler.start());
      await restoreLane(cell, lane, store, trouble);
      cell.lanes.set(lane.key, lane);
      cell.lastActive.set(lane.key, clock.now());
      if (lane.nextOffset > 0) resume = Math.min(resume ?? lane.nextOffset, lane.nextOffset);
    }
    ready = true;
    return resume;
  };

  const closeDue = (cell: Cell): readonly Outcome[] =>
    cell.judging.close(lowWatermark(cell, clock.now(), options.idleAfterMs));

  const receiveOne = (cell: Cell, lane: Lane, message: Message): Outcome[] => {
    const outcomes: Outcome[] = [];
    const { closed, deadLetter } = stepLane(lane, message, cell.decoder, cell.profiler, options.range);
    if (deadLetter !== undefined) outcomes.push({ kind: "dead-letter", deadLetter });
    outcomes.push(...takeClosed(cell, lane, closed));
    // what is over first: an early verdict is of a later window than any that closes now
    outcomes.push(...closeDue(cell));
    outcomes.push(...judgeEarly(cell, lane));
    if (message.timestamp !== undefined) {
      const seconds = (clock.now() - message.timestamp) / 1_000;
      durations.push(seconds);
      if (durations.length > durationsMax) durations.shift();
      for (const listener of durationListeners) listener(seconds);
    }
    return outcomes;
  };

  const checkpoint = async (): Promise<ReadonlyMap<string, number>> => {
    if (failure !== undefined) throw failure;
    await deliver();
    if (unsent.length > 0)
      throw new Fault("sink.unreachable", "outcomes wait for a sink: no checkpoint", { retryable: true });
    const entries = new Map<string, Uint8Array>();
    const offsets = new Map<string, number>();
    for (const { view, judging, frames } of cells.values()) {
      entries.set(`judge/${view.name}`, encodeJudging(judging.encode(), view.fingerprint, frames));
    }
    for (const { view, profiler, frames, lanes } of cells.values()) {
      for (const lane of lanes.values()) {
        const { key, nextOffset, counts, deadLetters } = lane;
        const state = profiler.encodeState(lane.state);
        const value = encodeLane({
          spec: view.fingerprint,
          frames,
          nextOffset,
          counts,
          deadLetters: Object.fromEntries(deadLetters),
          state,
        });
        entries.set(laneKey(view, key), value);
        offsets.set(key, Math.min(offsets.get(key) ?? nextOffset, nextOffset));
      }
    }
    try {
      await store.save(entries);
      trouble("store", undefined);
    } catch (error) {
      trouble("store", error instanceof Error ? error.message : String(error));
      throw error;
    }
    return offsets;
  };

  const intake: Intake = {
    offer: (name, batch: Batch) =>
      inTurn(async () => {
        const cell = cells.get(name);
        if (cell === undefined) throw new Fault("spec.missing", `no feature view "${name}"`);
        const partition = { topic: `gate:${name}`, partition: 0 };
        const key = partitionKey(partition);
        let lane = cell.lanes.get(key);
        if (lane === undefined) {
          lane = createLane(partition, cell.view, cell.profiler.start());
          await restoreLane(cell, lane, store, trouble);
          cell.lanes.set(key, lane);
        }
        cell.lastActive.set(key, clock.now());
        const message: Message = {
          offset: lane.nextOffset,
          timestamp: clock.now(),
          headers: new Map(),
          body: { kind: "batch", batch },
        };
        await emit(receiveOne(cell, lane, message));
      }),
  };

  const board = createBoard({
    cells,
    active,
    troubles,
    durations,
    durationListeners,
    isReady: () => ready,
    lastPollAt: () => lastPollAt,
    listeners,
  });

  return {
    board,
    intake,
    active,
    trouble,
    assigned: (partition) => inTurn(() => assign(partition)),
    receive: (partition, messages) =>
      inTurn(async () => {
        lastPollAt = clock.now();
        for (const { cell, lane } of lanesOf(partition)) {
          cell.lastActive.set(lane.key, lastPollAt);
          for (const message of messages) {
            if (message.offset < lane.nextOffset) continue;
            await emit(receiveOne(cell, lane, message));
          }
        }
      }),
    ended: (partition) =>
      inTurn(async () => {
        for (const { cell, lane } of lanesOf(partition)) {
          lane.ended = true;
          await emit([...takeClosed(cell, lane, cell.profiler.flush(lane.state)), ...closeDue(cell)]);
        }
      }),
    revoked: (partition) =>
      inTurn(async () => {
        for (const { cell, lane } of lanesOf(partition)) cell.lanes.delete(lane.key);
      }),
    checkpoint: () => inTurn(checkpoint),
    restore: () =>
      inTurn(async () => {
        for (const cell of cells.values()) await restoreJudging(cell, store, trouble);
        for (const sink of sinks) await sink.accept([], active());
        ready = cells.size > 0;
      }),
    tick: () =>
      inTurn(async () => {
        for (const cell of cells.values()) await emit(closeDue(cell));
        await deliver();
      }),
    close: async (signal) => {
      await Promise.all(sinks.map((sink) => sink.close(signal)));
      await store.close();
    },
  };
}

function routeByTopic(views: readonly MonitoredView[]): (partition: Partition) => readonly string[] {
  const byTopic = Map.groupBy(views, ({ view }) => view.source.topic);
  return ({ topic }) => (byTopic.get(topic) ?? []).map(({ view }) => view.name);
}
