import {
  type AlertBook,
  activeAlerts,
  decodeAlertBook,
  encodeAlertBook,
  foldAlerts,
  newAlertBook,
} from "../judge/alerts.ts";
import type { Baseline } from "../judge/baseline.ts";
import { decodeBreakers, encodeBreakers, foldBreaker, newBreaker } from "../judge/breaker.ts";
import { createJudge } from "../judge/judge.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime, Window } from "../model/time.ts";
import type { Alert, Breaker, BreakerTransition, JudgedWindow } from "../model/verdict.ts";
import { segmentKey } from "../model/verdict.ts";
import { decodeProfile, encodeProfile } from "../profile/codec.ts";
import { mergeCounts, mergeProfiles } from "../profile/merge.ts";
import type { FieldProfile, RuleName, WindowProfile } from "../profile/profile.ts";
import type { Outcome } from "./ports.ts";

/** Final judgements of the whole view that are kept for the dashboard and the API: a day of one-minute windows. */
const recentMax = 1_440;

/** An open window's counts are judged again when it has grown by this share, its sketches by that: bounds the work and the looks. */
const growth = { counts: 1.01, sketches: 1.5 };

/** Rules whose first hit is judged at once, whatever the clock of the data says. */
const immediateRules: readonly RuleName[] = ["missing", "type", "nonfinite", "limit", "max"];

/** Closed profiles of one window that wait for the other partitions: by segment, then by partition. */
type Pending = Map<EventTime, Map<string, Map<string, WindowProfile>>>;

/**
 * The right half of the flow for one feature view: merges the partitions' profiles, judges them, folds verdicts into
 * breakers and alerts. Pure: what happened comes back as outcomes.
 */
export interface Judging {
  readonly view: FeatureView;
  /** Takes a closed window of one partition. The same key again replaces it; a window that was judged before is refused: false. */
  add(partition: string, profile: WindowProfile): boolean;
  /** Judges, in order of time, every pending window that ends at or before `watermark`. */
  close(watermark: EventTime): readonly Outcome[];
  /** Judges open windows (whole view first) as far as they have grown since they were last judged. */
  early(open: readonly OpenWindow[], asOf: EventTime): readonly Outcome[];
  /** Whether `early` would judge any of these now for a hard rule alone. */
  hasNewHardHits(open: readonly WindowProfile[]): boolean;
  readonly breaker: Breaker;
  readonly segments: ReadonlyMap<string, Breaker>;
  readonly latest: JudgedWindow | undefined;
  readonly recent: readonly JudgedWindow[];
  readonly fields: ReadonlyMap<string, FieldProfile>;
  active(): readonly Alert[];
  encode(): JudgingState;
  restore(state: JudgingState): void;
}

/** What survives a restart. `profiles` are encoded pending windows with the partition that each came from. */
export interface JudgingState {
  readonly judgedThrough: EventTime | null;
  readonly breakers: string;
  readonly alerts: string;
  readonly profiles: readonly { readonly partition: string; readonly bytes: Uint8Array }[];
}

/** One window and segment that is still open, by partition; never empty. */
export type OpenWindow = readonly WindowProfile[];

