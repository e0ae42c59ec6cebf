import { type Message, partitionKey } from "../model/record.ts";
import type { WallTime } from "../model/time.ts";
import type { Alert } from "../model/verdict.ts";
import { decodeProfile, encodeProfile } from "../profile/codec.ts";
import { framesDigest, type MonitoredView, restoreInto, type Trouble } from "./cell.ts";
import { decodeJudging, encodeJudging } from "./checkpoint.ts";
import { findFormer } from "./former.ts";
import type { Handover } from "./handover.ts";
import { createJudging, type Judging } from "./judging.ts";
import { type Ahead, createOutbox, type Outbox } from "./outbox.ts";
import type { Extent, Outcome, Receiver, Resume, Sink, Store } from "./ports.ts";
import { createRoll, type Roll } from "./roll.ts";
import { decodeSignal, type Signal } from "./signal.ts";
import { restoreSinks, saveSinks } from "./sink-state.ts";
import { createUpcoming, type Upcoming } from "./upcoming.ts";

export interface JudgeLogOptions {
  readonly views: readonly MonitoredView[];
  readonly store: Store;
  readonly trouble: Trouble;
  /** What this process itself has written to the log. */
  readonly handover: Handover | undefined;
  /** The judge that speaks, and writes checkpoints. Absent: it only follows. */
  readonly speaks?: Voice;
  /** Called with what each record led to, once the past has been caught up with. */
  readonly announce: (outcomes: readonly Outcome[]) => void;
}

export interface Voice {
  /** What they have had they may have again: every outcome has a key. */
  readonly durable: readonly Sink[];
  /**
   * Who is told what is active. A new judge first folds in what its predecessor has said after its last checkpoint: what was
   * active then may be over by now, and saying so again would page somebody twice.
   */
  readonly told: readonly Sink[];
  /** What may wait. */
  readonly ahead: Ahead;
}

/** Changes of alerts kept while catching up. */
const heldMax = 1_000;

/**
 * The judge of a cluster: a fold over the log of signals, from its checkpoint on. One process of a consumer group has the log
 * assigned and speaks; any other may follow the same log in silence and comes to the same state, so that all answer alike.
 */
export interface JudgeLog extends Receiver {
  judging(view: string): Judging | undefined;
  active(): readonly Alert[];
  /** The first offset of the log that has not been folded in. */
  position(): number;
  /** Whether it has come to what was the log's end when it was assigned. */
  caughtUp(): boolean;
  shed(): void;
}

/** One view's judge and its roll of partitions. */
interface Seat {
  readonly monitored: MonitoredView;
  readonly judging: Judging;
  readonly roll: Roll;
  readonly frames: string;
  /** Windows of a spec that is to come. */
  readonly upcoming: Upcoming;
  /** That the spec has changed, until it is saved. */
  readonly specs: Map<string, Uint8Array>;
  nextOffset: number;
}

