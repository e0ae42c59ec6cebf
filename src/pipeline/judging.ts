import {
  type AlertBook,
  activeAlerts,
  decodeAlertBook,
  encodeAlertBook,
  foldAlerts,
  newAlertBook,
} from "../judge/alerts.ts";
import type { Baseline } from "../judge/baseline.ts";
import {
  decodeBreakers,
  encodeBreakers,
  foldBreaker,
  freeBreaker,
  newBreaker,
  obeyOrder,
} from "../judge/breaker.ts";
import { createDriftDetector } from "../judge/drift.ts";
import { createTrends } from "../judge/forecast.ts";
import { createJudge, type JudgeOptions } from "../judge/judge.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime, WallTime, Window } from "../model/time.ts";
import type {
  Alert,
  Breaker,
  BreakerOrder,
  BreakerTransition,
  JudgedWindow,
  Segment,
} from "../model/verdict.ts";
import { segmentKey } from "../model/verdict.ts";
import { decodeProfile } from "../profile/codec.ts";
import { mergeCounts } from "../profile/merge.ts";
import type { FieldProfile, WindowProfile } from "../profile/profile.ts";
import { statusOf } from "../report/status.ts";
import type { WindowStatus } from "./board.ts";
import { createEarlyLooks } from "./early-looks.ts";
import { createRetired, type Retired, type RetiredState, type Spec } from "./former.ts";
import { type GaugeReading, gaugeWindows } from "./gauge-reading.ts";
import {
  encodeParts,
  forgetOld,
  type Gathered,
  insertByStart,
  mergeAll,
  mergeInOrder,
  type OpenWindow,
  statesOf,
} from "./judged-windows.ts";
import type { JudgingState } from "./judging-state.ts";
import { withParts } from "./made-of.ts";
import type { Outcome } from "./ports.ts";
import { createSilence } from "./silence.ts";
import { createUnheard, type Unheard } from "./unheard.ts";

/** Windows that may wait for a partition that says nothing; beyond it the oldest are judged without it. */
const waitingMax = 240;

/** Judged windows of the whole view whose verdicts are kept when memory is short. */
const recentShed = 60;

/**
 * The right half of the flow for one feature view: merges the partitions' profiles, judges them, folds verdicts into
 * breakers and alerts. Pure: what happened comes back as outcomes.
 */
export interface Judging {
  readonly view: FeatureView;
  /**
   * Takes a closed window of one partition. The same key again replaces it. One that was judged not long ago is judged again
   * when its part is news; of an older one: false, unless it waited for this judge to come and is `adopted`.
   */
  add(partition: string, profile: WindowProfile, partial?: boolean, adopted?: boolean): boolean;
  /**
   * Judges, in order of time, every window with news that ends at or before `watermark`.
   * @param through  event time up to which rows have been seen: a window that ends later is cut short
   */
  close(watermark: EventTime, through: EventTime): readonly Outcome[];
  /** Says that no row came in `[from, through)`, if that is longer than chance explains and was not said before. */
  silence(from: EventTime, through: EventTime): readonly Outcome[];
  /** About once a second: the newest row is of `seen`, and for `silentMs` none has come. */
  heartbeat(seen: EventTime, silentMs: number): readonly Outcome[];
  /** Whether rows have stayed away for too long, also where nobody is paged for it. */
  readonly stale: boolean;
  /** A person's word about a breaker. */
  order(order: BreakerOrder): readonly Outcome[];
  /** What a look at the gauges says. */
  gauge(reading: GaugeReading): readonly Outcome[];
  /** Ends holds that have run out: alerts that still fire are heard now. About once a second. */
  expire(now: WallTime): readonly Outcome[];
  /** Judges open windows (whole view first) as far as they have grown since they were last judged. */
  early(open: readonly OpenWindow[], asOf: EventTime): readonly Outcome[];
  /** Whether it is time to look at open windows: of these, whose newest row is of `lastEvent`, with the other partitions' parts. */
  earlyDue(own: readonly WindowProfile[], lastEvent: EventTime): boolean;
  readonly breaker: Breaker;
  readonly segments: ReadonlyMap<string, Breaker>;
  readonly latest: JudgedWindow | undefined;
  readonly recent: readonly JudgedWindow[];
  /** Closed windows of the whole view, oldest first, at most 1,440. */
  readonly windows: readonly WindowStatus[];
  /** End of the last judged window; −Infinity before the first. */
  readonly judgedThrough: EventTime;
  readonly fields: ReadonlyMap<string, FieldProfile>;
  /** Alerts that fire and are not muted. */
  active(): readonly Alert[];
  /** Alerts that began to fire while muted, since the start. */
  readonly silenced: number;
  /** Lets go of the verdicts of old windows that are kept for people to look at. */
  shed(): void;
  /** Changes of alerts that nobody has taken yet. */
  readonly unheard: Unheard;
  /** Windows of this spec, which the view had before, are judged by it from now on. */
  succeed(former: Spec): void;
  /** What the judge of that spec had gathered: it is judged, or judged again, with what of it comes still. */
  inherit(gathered: RetiredState): void;
  encode(): JudgingState;
  restore(state: JudgingState): void;
}