export function createJudging(
  view: FeatureView,
  baseline: Baseline | undefined,
  options: { readonly sigma?: number } = {},
): Judging {
  const judge = createJudge(view, baseline, options);
  const pending: Pending = new Map();
  const breakers = new Map<string, Breaker>();
  const judgedRows = new Map<string, { readonly counts: number; readonly sketches: number }>();
  const hardHits = new Map<EventTime, number>();
  const recent: JudgedWindow[] = [];
  let judgedThrough = Number.NEGATIVE_INFINITY;
  let alerts: AlertBook = newAlertBook();
  let latest: JudgedWindow | undefined;
  let fields: ReadonlyMap<string, FieldProfile> = new Map();

  /** Folds judgements of one window (whole view first) and says what changed. */
  const fold = (judgements: readonly { judged: JudgedWindow; profile: WindowProfile }[]): Outcome[] => {
    const transitions: { breaker: Breaker; transition: BreakerTransition }[] = [];
    for (const { judged } of judgements) {
      const key = segmentKey(judged.segment);
      const before = breakers.get(key) ?? newBreaker(view.name, judged.segment, judged.window.start);
      const { breaker, transition } = foldBreaker(before, judged, view.breaker);
      breakers.set(key, breaker);
      if (transition !== null) transitions.push({ breaker, transition });
    }
    const folded = foldAlerts(
      alerts,
      judgements.map(({ judged }) => judged),
      transitions,
      view,
    );
    alerts = folded.book;
    const outcomes: Outcome[] = [];
    const moved = transitions.length > 0 || folded.changed.length > 0;
    for (const { judged, profile } of judgements) {
      if (judged.final || moved) outcomes.push({ kind: "judged", judged, profile });
    }
    for (const { breaker, transition } of transitions)
      outcomes.push({ kind: "breaker", breaker, transition });
    for (const alert of folded.changed) outcomes.push({ kind: "alert", alert });
    return outcomes;
  };

  const closeWindow = (segments: ReadonlyMap<string, ReadonlyMap<string, WindowProfile>>, window: Window) => {
    const judgements = [...segments.keys()].sort().map((key) => {
      const profile = mergeInOrder(segments.get(key) ?? new Map());
      const judged = judge.judge(profile, { final: true, asOf: window.end });
      if (key === "") {
        latest = judged;
        fields = profile.fields;
        recent.push(judged);
        if (recent.length > recentMax) recent.shift();
      }
      judgedRows.delete(`${window.start}|${key}`);
      return { judged, profile };
    });
    hardHits.delete(window.start);
    return fold(judgements);
  };

  return {
    view,
    add(partition, profile) {
      if (profile.window.end <= judgedThrough) return false;
      const segments = getOrInsert(pending, profile.window.start, () => new Map());
      const partitions = getOrInsert(segments, segmentKey(profile.segment), () => new Map());
      partitions.set(partition, profile);
      return true;
    },
    close(watermark) {
      const due = [...pending.keys()]
        .filter((start) => start + view.window.sizeMs <= watermark)
        .sort((a, b) => a - b);
      const outcomes: Outcome[] = [];
      for (const start of due) {
        const window = { start, end: start + view.window.sizeMs };
        outcomes.push(...closeWindow(pending.get(start) ?? new Map(), window));
        pending.delete(start);
        judgedThrough = Math.max(judgedThrough, window.end);
      }
      return outcomes;
    },
    early(open, asOf) {
      const byWindow = new Map<EventTime, { judged: JudgedWindow; profile: WindowProfile }[]>();
      for (const partitions of open) {
        const counts = mergeCounts(partitions);
        const { window, segment, rows } = counts;
        const key = `${window.start}|${segmentKey(segment)}`;
        const seen = judgedRows.get(key) ?? { counts: 0, sketches: 0 };
        const newHits = segment === null && countHardHits(counts) > (hardHits.get(window.start) ?? 0);
        if (rows < seen.counts * growth.counts && !newHits) continue;
        if (newHits) hardHits.set(window.start, countHardHits(counts));
        const whole = rows >= view.window.minRows && rows >= seen.sketches * growth.sketches;
        judgedRows.set(key, { counts: rows, sketches: whole ? rows : seen.sketches });
        const profile = whole ? mergeAll(partitions) : counts;
        const judged = judge.judge(profile, { final: false, asOf, ...(whole ? {} : { only: "counts" }) });
        if (whole && segment === null && window.start >= (latest?.window.start ?? window.start))
          latest = judged;
        getOrInsert(byWindow, window.start, () => []).push({ judged, profile });
      }
      return [...byWindow.keys()].sort((a, b) => a - b).flatMap((start) => fold(byWindow.get(start) ?? []));
    },
    hasNewHardHits(open) {
      return open.some(
        (profile) =>
          profile.segment === null && countHardHits(profile) > (hardHits.get(profile.window.start) ?? 0),
      );
    },
    get breaker() {
      return breakers.get("") ?? newBreaker(view.name, null, 0);
    },
    get segments() {
      return new Map([...breakers].filter(([key]) => key !== ""));
    },
    get latest() {
      return latest;
    },
    recent,
    get fields() {
      return fields;
    },
    active: () => activeAlerts(alerts),
    encode: () => ({
      judgedThrough: Number.isFinite(judgedThrough) ? judgedThrough : null,
      breakers: encodeBreakers([...breakers.values()]),
      alerts: encodeAlertBook(alerts),
      profiles: [...pending.values()].flatMap((segments) =>
        [...segments.values()].flatMap((partitions) =>
          [...partitions].map(([partition, profile]) => ({ partition, bytes: encodeProfile(profile) })),
        ),
      ),
    }),
    restore(state) {
      judgedThrough = state.judgedThrough ?? Number.NEGATIVE_INFINITY;
      for (const breaker of decodeBreakers(state.breakers))
        breakers.set(segmentKey(breaker.segment), breaker);
      alerts = decodeAlertBook(state.alerts);
      for (const { partition, bytes } of state.profiles) this.add(partition, decodeProfile(bytes));
    },
  };
}

/** Partitions in the order of their names, so that sums of floats come out the same every time. */
function mergeInOrder(partitions: ReadonlyMap<string, WindowProfile>): WindowProfile {
  return mergeAll([...partitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, profile]) => profile));
}

function mergeAll([first, ...rest]: readonly WindowProfile[]): WindowProfile {
  if (first === undefined) throw new TypeError("a window without a profile");
  return rest.reduce(mergeProfiles, first);
}

function countHardHits(profile: WindowProfile): number {
  let hits = 0;
  for (const field of profile.fields.values()) {
    if (field.rules.size === 0) continue;
    for (const rule of immediateRules) hits += field.rules.get(rule)?.count ?? 0;
  }
  return hits;
}
