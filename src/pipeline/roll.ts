import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime, WallTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { OpenWindow } from "./judged-windows.ts";
import type { Signal } from "./signal.ts";

/** A partition of no topic (the HTTP gate of a process) is gone when the log says nothing of it for so long. */
const goneAfterMs = 30_000;

/**
 * An owner says every 15 s that its partition is still idle. From three missed words on nobody may be there to see what comes, and
 * the others wait for the next owner; but not for one that never comes.
 */
const [idleHoldsMs, ownerComesWithinMs] = [45_000, 165_000];

/** Where one partition stands, as it has told. */
interface Entry {
  watermark: EventTime;
  idle: boolean;
  /** Timestamp of the newest record about it. */
  heardAt: WallTime;
  /** Timestamp of the newest record that told of rows. */
  activeAt: WallTime;
  /** By window start and segment. */
  readonly open: Map<
    string,
    { readonly counts: WindowProfile; readonly sketches: WindowProfile | undefined }
  >;
}

export interface RollState {
  readonly count: number;
  readonly entries: readonly (readonly [
    partition: string,
    watermark: number | null,
    idle: boolean,
    heardAt: number,
    activeAt?: number,
  ])[];
}

/**
 * The roll of one view's partitions: who there is, how far each has come, what each has open. A function of the signals alone;
 * time is the log's own.
 */
export interface Roll {
  take(signal: Exclude<Signal, { kind: "closed" | "order" | "told" }>, at: WallTime): void;
  /** A closed window is no longer open. */
  close(partition: string, profile: WindowProfile, at: WallTime): void;
  /** The time that every partition which still counts has passed: −Infinity while one of them has not said anything yet. */
  low(at: WallTime): EventTime;
  /** The furthest that any partition has come. */
  high(): EventTime;
  /** For how long all partitions have been idle; 0 as long as one of them is not. */
  silentMs(at: WallTime): number;
  /** Of windows that end after `judgedThrough`: each with every partition's newest part of it. */
  open(judgedThrough: EventTime): readonly OpenWindow[];
  /** Everything that is open, as it was told. */
  opened(): readonly OpenPart[];
  encode(): RollState;
  restore(state: RollState, open: readonly OpenPart[]): void;
}

/** What one partition has open, as it has told. */
export interface OpenPart {
  readonly partition: string;
  /** Whether the profile has sketches, or is newer than those and has counts alone. */
  readonly sketched: boolean;
  readonly profile: WindowProfile;
}

export function createRoll(view: FeatureView): Roll {
  const entries = new Map<string, Entry>();
  let count = 0;
  const entryOf = (partition: string, at: WallTime): Entry => {
    const entry = getOrInsert(entries, partition, () => ({
      watermark: Number.NEGATIVE_INFINITY,
      idle: false,
      heardAt: at,
      activeAt: at,
      open: new Map(),
    }));
    entry.heardAt = Math.max(entry.heardAt, at);
    return entry;
  };
  const ofTopic = `${view.source.topic ?? ""}-`;
  /** Number of a partition of the view's topic; undefined for any other. */
  const numberOf = (partition: string): number | undefined => {
    const number = partition.startsWith(ofTopic) ? partition.slice(ofTopic.length) : "";
    return /^\d+$/.test(number) ? Number(number) : undefined;
  };
  const keyOf = ({ window, segment }: WindowProfile): string => `${window.start}|${segmentKey(segment)}`;

  const tell = ({ open }: Entry, counts: WindowProfile, sketched: boolean): void => {
    const key = keyOf(counts);
    open.set(key, { counts, sketches: sketched ? counts : open.get(key)?.sketches });
  };

  return {
    take(signal, at) {
      switch (signal.kind) {
        case "partitions":
          count = signal.count;
          return;
        case "progress": {
          const entry = entryOf(signal.partition, at);
          // whoever falls silent behind what has been told is an owner of before: it does not know that another goes on
          if (signal.idle && signal.watermark < entry.watermark) return;
          // an owner that came back at an old checkpoint tells again what it has told
          entry.watermark = Math.max(entry.watermark, signal.watermark);
          entry.idle = signal.idle;
          if (!signal.idle) entry.activeAt = at;
          return;
        }
        case "open": {
          const entry = entryOf(signal.partition, at);
          entry.activeAt = at;
          for (const profile of signal.profiles) tell(entry, profile, true);
          for (const profile of signal.counts) tell(entry, profile, false);
          return;
        }
      }
    },
    close(partition, profile, at) {
      entryOf(partition, at).open.delete(keyOf(profile));
    },
    low(at) {
      let low = Number.POSITIVE_INFINITY;
      for (let partition = 0; partition < count; partition++) {
        if (!entries.has(`${ofTopic}${partition}`)) return Number.NEGATIVE_INFINITY;
      }
      for (const [partition, { watermark, idle, heardAt }] of entries) {
        const number = numberOf(partition);
        const counts = number === undefined ? at - heardAt < goneAfterMs : number < count;
        const unheardMs = at - heardAt;
        const isIdle = idle && (unheardMs < idleHoldsMs || unheardMs > ownerComesWithinMs);
        if (counts && !isIdle) low = Math.min(low, watermark);
      }
      return low;
    },
    high: () =>
      [...entries.values()].reduce(
        (high, { watermark }) => Math.max(high, watermark),
        Number.NEGATIVE_INFINITY,
      ),
    silentMs(at) {
      const all = [...entries.values()];
      if (all.length === 0 || all.some(({ idle }) => !idle)) return 0;
      return at - all.reduce((latest, { activeAt }) => Math.max(latest, activeAt), 0);
    },
    open(judgedThrough) {
      const windows = new Map<string, { counts: WindowProfile[]; sketches: WindowProfile[] }>();
      for (const { open } of entries.values()) {
        for (const [key, { counts, sketches }] of open) {
          if (counts.window.end <= judgedThrough) open.delete(key);
          else {
            const window = getOrInsert(windows, key, () => ({ counts: [], sketches: [] }));
            window.counts.push(counts);
            if (sketches !== undefined) window.sketches.push(sketches);
          }
        }
      }
      const merged = [...windows.values()];
      const rank = ({ counts: [first] }: OpenWindow): number => (first?.segment === null ? 0 : 1);
      return merged.sort(
        (a, b) => rank(a) - rank(b) || (a.counts[0]?.window.start ?? 0) - (b.counts[0]?.window.start ?? 0),
      );
    },
    opened: () =>
      [...entries].flatMap(([partition, { open }]) =>
        [...open.values()].flatMap(({ counts, sketches }) => [
          ...(sketches === undefined ? [] : [{ partition, sketched: true, profile: sketches }]),
          ...(sketches === counts ? [] : [{ partition, sketched: false, profile: counts }]),
        ]),
      ),
    encode: () => ({
      count,
      entries: [...entries].map(([partition, { watermark, idle, heardAt, activeAt }]) => [
        partition,
        Number.isFinite(watermark) ? watermark : null,
        idle,
        heardAt,
        activeAt,
      ]),
    }),
    restore(state, open) {
      count = state.count;
      for (const [partition, watermark, idle, heardAt, activeAt = heardAt] of state.entries) {
        const entry = entryOf(partition, heardAt);
        entry.watermark = watermark ?? Number.NEGATIVE_INFINITY;
        entry.idle = idle;
        entry.activeAt = activeAt;
      }
      for (const { partition, sketched, profile } of open) tell(entryOf(partition, 0), profile, sketched);
    },
  };
}
