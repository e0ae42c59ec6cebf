import { Fault } from "../model/fault.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import type { Elapsed } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";
import {
  type Cell,
  createCell,
  isGate,
  judgeEarly,
  laneKey,
  lowWatermark,
  restoreJudging,
  restoreLane,
  routeByTopic,
  saveLane,
  seenThrough,
  silentForMs,
  type Trouble,
  takeClosed,
} from "./cell.ts";
import { encodeJudging } from "./checkpoint.ts";
import { createIntake } from "./intake.ts";
import type { Judging } from "./judging.ts";
import { createLane, flushLane, type Lane, loseRecords, stepLane } from "./lane.ts";
import type { Monitor, MonitorOptions } from "./monitor.ts";
import { createOutbox } from "./outbox.ts";
import type { Extent, Gap, Outcome, Resume } from "./ports.ts";
import { restoreSinks, saveSinks } from "./sink-state.ts";
import { createBoard } from "./status.ts";
import { createTeller, type Teller } from "./teller.ts";

/** Durations kept for the event-to-profile histogram. */
const durationsMax = 4_096;

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
  const lostLanes = new Set<string>();
  /** Specs that have changed, until they are saved. */
  const specs = new Map<string, Uint8Array>();
  let ready = false;
  let lastPollAt: Elapsed | undefined;
  let unsavedSince: Elapsed | undefined;
  const startedAt = clock.elapsed();
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

  const judgingOf = (cell: Cell): Judging => options.relay?.judging(cell.view.name) ?? cell.judging;
  const active = (): readonly Alert[] => [...cells.values()].flatMap((cell) => judgingOf(cell).active());

  const trouble: Trouble = (name, text) => {
    if (troubles.has(name) !== (text !== undefined)) options.onTrouble?.(name, text);
    if (text === undefined) troubles.delete(name);
    else troubles.set(name, text);
  };

  const outbox = createOutbox({ ...options, active, trouble });
  const emit = (outcomes: readonly Outcome[]): Promise<void> => {
    if (outcomes.length > 0) for (const listener of listeners) listener(outcomes);
    return outbox.emit(outcomes);
  };

  const lanesOf = (partition: Partition): { cell: Cell; lane: Lane }[] => {
    const key = partitionKey(partition);
    return [...cells.values()].flatMap((cell) => {
      const lane = cell.lanes.get(key);
      return lane === undefined ? [] : [{ cell, lane }];
    });
  };

  const assign = async (partition: Partition, extent: Extent | undefined): Promise<Resume | undefined> => {
    let resume: Resume | undefined;
    for (const name of route(partition)) {
      const cell = cells.get(name);
      if (cell === undefined) continue;
      const lane = createLane(partition, cell.view, cell.profiler.start());
      const closed = await restoreLane(cell, lane, store, trouble);
      cell.lanes.set(lane.key, lane);
      const isEmpty = extent !== undefined && extent.low === extent.high;
      const isNew = lane.nextOffset === 0;
      if (isNew) lane.nextOffset = extent?.from ?? 0;
      const lastActive = isEmpty && isNew ? Number.NEGATIVE_INFINITY : clock.elapsed();
      cell.lastActive.set(lane.key, lastActive);
      teller?.begin(lane);
      await emit([
        ...takeClosed(cell, lane, closed, judges),
        ...(closed.length > 0 ? closeDue(cell) : []),
        ...(teller?.tick(cell, lane, clock.elapsed(), lastActive) ?? []),
      ]);
      const known = lane.nextOffset > 0 || extent?.from !== undefined;
      if (known && lane.nextOffset <= (resume?.offset ?? lane.nextOffset))
        resume = { offset: lane.nextOffset, anchor: lane.anchor };
    }
    ready = true;
    return resume;
  };

  const teller: Teller | undefined = options.relay === undefined ? undefined : createTeller(options);
  const judges = teller === undefined;

  const expire = ({ judging }: Cell): readonly Outcome[] => (judges ? judging.expire(clock.now()) : []);
  const closeDue = (cell: Cell): readonly Outcome[] =>
    judges
      ? cell.judging.close(
          lowWatermark(cell, clock.elapsed(), options.idleAfterMs),
          Math.max(seenThrough(cell), options.range?.to ?? Number.NEGATIVE_INFINITY),
        )
      : [];

  /** The stream's own heartbeat: as long a silence by the wall clock as would be one by the data's. */
  const heartbeat = (cell: Cell): readonly Outcome[] =>
    judges ? cell.judging.heartbeat(seenThrough(cell), silentForMs(cell, clock.elapsed())) : [];

  /** When the range that was asked for goes on after the last row of all. */
  const silentEnd = ({ lanes, judging }: Cell): readonly Outcome[] => {
    const to = options.range?.to ?? Number.POSITIVE_INFINITY;
    const over = judges && Number.isFinite(to) && [...lanes.values()].every(({ ended }) => ended);
    return over ? judging.silence(judging.judgedThrough, to) : [];
  };

  /** In a cluster: lanes that have fallen silent, and what of the open windows has not been told yet. */
  const tellIdle = (cell: Cell): readonly Outcome[] =>
    teller === undefined
      ? []
      : [...cell.lanes.values()].flatMap((lane) =>
          teller.tick(cell, lane, clock.elapsed(), cell.lastActive.get(lane.key) ?? clock.elapsed()),
        );

  const receiveOne = (cell: Cell, lane: Lane, message: Message): Outcome[] => {
    const outcomes: Outcome[] = [];
    const { closed, deadLetter } = stepLane(lane, message, cell.decoder, cell.profiler, options.range);
    if (deadLetter !== undefined) outcomes.push({ kind: "dead-letter", deadLetter });
    outcomes.push(...takeClosed(cell, lane, closed, judges));
    // what is over first: an early verdict is of a later window than any that closes now
    if (teller === undefined) outcomes.push(...closeDue(cell), ...judgeEarly(cell, lane));
    else outcomes.push(...teller.tell(cell, lane, clock.elapsed()));
    if (lostLanes.has(lane.key) && !lane.gap && lane.partial.size === 0) {
      lostLanes.delete(lane.key);
      trouble(`lost.${lane.key}`, undefined); // the windows that lacked records are over
    }
    if (message.timestamp !== undefined) {
      const seconds = (clock.now() - message.timestamp) / 1_000;
      durations.push(seconds);
      if (durations.length > durationsMax) durations.shift();
      for (const listener of durationListeners) listener(seconds);
    }
    return outcomes;
  };

  const checkpoint = async (): Promise<ReadonlyMap<string, number>> => {
    await outbox.settle();
    const entries = new Map<string, Uint8Array>();
    const offsets = new Map<string, number>();
    for (const { view, judging, frames } of judges ? cells.values() : []) {
      entries.set(`judge/${view.name}`, encodeJudging(judging.encode(), view.fingerprint, frames));
    }
    for (const [key, bytes] of specs) entries.set(key, bytes);
    saveSinks(sinks, entries);
    for (const cell of cells.values()) {
      for (const lane of cell.lanes.values()) {
        if (!judges && isGate(lane.partition)) continue; // it ends with its process
        const { key, nextOffset } = lane;
        entries.set(laneKey(cell.view, key), saveLane(cell, lane));
        offsets.set(key, Math.min(offsets.get(key) ?? nextOffset, nextOffset));
      }
    }
    try {
      await store.save(entries);
      unsavedSince = undefined;
      specs.clear();
      trouble("store", undefined);
      trouble("state", undefined); // it is the state of the specs of now
    } catch (error) {
      trouble("store", error instanceof Error ? error.message : String(error));
      throw error;
    }
    return offsets;
  };

  /** Where the rows go that are posted to the HTTP gate. */
  const gateLane = async (cell: Cell): Promise<Lane> => {
    const own = options.relay === undefined ? "" : `:${options.relay.processId}`;
    const partition = { topic: `gate:${cell.view.name}${own}`, partition: 0 };
    const known = cell.lanes.get(partitionKey(partition));
    if (known !== undefined) return known;
    const lane = createLane(partition, cell.view, cell.profiler.start());
    const closed = judges ? await restoreLane(cell, lane, store, trouble) : [];
    teller?.begin(lane);
    cell.lanes.set(lane.key, lane);
    await emit(takeClosed(cell, lane, closed, judges));
    return lane;
  };

  /** Records are gone: said aloud, counted, and every window that may lack them is marked. */
  const lose = async (cell: Cell, lane: Lane, gap: Gap): Promise<void> => {
    trouble(`lost.${lane.key}`, gap.why);
    lostLanes.add(lane.key);
    await emit(takeClosed(cell, lane, loseRecords(lane, gap, cell.profiler), judges));
  };

  const end = async (cell: Cell, lane: Lane): Promise<void> => {
    lane.ended = true;
    await emit([
      ...takeClosed(cell, lane, flushLane(lane, cell.profiler), judges),
      ...closeDue(cell),
      ...silentEnd(cell),
      ...(teller?.tell(cell, lane, clock.elapsed()) ?? []),
    ]);
  };

  const endGates = async (): Promise<void> => {
    for (const cell of cells.values())
      for (const lane of cell.lanes.values()) if (isGate(lane.partition)) await end(cell, lane);
    await outbox.flush();
  };

  const cellOf = (name: string): Cell => {
    const cell = cells.get(name);
    if (cell === undefined) throw new Fault("spec.missing", `no feature view "${name}"`);
    return cell;
  };

  const intake = createIntake({
    clock,
    inTurn,
    laneOf: async (name) => {
      const cell = cellOf(name);
      return { cell, lane: await gateLane(cell) };
    },
    receive: async (cell, lane, message) => {
      await outbox.room();
      await emit(receiveOne(cell, lane, message));
    },
  });

  /** Beside the records: to the judge here, or into the log for the one elsewhere. */
  const tellJudge = (
    name: string,
    here: (judging: Judging) => readonly Outcome[],
    signal: Extract<Outcome, { kind: "signal" }>["signal"],
  ): Promise<void> =>
    inTurn(async () => {
      const { judging } = cellOf(name);
      await emit(judges ? here(judging) : [{ kind: "signal", signal }]);
    });

  const board = createBoard({
    cells,
    judgingOf,
    active,
    troubles,
    durations,
    durationListeners,
    isReady: () => ready && (options.relay?.ready() ?? true),
    lastPollAt: () => lastPollAt,
    unsavedSince: () => unsavedSince,
    watchedMs: () => clock.elapsed() - startedAt,
    listeners,
    queuedBytes: outbox.waitingBytes,
  });

  return {
    board,
    intake,
    active,
    trouble,
    shed() {
      for (const { judging, profiler, lanes } of cells.values()) {
        judging.shed();
        for (const { state } of lanes.values()) profiler.shed(state);
      }
    },
    announce: (outcomes) => {
      if (outcomes.length > 0) for (const listener of listeners) listener(outcomes);
    },
    assigned: (partition, extent) => inTurn(() => assign(partition, extent)),
    receive: (partition, messages) =>
      inTurn(async () => {
        lastPollAt = clock.elapsed();
        unsavedSince ??= lastPollAt;
        for (const { cell, lane } of lanesOf(partition)) {
          cell.lastActive.set(lane.key, lastPollAt);
          for (const message of messages) {
            if (message.offset < lane.nextOffset) continue;
            await outbox.room();
            await emit(receiveOne(cell, lane, message));
          }
        }
      }),
    ended: (partition) =>
      inTurn(async () => {
        for (const { cell, lane } of lanesOf(partition)) await end(cell, lane);
      }),
    lost: (partition, gap) =>
      inTurn(async () => {
        for (const { cell, lane } of lanesOf(partition)) await lose(cell, lane, gap);
      }),
    counted: (topic, count) =>
      inTurn(async () => {
        if (!judges) await emit([{ kind: "signal", signal: { kind: "partitions", topic, count } }]);
      }),
    revoked: (partition) =>
      inTurn(async () => {
        for (const { cell, lane } of lanesOf(partition)) cell.lanes.delete(lane.key);
      }),
    checkpoint: () => inTurn(checkpoint),
    restore: () =>
      inTurn(async () => {
        if (judges) {
          for (const cell of cells.values())
            for (const [key, bytes] of await restoreJudging(cell, store, trouble)) specs.set(key, bytes);
          await restoreSinks(sinks, store);
          const unheard = [...cells.values()].flatMap(({ judging }) => judging.unheard.changes());
          const outcomes = unheard.map((alert): Outcome => ({ kind: "alert", alert }));
          for (const sink of sinks) await sink.accept(outcomes, active());
        }
        ready = cells.size > 0;
      }),
    order: (order) =>
      tellJudge(order.featureView, (judging) => judging.order(order), { kind: "order", order }),
    gauge: (reading) =>
      tellJudge(reading.featureView, (judging) => judging.gauge(reading), { kind: "gauge", reading }),
    told: ({ featureView: view, fingerprint, startsAt, status }) => {
      const word = { fingerprint, startsAt, status };
      const note = ({ unheard }: Judging): readonly Outcome[] => {
        unheard.told(word);
        return [];
      };
      return tellJudge(view, note, { kind: "told", view, ...word });
    },
    tick: () =>
      inTurn(async () => {
        for (const cell of cells.values())
          await emit([...closeDue(cell), ...heartbeat(cell), ...expire(cell), ...tellIdle(cell)]);
        await outbox.flush();
      }),
    close: async (signal) => {
      // rows that were posted to this process's gate are nobody else's
      if (!judges) await inTurn(() => endGates());
      await Promise.all(sinks.map((sink) => sink.close(signal)));
      await store.close();
    },
  };
}
