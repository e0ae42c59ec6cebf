import type { Decoder } from "../decode/decode.ts";
import type { Baseline } from "../judge/baseline.ts";
import { framesOf } from "../judge/baseline-file.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import type { Partition } from "../model/record.ts";
import type { Elapsed, EventTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { createProfiler, type Profiler } from "../profile/profiler.ts";
import { decodeSaved } from "../profile/saved-state.ts";
import { decodeJudging, decodeLane, encodeLane } from "./checkpoint.ts";
import { findFormer } from "./former.ts";
import type { OpenWindow } from "./judged-windows.ts";
import { createJudging, type Judging } from "./judging.ts";
import { type ClosedWindow, decoderFor, type Lane } from "./lane.ts";
import type { Outcome, Store } from "./ports.ts";

export interface MonitoredView {
  readonly view: FeatureView;
  readonly baseline: Baseline | undefined;
}

/** One view with everything that is compiled for it once. */
export interface Cell {
  readonly view: FeatureView;
  readonly baseline: Baseline | undefined;
  readonly profiler: Profiler;
  readonly decoder: Decoder;
  readonly judging: Judging;
  /** Digest of the sketches' frames: windows of other frames cannot be merged with ours. */
  readonly frames: string;
  readonly lanes: Map<string, Lane>;
  /** When a lane last had records, on the clock that only goes forward; −Infinity when nobody need wait for it. */
  readonly lastActive: Map<string, Elapsed>;
}

/** Reports what is wrong by a stable word; `undefined` when it is over. */
export type Trouble = (name: string, text: string | undefined) => void;

export function createCell(
  { view, baseline }: MonitoredView,
  { limits, sigma }: { readonly limits: Limits; readonly sigma?: number },
): Cell {
  const frames = framesOf(baseline);
  return {
    view,
    baseline,
    profiler: createProfiler({
      ...{ view, frames, limits },
      pairs: baseline?.pairs ?? [],
      reviseMs: view.window.reviseMs ?? 0,
    }),
    decoder: decoderFor(view, limits),
    judging: createJudging(view, baseline, sigma === undefined ? {} : { sigma }),
    frames: framesDigest(baseline),
    lanes: new Map(),
    lastActive: new Map(),
  };
}

/** Names the frames of a baseline: sketches of other frames cannot be merged. */
export function framesDigest(baseline: Baseline | undefined): string {
  const frames = [...framesOf(baseline)].map(([name, { centre, scale }]) => [name, centre, scale]);
  const pairs = (baseline?.pairs ?? []).map(({ a, b }) => [a, b]);
  return JSON.stringify([...frames, ...pairs]);
}

/** Closed windows as outcomes; where this process judges, they go to the judge as well. */
export function takeClosed(
  cell: Cell,
  lane: Lane,
  closed: readonly ClosedWindow[],
  judges: boolean,
): Outcome[] {
  return closed.map(({ profile, partial }) => {
    if (judges) cell.judging.add(lane.key, profile, partial);
    return { kind: "profile", partition: lane.partition, profile, ...(partial ? { partial } : {}) };
  });
}

/** Critical rules on open windows: when the data's clock has moved on by a second, or a hard rule broke for the first time. */
export function judgeEarly(cell: Cell, lane: Lane): readonly Outcome[] {
  const { lastEvent } = lane.state;
  if (lastEvent === undefined) return [];
  const own = cell.profiler.open(lane.state);
  if (!cell.judging.earlyDue(own, lastEvent)) return [];
  return cell.judging.early(openWindows(cell, own), lastEvent);
}

/** The windows that a lane has open, each with the other lanes' parts of it. */
function openWindows(cell: Cell, own: readonly WindowProfile[]): readonly OpenWindow[] {
  const keyOf = (profile: WindowProfile): string => `${profile.window.start}|${segmentKey(profile.segment)}`;
  const parts = new Map<string, WindowProfile[]>(own.map((profile) => [keyOf(profile), []]));
  for (const lane of cell.lanes.values()) {
    for (const profile of cell.profiler.open(lane.state)) parts.get(keyOf(profile))?.push(profile);
  }
  return [...parts.values()].map((profiles) => ({ counts: profiles, sketches: profiles }));
}

/** Event time up to which any partition has shown rows. */
export function seenThrough(cell: Cell): EventTime {
  let latest = Number.NEGATIVE_INFINITY;
  for (const { state } of cell.lanes.values()) latest = Math.max(latest, state.lastEvent ?? latest);
  return latest;
}

/**
 * For how long nothing has come while something could: 0 once the partitions have ended, or before there are any. A group
 * member without partitions says nothing of the stream.
 */
export function silentForMs(cell: Cell, now: Elapsed): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (const lane of cell.lanes.values())
    if (!lane.ended) latest = Math.max(latest, cell.lastActive.get(lane.key) ?? now);
  return Number.isFinite(latest) ? now - latest : 0;
}