export function createJudgeLog(options: JudgeLogOptions): JudgeLog {
  const { views, store, trouble, handover, speaks, announce } = options;
  let seats = new Map<string, Seat>();
  /** The seats as they are shown: those of before until the past is caught up with. */
  let shown = seats;
  /** The end of the log when it was assigned. */
  let target = 0;
  let caughtUp = false;
  let held: Alert[] = [];
  const active = (): readonly Alert[] => [...seats.values()].flatMap(({ judging }) => judging.active());
  const newOutboxes = (): { durable: Outbox; told: Outbox } | undefined =>
    speaks && {
      durable: createOutbox({ sinks: speaks.durable, ahead: speaks.ahead, active, trouble }),
      told: createOutbox({ sinks: speaks.told, ahead: speaks.ahead, active, trouble }),
    };
  let outboxes = newOutboxes();
  let assigned = false;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.then(
      () => undefined,
      () => undefined, // the caller has the rejection; the next in line must not
    );
    return result;
  };

  const position = (): number =>
    seats.size === 0 ? 0 : Math.min(...[...seats.values()].map(({ nextOffset }) => nextOffset));

  /** The past is folded in: from here on what is said is news. */
  const present = async (): Promise<void> => {
    caughtUp = true;
    shown = seats;
    trouble("state", undefined); // what it said of a spec that has changed is in the log
    for (const sink of speaks?.told ?? []) await sink.accept(past(), active());
    held = [];
  };

  /** Changes of alerts since the checkpoint, each marked if it was heard, after those of before that nobody has heard. */
  const past = (): readonly Outcome[] => {
    const books = [...seats.values()].map(({ judging }) => judging.unheard);
    const isUnheard = (alert: Alert): boolean => books.some((book) => book.has(alert));
    const isHeld = (alert: Alert): boolean => held.some((change) => isSame(change, alert));
    return [...books.flatMap((book) => book.changes().filter((alert) => !isHeld(alert))), ...held].map(
      (alert) => ({ kind: "alert", alert, ...(isUnheard(alert) ? {} : { heard: true }) }),
    );
  };

  const take = async (message: Message): Promise<void> => {
    await outboxes?.durable.room();
    await outboxes?.told.room();
    const outcomes = fold(message);
    if (outcomes.length > 0) await outboxes?.durable.emit(outcomes);
    if (caughtUp) {
      announce(outcomes);
      await outboxes?.told.emit(outcomes);
    } else {
      if (speaks !== undefined)
        held.push(...outcomes.flatMap((outcome) => (outcome.kind === "alert" ? [outcome.alert] : [])));
      if (held.length > heldMax) held.splice(0, held.length - heldMax);
      if (position() >= target) await present();
    }
  };

  const assign = async (extent: Extent | undefined): Promise<Resume | undefined> => {
    const restored = new Map<string, Seat>();
    for (const monitored of views)
      restored.set(monitored.view.name, await restoreSeat(monitored, store, trouble));
    seats = restored;
    await restoreSinks(speaks?.told ?? [], store);
    outboxes = newOutboxes(); // what waited there was another term's: it is found in the log again
    assigned = true;
    target = extent?.high ?? 0;
    caughtUp = false;
    held = [];
    const offset = position();
    if (offset >= target) await present();
    return offset > 0 ? { offset, anchor: undefined } : undefined;
  };

  const fold = (message: Message): readonly Outcome[] => {
    if (message.body.kind !== "bytes") return [];
    const signal = decodeSignal(message.headers, message.body.bytes, handover);
    const outcomes: Outcome[] = [];
    for (const seat of seats.values()) {
      if (message.offset < seat.nextOffset) continue;
      seat.nextOffset = message.offset + 1;
      if (signal !== undefined) outcomes.push(...foldSignal(seat, signal, message.timestamp ?? 0, trouble));
    }
    return outcomes;
  };

  const checkpoint = async (): Promise<ReadonlyMap<string, number>> => {
    if (outboxes === undefined || !assigned) return new Map();
    await outboxes.durable.settle();
    await outboxes.told.settle();
    const entries = new Map<string, Uint8Array>();
    for (const [name, { judging, roll, frames, nextOffset, monitored, specs, upcoming }] of seats) {
      for (const [key, bytes] of specs) entries.set(key, bytes);
      const open = roll.opened().map(({ profile, ...part }) => ({ ...part, bytes: encodeProfile(profile) }));
      const log = { nextOffset, roll: roll.encode(), open, upcoming: upcoming.encode() };
      entries.set(`judge/${name}`, encodeJudging(judging.encode(), monitored.view.fingerprint, frames, log));
    }
    saveSinks(speaks?.told ?? [], entries);
    await store.save(entries);
    for (const { specs } of seats.values()) specs.clear();
    return new Map();
  };

  return {
    judging: (view) => shown.get(view)?.judging,
    active,
    position,
    caughtUp: () => caughtUp,
    shed: () => {
      for (const { judging } of [...seats.values(), ...shown.values()]) judging.shed();
    },
    assigned: (_partition, extent) => inTurn(() => assign(extent)),
    receive: (_partition, messages) =>
      inTurn(async () => {
        for (const message of messages) await take(message);
      }),
    lost: (partition, { why }) =>
      inTurn(async () =>
        trouble(`lost.${partitionKey(partition)}`, `${why}; windows told there are not judged`),
      ),
    counted: async () => undefined, // how many partitions the log of signals has matters to nobody
    ended: async () => undefined,
    revoked: () =>
      inTurn(async () => {
        assigned = false;
        for (const sink of speaks?.told ?? []) sink.yield?.();
      }),
    checkpoint: () => inTurn(checkpoint),
  };
}