export function createJudging(
  view: FeatureView,
  baseline: Baseline | undefined,
  options: JudgeOptions = {},
): Judging {
  const judge = createJudge(view, baseline, options);
  const gathered = new Map<EventTime, Gathered>();
  const windows: WindowStatus[] = [];
  const drift = createDriftDetector(view, baseline);
  const trends = createTrends(view);
  const silence = createSilence(view, baseline);
  const breakers = new Map<string, Breaker>();
  const looks = createEarlyLooks(view.window.minRows);
  const recent: JudgedWindow[] = [];
  const unheard = createUnheard();
  let judgedThrough = Number.NEGATIVE_INFINITY;
  let firstStart = Number.POSITIVE_INFINITY;
  let silenced = 0;
  let alerts: AlertBook = newAlertBook();
  let latest: JudgedWindow | undefined;
  let fields: ReadonlyMap<string, FieldProfile> = new Map();
  let retired: Retired | undefined;

  /**
   * Folds judgements of one window (whole view first) and says what changed.
   * @param ahead  where fields of it are heading: for alerts alone
   */
  const fold = (
    judgements: readonly { judged: JudgedWindow; profile: WindowProfile }[],
    ahead: readonly JudgedWindow[] = [],
  ): Outcome[] => {
    const transitions: { breaker: Breaker; transition: BreakerTransition }[] = [];
    for (const { judged } of judgements) {
      const key = segmentKey(judged.segment);
      const before = breakers.get(key) ?? newBreaker(view.name, judged.segment, judged.window.start);
      if (judged.rows === 0) continue; // no row opens or closes a breaker
      const { breaker, transition } = foldBreaker(before, judged, view.breaker);
      breakers.set(key, breaker);
      if (transition !== null) transitions.push({ breaker, transition });
    }
    const folded = foldAlerts(
      alerts,
      [...judgements.map(({ judged }) => judged), ...ahead],
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
    outcomes.push(...heard(folded.changed));
    return outcomes;
  };

  const muteOf = (segment: Segment | null): string | undefined =>
    [segmentKey(segment), ""].find((key) => breakers.get(key)?.hold?.muted === true);

  /** What of it is to be heard; what is not, is counted. An end is always heard. */
  const heard = (changed: readonly Alert[]): Outcome[] =>
    changed.flatMap((alert): Outcome[] => {
      const key = alert.status === "firing" ? muteOf(alert.segment) : undefined;
      const breaker = key === undefined ? undefined : breakers.get(key);
      if (key === undefined || breaker?.hold === undefined) {
        unheard.add(alert);
        return [{ kind: "alert", alert }];
      }
      breakers.set(key, { ...breaker, hold: { ...breaker.hold, silenced: breaker.hold.silenced + 1 } });
      silenced += 1;
      return [];
    });

  const closeWindow = (
    { parts, revision, partial }: Gathered,
    window: Window,
    through: EventTime,
  ): readonly Outcome[] => {
    // the first window ever may have begun before the stream was watched
    const whole = window.start > firstStart && window.end <= through && !partial;
    if (firstStart === Number.POSITIVE_INFINITY) firstStart = window.start;
    const ahead: JudgedWindow[] = [];
    const judgements = [...parts.keys()].sort().map((key) => {
      const profile = mergeInOrder(parts.get(key) ?? new Map());
      const own = judge.judge(profile, { final: true, asOf: window.end, whole });
      // its points are the looks that were taken at open windows: no function of the logs, as the window's verdicts are
      const heading = trends.look(profile, true);
      if (heading.length > 0) ahead.push({ ...own, verdicts: heading });
      const told: JudgedWindow = {
        ...own,
        ...(revision > 0 ? { revision } : {}),
        ...(partial ? { partial } : {}),
      };
      const followed = key === "" ? drift.follow(profile, told, whole) : told;
      const judged = withParts(followed, profile, view, baseline);
      if (key === "") {
        if (window.start >= (latest?.window.start ?? window.start)) {
          latest = judged;
          fields = profile.fields;
        }
        insertByStart(recent, judged, ({ window: { start } }) => start);
        const { rows, late } = judged;
        const status = { ...window, rows, late, partial, status: statusOf(judged) };
        insertByStart(windows, status, ({ start }) => start);
      }
      return { judged, profile };
    });
    looks.close(window.start, parts.keys());
    return fold(judgements, ahead);
  };

  const judgeGap = (from: EventTime, through: EventTime): readonly Outcome[] => {
    const found = silence.gap(from, through);
    return found === undefined ? [] : fold([found]);
  };

  return {
    view,
    add(partition, profile, partial = false, adopted = false) {
      const { start, end } = profile.window;
      if (profile.spec !== view.fingerprint) return retired?.add(partition, profile) === true;
      const known = gathered.get(start);
      if (known === undefined && end <= judgedThrough && !adopted) return false;
      const window = known ?? { parts: new Map(), partial: adopted, revision: 0, changed: false };
      gathered.set(start, window);
      const partitions = getOrInsert(window.parts, segmentKey(profile.segment), () => new Map());
      const before = partitions.get(partition);
      // told again after a restart: the same key, the same bytes
      if (before !== undefined && before.rows >= profile.rows && before.late >= profile.late) return true;
      partitions.set(partition, profile);
      window.changed = true;
      window.partial ||= partial;
      return true;
    },
    close(watermark, through) {
      const changed = [...gathered.keys()].filter((start) => gathered.get(start)?.changed === true);
      changed.sort((a, b) => a - b);
      const due = changed.filter(
        (start, index) => start + view.window.sizeMs <= watermark || changed.length - index > waitingMax,
      );
      const outcomes: Outcome[] = (retired?.close(judgedThrough) ?? []).flatMap((judgements) =>
        fold(judgements),
      );
      for (const start of due) {
        const window = { start, end: start + view.window.sizeMs };
        const parts = gathered.get(start);
        if (parts === undefined) continue;
        outcomes.push(...judgeGap(judgedThrough, start), ...closeWindow(parts, window, through));
        parts.changed = false;
        parts.revision += 1;
        judgedThrough = Math.max(judgedThrough, window.end);
      }
      if (due.length > 0) forgetOld(gathered, judgedThrough, view.window);
      unheard.forget(judgedThrough);
      return outcomes;
    },
    silence: judgeGap,
    heartbeat(seen, silentMs) {
      const found = silence.heartbeat(judgedThrough, seen, silentMs);
      return found === undefined ? [] : fold([found]);
    },
    get stale() {
      return silence.stale;
    },
    order(order) {
      const key = segmentKey(order.segment);
      const before = breakers.get(key) ?? newBreaker(view.name, order.segment, order.at);
      const { breaker, transition } = obeyOrder(before, order);
      breakers.set(key, breaker);
      const moved = transition === null ? [] : [{ breaker, transition }];
      const folded = foldAlerts(alerts, [], moved, view);
      alerts = folded.book;
      return [...moved.map((each): Outcome => ({ kind: "breaker", ...each })), ...heard(folded.changed)];
    },
    gauge(reading) {
      const folded = foldAlerts(alerts, gaugeWindows(view, reading, activeAlerts(alerts)), [], view);
      alerts = folded.book;
      return heard(folded.changed);
    },
    expire(now) {
      const outcomes: Outcome[] = [];
      for (const [key, breaker] of breakers) {
        const free = freeBreaker(breaker, now);
        if (free === undefined) continue;
        const unheard = activeAlerts(alerts).filter(({ segment }) => muteOf(segment) === key);
        breakers.set(key, free);
        outcomes.push(...heard(unheard));
      }
      return outcomes;
    },
    get silenced() {
      return silenced;
    },
    early(open, asOf) {
      const byWindow = new Map<EventTime, { judged: JudgedWindow; profile: WindowProfile }[]>();
      for (const { counts: partitions, sketches } of open) {
        const counts = mergeCounts(partitions);
        const { window, segment } = counts;
        const sketched = sketches.reduce((sum, profile) => sum + profile.rows, 0);
        const look = looks.at(counts, sketched);
        if (look === undefined) continue;
        const whole = look === "whole";
        const profile = whole ? mergeAll(sketches) : counts;
        const own = judge.judge(profile, { final: false, asOf, ...(whole ? {} : { only: "counts" }) });
        const ahead = trends.look(profile, false);
        const told = ahead.length === 0 ? own : { ...own, verdicts: [...own.verdicts, ...ahead] };
        const judged = whole ? withParts(told, profile, view, baseline) : told;
        if (whole && segment === null && window.start >= (latest?.window.start ?? window.start))
          latest = judged;
        getOrInsert(byWindow, window.start, () => []).push({ judged, profile });
      }
      return [...byWindow.keys()].sort((a, b) => a - b).flatMap((start) => fold(byWindow.get(start) ?? []));
    },
    earlyDue: looks.due,
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
    windows,
    unheard,
    get judgedThrough() {
      return judgedThrough;
    },
    get fields() {
      return fields;
    },
    succeed(former) {
      retired = createRetired(former);
    },
    inherit: (former) => retired?.restore(former),
    shed: () => void recent.splice(0, recent.length - recentShed),
    active: () => activeAlerts(alerts).filter(({ segment }) => muteOf(segment) === undefined),
    encode: () => ({
      judgedThrough: Number.isFinite(judgedThrough) ? judgedThrough : null,
      breakers: encodeBreakers([...breakers.values()]),
      alerts: encodeAlertBook(alerts),
      drift: drift.encode(),
      trends: trends.encode(),
      profiles: [...encodeParts(gathered), ...(retired?.encode().profiles ?? [])],
      gathered: statesOf(gathered),
      ...(retired === undefined ? {} : { retired: retired.encode().windows }),
      windows,
      unheard: unheard.encode(),
      early: looks.encode(),
      ...silence.encode(),
    }),
    restore(state) {
      judgedThrough = state.judgedThrough ?? Number.NEGATIVE_INFINITY;
      if (state.judgedThrough !== null) firstStart = Number.NEGATIVE_INFINITY;
      for (const breaker of decodeBreakers(state.breakers))
        breakers.set(segmentKey(breaker.segment), breaker);
      alerts = decodeAlertBook(state.alerts);
      if (state.drift !== undefined) drift.restore(state.drift);
      if (state.trends !== undefined) trends.restore(state.trends);
      for (const { start, ...rest } of state.gathered)
        gathered.set(start, { parts: new Map(), ...rest, changed: false });
      for (const { partition, bytes } of state.profiles) this.add(partition, decodeProfile(bytes));
      for (const { start, changed } of state.gathered) {
        const window = gathered.get(start);
        if (window !== undefined) window.changed = changed;
      }
      retired?.restore({ windows: state.retired ?? [], profiles: [] });
      windows.push(...state.windows);
      unheard.restore(state.unheard ?? []);
      if (state.early !== undefined) looks.restore(state.early);
      silence.restore(state);
    },
  };
}