/** The time that every partition which still counts has passed: −Infinity while one of them has not said anything yet. */
export function lowWatermark(cell: Cell, now: Elapsed, idleAfterMs: number): number {
  let low = Number.POSITIVE_INFINITY;
  for (const lane of cell.lanes.values()) {
    if (lane.ended) continue;
    const silentMs = now - (cell.lastActive.get(lane.key) ?? now);
    if (silentMs >= idleAfterMs) continue;
    low = Math.min(low, lane.state.watermark);
  }
  return low;
}

export function laneKey(view: FeatureView, partition: string): string {
  return `lane/${view.name}/${partition}`;
}

/** A lane's checkpoint as bytes. */
export function saveLane({ view, frames, profiler }: Cell, lane: Lane): Uint8Array {
  const { nextOffset, counts, deadLetters, anchor, lost, resets, tombstones, partial, gap, state } = lane;
  return encodeLane({
    spec: view.fingerprint,
    frames,
    nextOffset,
    counts,
    deadLetters: Object.fromEntries(deadLetters),
    ...(anchor === undefined ? {} : { anchor }),
    lost,
    resets,
    tombstones,
    partial: [...partial],
    ...(gap ? { gap } : {}),
    state: profiler.encodeState(state),
  });
}

/** @returns what was open under a spec that has been replaced since: it is over, and partial */
export async function restoreLane(
  cell: Cell,
  lane: Lane,
  store: Store,
  trouble: Trouble,
): Promise<readonly ClosedWindow[]> {
  const bytes = await store.load(laneKey(cell.view, lane.key));
  if (bytes === undefined) return [];
  const saved = decodeLane(bytes);
  lane.nextOffset = saved.nextOffset;
  lane.anchor = saved.anchor;
  lane.lost = saved.lost ?? 0;
  lane.resets = saved.resets ?? 0;
  lane.tombstones = saved.tombstones ?? 0;
  lane.gap = saved.gap === true;
  Object.assign(lane.counts, saved.counts);
  for (const [reason, count] of Object.entries(saved.deadLetters)) lane.deadLetters.set(reason, count);
  const isReplaced = saved.spec !== cell.view.fingerprint;
  if (!isReplaced && saved.frames === cell.frames) {
    for (const start of saved.partial ?? []) lane.partial.add(start);
    lane.state = cell.profiler.decodeState(saved.state);
    return [];
  }
  const open = decodeSaved(saved.state).profiles.filter(({ told }) => !told);
  lane.gap ||= open.length > 0; // rows of what comes next went to them
  const fate = isReplaced ? "are judged by the spec of before" : "begin anew";
  trouble(
    "state",
    `${lane.key}: spec or baseline changed; windows that were open at offset ${saved.nextOffset} ${fate}`,
  );
  return isReplaced ? open.map(({ profile }) => ({ profile, partial: true })) : [];
}

/** What is to be saved with the next checkpoint. */
export async function restoreJudging(
  cell: Cell,
  store: Store,
  trouble: Trouble,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { former, entries } = await findFormer(cell, store);
  if (former !== undefined) cell.judging.succeed(former);
  const bytes = await store.load(`judge/${cell.view.name}`);
  if (bytes !== undefined) restoreInto(cell.judging, cell, decodeJudging(bytes), trouble);
  return entries;
}

/** Goes on where a judge of the same view has been; what waited to be judged by another spec is judged by that. */
export function restoreInto(
  judging: Judging,
  { view, frames }: Pick<Cell, "view" | "frames">,
  saved: Pick<ReturnType<typeof decodeJudging>, "state" | "spec" | "frames">,
  trouble: Trouble,
): void {
  const { state, spec } = saved;
  if (spec === view.fingerprint && saved.frames === frames) {
    judging.restore(state);
    return;
  }
  const isSame = spec === view.fingerprint;
  judging.restore({ ...state, drift: undefined, profiles: [], gathered: [], retired: [] });
  judging.inherit({
    windows: isSame ? (state.retired ?? []) : state.gathered,
    profiles: state.profiles,
  });
  trouble(
    "state",
    `${view.name}: ${isSame ? "baseline changed; pending windows begin anew" : "spec changed; pending windows are judged by the one of before"}`,
  );
}

/** Whether its rows were posted to the HTTP gate. */
export function isGate({ topic }: Partition): boolean {
  return topic.startsWith("gate:");
}

export function routeByTopic(views: readonly MonitoredView[]): (partition: Partition) => readonly string[] {
  const byTopic = Map.groupBy(views, ({ view }) => view.source.topic);
  return ({ topic }) => (byTopic.get(topic) ?? []).map(({ view }) => view.name);
}