function isSame(a: Alert, b: Alert): boolean {
  return a.fingerprint === b.fingerprint && a.startsAt === b.startsAt && a.status === b.status;
}

async function restoreSeat(monitored: MonitoredView, store: Store, trouble: Trouble): Promise<Seat> {
  const { view, baseline } = monitored;
  const seat: Seat = {
    monitored,
    judging: createJudging(view, baseline),
    roll: createRoll(view),
    frames: framesDigest(baseline),
    upcoming: createUpcoming(),
    specs: new Map(),
    nextOffset: 0,
  };
  const { former, entries } = await findFormer(monitored, store);
  for (const [key, entry] of entries) seat.specs.set(key, entry);
  if (former !== undefined) seat.judging.succeed(former);
  const bytes = await store.load(`judge/${view.name}`);
  if (bytes === undefined) return seat;
  const saved = decodeJudging(bytes);
  const { spec, frames, log } = saved;
  const same = spec === view.fingerprint && frames === seat.frames;
  restoreInto(seat.judging, { view, frames: seat.frames }, saved, trouble);
  if (log !== undefined) {
    const open = log.open.map(({ bytes: part, ...rest }) => ({ ...rest, profile: decodeProfile(part) }));
    seat.roll.restore(log.roll, same ? open : []);
    seat.nextOffset = log.nextOffset;
    for (const { partition, bytes: part } of log.upcoming) {
      const profile = decodeProfile(part);
      if (!seat.judging.add(partition, profile, true, true)) seat.upcoming.keep(partition, profile);
    }
  }
  return seat;
}

/** One signal's turn: a function of seat and signal, so that whoever reads the log comes to the same. */
function foldSignal(
  { judging, roll, upcoming, monitored: { view } }: Seat,
  signal: Signal,
  at: WallTime,
  trouble: Trouble,
): readonly Outcome[] {
  switch (signal.kind) {
    case "closed": {
      const { partition, profile, partial } = signal;
      if (profile.featureView !== view.name) return [];
      if (profile.spec === view.fingerprint) roll.close(partition, profile, at);
      if (!judging.add(partition, profile, partial) && profile.spec !== view.fingerprint) {
        const kept = upcoming.keep(partition, profile);
        if (!kept)
          trouble(`spec.${view.name}`, `too many windows of a spec that this judge has not: upgrade it`);
      }
      return [];
    }
    case "open":
      if (signal.view !== view.name || signal.spec !== view.fingerprint) return [];
      roll.take(signal, at);
      return judging.early(roll.open(judging.judgedThrough), signal.asOf);
    case "progress":
      if (signal.view !== view.name) return [];
      roll.take(signal, at);
      return [
        ...judging.close(roll.low(at), roll.high()),
        // as long a silence by the clock of the log as would be one by the data's
        ...judging.heartbeat(roll.high() + view.window.latenessMs, roll.silentMs(at)),
        ...judging.expire(at),
      ];
    case "order":
      return signal.order.featureView === view.name ? judging.order(signal.order) : [];
    case "gauge":
      return signal.reading.featureView === view.name ? judging.gauge(signal.reading) : [];
    case "partitions":
      if (signal.topic !== view.source.topic) return [];
      roll.take(signal, at);
      return [];
    case "told":
      if (signal.view === view.name) judging.unheard.told(signal);
      return [];
  }
}
