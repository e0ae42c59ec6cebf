import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { linkFields } from "../model/link-fields.ts";
import { addCounts, type Counts, emptyCounts } from "../model/record.ts";
import { type EventTime, isoTime } from "../model/time.ts";
import { type Example, type Segment, segmentKey } from "../model/verdict.ts";
import type { Frame } from "../sketch/histogram.ts";
import { shrinkCategories } from "../sketch/shrink.ts";
import { createFieldFolder } from "./field-folder.ts";
import { createPairFolder } from "./fold-pairs.ts";
import { groupOf, otherSegment, sortRows, splitBySegment } from "./grouping.ts";
import { closeUpTo, copyIn, type KeptWindow } from "./kept-windows.ts";
import { emptyProfile, makeRoomLike } from "./merge.ts";
import { holdsInstants, loadNumbers } from "./numbers.ts";
import type { PairName, WindowProfile } from "./profile.ts";
import { decodeSaved, encodeSaved } from "./saved-state.ts";
import { exampleAt, type Group, presence, type Tile, tileRows } from "./tile.ts";
import {
  futureToleranceMs,
  isClosed,
  isRevisable,
  type Placement,
  placeRow,
  startOf,
  type Tide,
  type WindowPolicy,
  watermarkOf,
} from "./window.ts";

/** Where a batch was read: the record's own timestamp and its place, for example `features.reco_user-3@1204`. */
export interface Origin {
  readonly timestamp: EventTime | undefined;
  readonly position: string;
}

/** What one partition of one view has seen and not yet closed. Changed by `fold` and `flush` only. */
export interface PartitionState {
  /** Largest event time seen minus the lateness; −Infinity before the first. Windows that end at or before it are closed. */
  readonly watermark: EventTime;
  readonly lastEvent: EventTime | undefined;
  readonly counts: Readonly<Counts>;
}

export interface Folded {
  /** In order of time; of one window the whole view first, then its segments. */
  readonly closed: readonly WindowProfile[];
  /** What this batch added; nothing is ever dead-lettered here. */
  readonly counts: Counts;
  /** The first row of this batch that was rejected, and why. */
  readonly rejectedExample?: Example;
}

export interface Profiler {
  start(): PartitionState;
  /**
   * Folds a batch in. Event times come from `source.eventTime`; without one in the spec or in the batch, the record's own
   * timestamp stands for every row. A late row is counted on the whole-view profile of the newest open window (or the next to
   * open, should none be). A row that would open more than `limits.openWindows` windows is rejected.
   */
  fold(state: PartitionState, batch: Batch, origin: Origin): Folded;
  /** The live open windows: of the whole view in order of time, then of segments. Not copies. */
  open(state: PartitionState): readonly WindowProfile[];
  /** Closes every window. */
  flush(state: PartitionState): readonly WindowProfile[];
  /**
   * Lets go of details of what is open: of values outside the mapping only the 16 most frequent are kept. No count, rate or
   * statistic changes by it; a summary may name fewer of them.
   */
  shed(state: PartitionState): void;
  encodeState(state: PartitionState): Uint8Array;
  /** @throws Fault `sketch.corrupt`, `store.version` for a newer one */
  decodeState(bytes: Uint8Array): PartitionState;
}

export interface ProfilerOptions {
  readonly view: FeatureView;
  readonly frames: ReadonlyMap<string, Frame>;
  /** Pairs of numeric fields whose correlation is watched. */
  readonly pairs?: readonly PairName[];
  readonly limits: Limits;
  /** For so long after it has closed, late rows are taken into a window, which is told again; 0: never. */
  readonly reviseMs?: number;
}

class State implements PartitionState {
  readonly tide: Tide = { lastEvent: Number.NEGATIVE_INFINITY };
  readonly windows = new Map<EventTime, KeptWindow>();
  readonly counts = emptyCounts();
  /** Late rows that came while no window was open; the next one carries them. */
  late = 0;
  readonly #policy: WindowPolicy;

  constructor(policy: WindowPolicy) {
    this.#policy = policy;
  }

