import { getOrInsert } from "../model/maps.ts";
import type { Elapsed } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Cell } from "./cell.ts";
import { countHardHits } from "./judged-windows.ts";
import type { Lane } from "./lane.ts";
import type { Outcome } from "./ports.ts";
import type { Signal } from "./signal.ts";

/** Open windows of a lane are told at most so often, but for the first hit of a hard rule. */
const openEveryMs = 1_000;
/** A silent lane is told of so often: the judge knows no time but the log's. */
const idleEveryMs = 15_000;
/**
 * The counts of an open window are told again when it has grown by this share, its sketches (a tenth of a megabyte) by that, and when
 * there are first enough rows to judge them.
 */
const growth = { counts: 1.02, sketches: 1.25 };
/** A lane whose records wait in the log, and do not come, holds back the others for so long. */
const stuckAfterMs = 120_000;

/** What has been told of one lane. */
interface Told {
  /** Number of the last window that the told watermark has passed. */
  through: number;
  idle: boolean;
  idleAt: Elapsed;
  openAt: Elapsed;
  /** By window start and segment. */
  readonly open: Map<string, ToldWindow>;
}

interface ToldWindow {
  /** When it was first looked at: a window that is over before a second has passed is not told of with its sketches. */
  readonly since: Elapsed;
  rows: number;
  hits: number;
  /** Rows of which sketches have been told. */
  sketched: number;
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

export interface TellerOptions {
  readonly idleAfterMs: number;
  /** Records of a partition that are known to wait in its log; 0 where nothing is known. */
  readonly waiting?: ((partition: string) => number) | undefined;
}

export function createTeller({ idleAfterMs, waiting = () => 0 }: TellerOptions): Teller {
  /** Who has records that do not come through is not idle; but the others wait for nobody for ever. */
  const patienceMs = (partition: string): number =>
    waiting(partition) > 0 ? Math.max(idleAfterMs, stuckAfterMs) : idleAfterMs;
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
    const [profiles, counts]: [WindowProfile[], WindowProfile[]] = [[], []];
    for (const profile of live) {
      const window = getOrInsert(known.open, keyOf(profile), () => ({
        since: now,
        rows: 0,
        hits: 0,
        sketched: 0,
      }));
      const { rows } = profile;
      const old = now - window.since >= openEveryMs;
      const { minRows } = lane.view.window;
      const judgeable = window.sketched < minRows && rows >= minRows;
      const whole = due && old && rows > 0 && (judgeable || rows >= window.sketched * growth.sketches);
      if (!whole && !isNews(window, profile, due)) continue;
      (whole ? profiles : counts).push(profile);
      Object.assign(window, { rows, hits: countHardHits(profile), sketched: whole ? rows : window.sketched });
    }
    if (profiles.length + counts.length === 0) return [];
    known.openAt = now;
    const starts = new Set(live.map(({ window }) => window.start));
    for (const key of known.open.keys())
      if (!starts.has(Number(key.slice(0, key.indexOf("|"))))) known.open.delete(key);
    const { name, fingerprint } = lane.view;
    const told = { view: name, spec: fingerprint, partition: lane.key, asOf: lastEvent, profiles, counts };
    return [outcome({ kind: "open", ...told })];
  };

  return {
    begin: (lane) => void told.delete(lane),
    tell: (cell, lane, now) => [...progress(lane, lane.ended, now), ...open(cell, lane, now)],
    tick: (cell, lane, now, lastActive) => [
      ...progress(lane, lane.ended || now - lastActive >= patienceMs(lane.key), now),
      ...open(cell, lane, now),
    ],
  };
}

function isNews(before: ToldWindow, profile: WindowProfile, due: boolean): boolean {
  const firstHit = profile.segment === null && before.hits === 0 && countHardHits(profile) > 0;
  return firstHit || (due && profile.rows > before.rows * growth.counts);
}

function outcome(signal: Exclude<Signal, { kind: "closed" }>): Outcome {
  return { kind: "signal", signal };
}

function keyOf({ window, segment }: WindowProfile): string {
  return `${window.start}|${segmentKey(segment)}`;
}
