import type { FeatureView, WindowSpec } from "../model/feature-view.ts";
import { isLinkName } from "../model/link-fields.ts";
import type { EventTime, Window } from "../model/time.ts";
import type { JudgedWindow, Verdict } from "../model/verdict.ts";
import { encodeClosed } from "../profile/codec.ts";
import { mergeProfiles } from "../profile/merge.ts";
import type { RuleName, WindowProfile } from "../profile/profile.ts";

/** Final judgements of the whole view that are kept for the dashboard and the API: a day of one-minute windows. */
const recentMax = 1_440;

/** Rules whose first hit is judged at once, whatever the clock of the data says. */
const immediateRules: readonly RuleName[] = ["missing", "type", "nonfinite", "limit", "max"];

/** One window and segment that is still open, by partition. */
export interface OpenWindow {
  /** Never empty; where `sketches` has another profile, its sketches say nothing. */
  readonly counts: readonly WindowProfile[];
  /** Of the partitions that have told of theirs, as they were then: they may have seen fewer rows. */
  readonly sketches: readonly WindowProfile[];
}

/**
 * Judged windows whose parts are kept, so that what comes late revises the verdict: the newest three, what ended in the two minutes
 * before the newest, and what the spec says may be revised; at most 64.
 */
const revisable = { least: 3, withinMs: 120_000, most: 64 };

/** A window that has closed in some partition. */
export interface Gathered {
  /** Closed profiles, by segment, then by partition. */
  readonly parts: Map<string, Map<string, WindowProfile>>;
  /** Records of the window may be missing. */
  partial: boolean;
  /** How often it has been judged. */
  revision: number;
  /** A part has come since it was judged. */
  changed: boolean;
}

/** A gathered window without its parts, as a checkpoint holds it. */
export interface GatheredState extends Pick<Gathered, "partial" | "revision" | "changed"> {
  readonly start: EventTime;
}

/**
 * Lets go of judged windows but for the newest.
 * @param least  how many are kept, however old they are
 */
export function forgetOld(
  gathered: Map<EventTime, Gathered>,
  judgedThrough: EventTime,
  { sizeMs, reviseMs = 0 }: WindowSpec,
  least: number = revisable.least,
): void {
  const judged = [...gathered]
    .filter(([, { revision, changed }]) => revision > 0 && !changed)
    .map(([start]) => start);
  judged.sort((a, b) => b - a);
  const oldest = judgedThrough - sizeMs - Math.max(revisable.withinMs, reviseMs + 2 * sizeMs);
  judged.forEach((start, age) => {
    if (age >= revisable.most || (age >= least && start < oldest)) gathered.delete(start);
  });
}

export function statesOf(gathered: ReadonlyMap<EventTime, Gathered>): readonly GatheredState[] {
  return [...gathered].map(([start, { revision, partial, changed }]) => ({
    start,
    revision,
    partial,
    changed,
  }));
}

/** Every part of them for a checkpoint, with the partition that it is of. */
export function encodeParts(
  gathered: ReadonlyMap<EventTime, Gathered>,
): readonly { readonly partition: string; readonly bytes: Uint8Array }[] {
  return [...gathered.values()].flatMap(({ parts }) =>
    [...parts.values()].flatMap((partitions) =>
      [...partitions].map(([partition, profile]) => ({ partition, bytes: encodeClosed(profile) })),
    ),
  );
}

/** A window without a row, of which one thing is said. */
export function silentWindow(view: FeatureView, window: Window, verdict: Verdict): JudgedWindow {
  return {
    featureView: view.name,
    spec: view.fingerprint,
    segment: null,
    window,
    final: true,
    rows: 0,
    late: 0,
    asOf: window.end,
    verdicts: [verdict],
  };
}

/** Puts an item in its place by time, instead of the one that stands there; lets go of the oldest beyond the bound. */
export function insertByStart<T>(items: T[], item: T, startOf: (item: T) => EventTime): void {
  let at = items.length;
  while (at > 0 && startOf(items[at - 1] as T) >= startOf(item)) at -= 1;
  const again = at < items.length && startOf(items[at] as T) === startOf(item);
  items.splice(at, again ? 1 : 0, item);
  if (items.length > recentMax) items.shift();
}

/** Partitions in the order of their names, so that sums of floats come out the same every time. */
export function mergeInOrder(partitions: ReadonlyMap<string, WindowProfile>): WindowProfile {
  return mergeAll([...partitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, profile]) => profile));
}

export function mergeAll([first, ...rest]: readonly WindowProfile[]): WindowProfile {
  if (first === undefined) throw new TypeError("a window without a profile");
  return rest.reduce(mergeProfiles, first);
}

export function countHardHits(profile: WindowProfile): number {
  let hits = 0;
  for (const [name, field] of profile.fields) {
    if (field.rules.size === 0) continue;
    if (isLinkName(name)) hits += field.rules.get("default")?.count ?? 0;
    for (const rule of immediateRules) hits += field.rules.get(rule)?.count ?? 0;
  }
  return hits;
}