  get watermark(): EventTime {
    return watermarkOf(this.tide, this.#policy);
  }

  get lastEvent(): EventTime | undefined {
    return this.tide.lastEvent === Number.NEGATIVE_INFINITY ? undefined : this.tide.lastEvent;
  }
}

const times = new Float64Array(tileRows);
const slots = new Int32Array(tileRows);

export function createProfiler(options: ProfilerOptions): Profiler {
  const { view, frames, pairs = [], limits, reviseMs = 0 } = options;
  const { sizeMs, latenessMs } = view.window;
  const policy: WindowPolicy = { sizeMs, latenessMs, reviseMs, openMax: limits.openWindows };
  const folders = view.fields.map(createFieldFolder);
  const foldPairs = createPairFolder(view, frames, pairs);
  const links = linkFields(view).map(({ field }) => ({ name: field.name, fold: createFieldFolder(field) }));
  const internal = (state: PartitionState): State => {
    if (!(state instanceof State)) throw new TypeError("a partition state of another profiler");
    return state;
  };

  const profileOf = (state: State, window: KeptWindow, segment: Segment | null): WindowProfile => {
    const key = segmentKey(segment);
    const known = window.profiles.get(key);
    if (known !== undefined) return window.told?.delete(key) === true ? copyIn(window, key, known) : known;
    if (segment !== null && segment.value !== otherSegment) {
      const values = window.values.get(segment.field) ?? 0;
      if (values >= limits.segments)
        return profileOf(state, window, { field: segment.field, value: otherSegment });
      window.values.set(segment.field, values + 1);
    }
    const span = { start: window.start, end: window.start + sizeMs };
    const profile = emptyProfile(view, frames, segment, span, limits.categories, pairs);
    const last = state.windows.get(window.start - sizeMs)?.profiles.get(key);
    if (last !== undefined) makeRoomLike(profile, last);
    window.profiles.set(key, profile);
    return profile;
  };

  /** What another spec or another window size made cannot be gone on with. */
  const isOurs = ({ featureView, spec, window: { start, end }, fields }: WindowProfile): boolean =>
    featureView === view.name &&
    spec === view.fingerprint &&
    start === startOf(start, sizeMs) &&
    end - start === sizeMs &&
    view.fields.every(({ name, type }) => fields.get(name)?.type === type);

  const windowAt = (state: State, start: EventTime): KeptWindow => {
    const known = state.windows.get(start);
    if (known !== undefined) return known;
    const window: KeptWindow = { start, profiles: new Map(), told: undefined, values: new Map() };
    state.windows.set(start, window);
    if (state.late > 0 && !isClosed(start, state.watermark, policy)) {
      profileOf(state, window, null).late += state.late;
      state.late = 0;
    }
    return window;
  };

  /** On which window, is decided when the row comes: where rows are cut into batches must make no difference. */
  const countLate = (state: State): void => {
    const { windows, watermark, tide } = state;
    let newest = windows.get(startOf(tide.lastEvent, sizeMs));
    if (newest === undefined) {
      const open = [...windows.values()].filter(({ start }) => !isClosed(start, watermark, policy));
      newest = open.sort((a, b) => b.start - a.start)[0];
    }
    if (newest === undefined) state.late += 1;
    else profileOf(state, newest, null).late += 1;
  };

  /** Splits a tile's placed rows into groups: each window's whole view, then its segments. */
  const groupsOf = (
    state: State,
    batch: Batch,
    from: number,
    size: number,
    windows: readonly KeptWindow[],
    all: boolean,
  ): Group[] => {
    const groups: Group[] = [];
    const addWindow = (
      window: KeptWindow,
      rows: Int32Array | undefined,
      start: number,
      end: number,
    ): void => {
      groups.push(groupOf(profileOf(state, window, null), rows, start, end, times));
      for (const field of view.segments) {
        const column = batch.columns.get(field);
        if (column === undefined) continue;
        const split = splitBySegment(column, from, rows, start, end);
        split.values.forEach((value, slot) => {
          const [first, last] = [split.starts[slot] as number, split.starts[slot + 1] as number];
          if (last === first) return;
          groups.push(groupOf(profileOf(state, window, { field, value }), split.rows, first, last, times));
        });
      }
    };
    const [only, other] = windows;
    if (only !== undefined && other === undefined && all) addWindow(only, undefined, 0, size);
    else {
      const { rows, starts } = sortRows(slots, size, windows.length);
      windows.forEach((window, slot) => {
        const [start, end] = [starts[slot] as number, starts[slot + 1] as number];
        if (end > start) addWindow(window, rows, start, end);
      });
    }
    return groups;
  };

  return {
    start: () => new State(policy),
    fold(given, batch, origin) {
      const state = internal(given);
      const counts = emptyCounts();
      const closed: WindowProfile[] = [];
      let rejectedExample: Example | undefined;
      const latest =
        origin.timestamp === undefined ? Number.POSITIVE_INFINITY : origin.timestamp + futureToleranceMs;
      const requestIds =
        view.source.requestId === undefined ? undefined : batch.columns.get(view.source.requestId);
      for (let from = 0; from < batch.rows; from += tileRows) {
        const size = Math.min(tileRows, batch.rows - from);
        loadTimes(batch, view.source.eventTime, from, size, origin);
        const windows: KeptWindow[] = [];
        const slotOf = new Map<EventTime, number>();
        const tally: Record<Placement, number> = { profiled: 0, late: 0, unusable: 0, future: 0, crowded: 0 };
        for (let row = 0; row < size; row++) {
          const time = times[row] as number;
          const placement = placeRow(state.tide, time, latest, state.windows, policy);
          tally[placement] += 1;
          const start = startOf(time, sizeMs);
          if (placement === "late") countLate(state);
          const isTaken =
            placement === "profiled" || (placement === "late" && isRevisable(start, state.watermark, policy));
          if (!isTaken) {
            slots[row] = -1;
            if (placement !== "late") {
              rejectedExample ??= exampleAt(
                { batch, from, size, times, position: origin.position, requestIds },
                row,
                reasonOf(placement, time),
              );
            }
            continue;
          }
          const slot = slotOf.get(start) ?? windows.length;
          if (slot === windows.length) {
            windows.push(windowAt(state, start));
            slotOf.set(start, slot);
          }
          slots[row] = slot;
          if (placement === "late") continue;
          const end = endOfRun(state.tide, row + 1, size, start, start + sizeMs, latest);
          slots.fill(slot, row, end);
          tally.profiled += end - row - 1;
          row = end - 1;
        }
        const groups = groupsOf(state, batch, from, size, windows, tally.profiled === size);
        const tile: Tile = { batch, from, size, times, position: origin.position, requestIds, groups };
        if (groups.length > 0) {
          for (const fold of folders) fold(tile);
          foldPairs?.(tile);
          for (const link of links) if (batch.columns.has(link.name)) link.fold(tile);
        }
        counts.read += size;
        counts.profiled += tally.profiled;
        counts.late += tally.late;
        counts.rejected += tally.unusable + tally.future + tally.crowded;
        closed.push(...closeUpTo(state.windows, state.watermark, policy));
      }
      addCounts(state.counts, counts);
      return rejectedExample === undefined ? { closed, counts } : { closed, counts, rejectedExample };
    },
    open(state) {
      const windows = [...internal(state).windows.values()].sort((a, b) => a.start - b.start);
      const profiles = windows
        .filter(({ told }) => told === undefined)
        .flatMap((window) => [...window.profiles.values()]);
      return [
        ...profiles.filter(({ segment }) => segment === null),
        ...profiles.filter(({ segment }) => segment !== null),
      ];
    },
    shed(state) {
      for (const { profiles, told } of internal(state).windows.values())
        for (const { fields } of told === undefined ? profiles.values() : [])
          for (const { body } of fields.values())
            if (body.kind === "string" && body.unknowns.size > unknownsShed)
              body.unknowns = shrinkCategories(body.unknowns, unknownsShed);
    },
    flush: (state) => closeUpTo(internal(state).windows, Number.POSITIVE_INFINITY, policy),
    encodeState(given) {
      const { tide, late, counts, windows } = internal(given);
      const inOrder = [...windows.values()].sort((a, b) => a.start - b.start);
      const profiles = inOrder.flatMap((window) =>
        [...window.profiles].map(([key, profile]) => ({ profile, told: window.told?.has(key) === true })),
      );
      return encodeSaved({ lastEvent: tide.lastEvent, late, counts, profiles });
    },
    decodeState(bytes) {
      const saved = decodeSaved(bytes);
      const state = new State(policy);
      state.tide.lastEvent = saved.lastEvent;
      state.late = saved.late;
      Object.assign(state.counts, saved.counts);
      for (const { profile, told } of saved.profiles) {
        const { segment, window: span } = profile;
        if (!isOurs(profile)) {
          const whose = `${profile.featureView}, ${profile.spec}`;
          throw new Fault("sketch.corrupt", `partition state: a profile of ${whose}`);
        }
        const window = windowAt(state, span.start);
        if (isClosed(span.start, state.watermark, policy)) window.told ??= new Set();
        window.profiles.set(segmentKey(segment), profile);
        if (told) window.told?.add(segmentKey(segment));
        if (segment !== null && segment.value !== otherSegment)
          window.values.set(segment.field, (window.values.get(segment.field) ?? 0) + 1);
      }
      return state;
    },
  };
}

/** Values outside the mapping that are kept when memory is short. */
const unknownsShed = 16;

/**
 * The rows after one that was profiled go into the same window as long as they lie in it and not in the future: what `placeRow`
 * would say of each, without asking. Moves the clock.
 * @returns the first row from `row` on that does not, `size` when all do
 */
function endOfRun(
  tide: Tide,
  row: number,
  size: number,
  start: EventTime,
  end: EventTime,
  latest: EventTime,
): number {
  let newest = tide.lastEvent;
  let at = row;
  for (; at < size; at++) {
    const time = times[at] as number;
    if (!(time >= start && time < end && time <= latest)) break;
    if (time > newest) newest = time;
  }
  tide.lastEvent = newest;
  return at;
}

/** Event time of each row of a tile into `times`: NaN where there is none. */
function loadTimes(batch: Batch, name: string | undefined, from: number, size: number, origin: Origin): void {
  const column = name === undefined ? undefined : batch.columns.get(name);
  if (column === undefined) {
    times.fill(origin.timestamp ?? Number.NaN, 0, size);
    return;
  }
  if (!holdsInstants(column)) {
    times.fill(Number.NaN, 0, size);
    return;
  }
  loadNumbers(column, from, size, times);
  const mask = presence(column, from, size);
  if (mask === undefined) return;
  for (let row = 0; row < size; row++) if (mask[row] === 0) times[row] = Number.NaN;
}

function reasonOf(placement: Exclude<Placement, "profiled" | "late">, time: EventTime): string {
  switch (placement) {
    case "unusable":
      return "no event time";
    case "future":
      return `${isoTime(time)} is more than 5 minutes after its record`;
    case "crowded":
      return `${isoTime(time)} would open one window too many`;
  }
}
