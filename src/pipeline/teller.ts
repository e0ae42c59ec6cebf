import type { Elapsed, EventTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Cell } from "./cell.ts";
import { countHardHits } from "./judged-windows.ts";
import type { Lane } from "./lane.ts";
import type { Outcome } from "./ports.ts";
import type { Signal } from "./signal.ts";

/** Open windows of a lane are told at most so often (a tenth of a megabyte each), but for the first hit of a hard rule. */
const openEveryMs = 1_000;
/** A silent lane is told of so often: the judge knows no time but the log's. */
const idleEveryMs = 15_000;
/** An open window is told again when it has grown by this share. */
const openGrowth = 1.02;

/** What has been told of one lane. */
interface Told {
  /** Number of the last window that the told watermark has passed. */
  through: number;
  idle: boolean;
  idleAt: Elapsed;
  openAt: Elapsed;
  /** Rows and hits of hard rules by window start and segment. */
  readonly open: Map<string, { readonly rows: number; readonly hits: number }>;
}

/**
 * Says what the judge needs to know of a lane, no oftener than it matters: progress when the watermark has passed a window's end,
 * silence when it has lasted, open windows as they grow.
 */
export interface Teller {
  /** The lane is this process's now: whatever an owner before has said may be out of date. */
  begin(lane: Lane): void;
  /** After a message has been folded in. */
  tell(cell: Cell, lane: Lane, now: Elapsed): readonly Outcome[];
  /** About once a second. */
  tick(cell: Cell, lane: Lane, now: Elapsed, lastActive: Elapsed): readonly Outcome[];
}

export function createTeller({ idleAfterMs }: { readonly idleAfterMs: number }): Teller {
  const told = new WeakMap<Lane, Told>();
  const toldOf = (lane: Lane): Told => {
    const known = told.get(lane);
    if (known !== undefined) return known;
    const begun = {
      through: Number.NaN,
      idle: false,
      idleAt: Number.NEGATIVE_INFINITY,
      openAt: Number.NEGATIVE_INFINITY,
      open: new Map(),
    };
    told.set(lane, begun);
    return begun;
  };

  const progress = (lane: Lane, idle: boolean, now: Elapsed): readonly Outcome[] => {
    const known = toldOf(lane);
    const { watermark } = lane.state;
    const through = Math.floor(watermark / lane.view.window.sizeMs);
    const due = idle && !lane.ended && now - known.idleAt >= idleEveryMs;
    if (through === known.through && idle === known.idle && !due) return [];
    Object.assign(known, { through, idle, idleAt: now });
    return [outcome({ kind: "progress", view: lane.view.name, partition: lane.key, watermark, idle })];
  };

  const open = (cell: Cell, lane: Lane, now: Elapsed): readonly Outcome[] => {
    const known = toldOf(lane);
    const { lastEvent } = lane.state;
    if (lastEvent === undefined) return [];
    const live = cell.profiler.open(lane.state);
    const due = now - known.openAt >= openEveryMs;
    const news = live.filter((profile) => isNews(known, profile, due));
    if (news.length === 0) return [];
    known.openAt = now;
    const starts = new Set(live.map(({ window }) => window.start));
    for (const key of known.open.keys())
      if (!starts.has(Number(key.slice(0, key.indexOf("|"))))) known.open.delete(key);
    for (const profile of news) {
      known.open.set(keyOf(profile), { rows: profile.rows, hits: countHardHits(profile) });
    }
    return [outcome(openSignal(lane, lastEvent, news))];
  };

  return {
    begin: (lane) => void told.delete(lane),
    tell: (cell, lane, now) => [...progress(lane, lane.ended, now), ...open(cell, lane, now)],
    tick: (cell, lane, now, lastActive) => [
      ...progress(lane, lane.ended || now - lastActive >= idleAfterMs, now),
      ...open(cell, lane, now),
    ],
  };
}

function isNews({ open }: Told, profile: WindowProfile, due: boolean): boolean {
  const before = open.get(keyOf(profile));
  const firstHit = profile.segment === null && (before?.hits ?? 0) === 0 && countHardHits(profile) > 0;
  return firstHit || (due && profile.rows > (before?.rows ?? 0) * openGrowth);
}

function openSignal(
  lane: Lane,
  asOf: EventTime,
  profiles: readonly WindowProfile[],
): Signal & { kind: "open" } {
  const { name, fingerprint } = lane.view;
  return { kind: "open", view: name, spec: fingerprint, partition: lane.key, asOf, profiles };
}

function outcome(signal: Exclude<Signal, { kind: "closed" }>): Outcome {
  return { kind: "signal", signal };
}

function keyOf({ window, segment }: WindowProfile): string {
  return `${window.start}|${segmentKey(segment)}`;
}
