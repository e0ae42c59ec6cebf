import type { FieldSpec } from "../model/feature-view.ts";
import { getOrInsert } from "../model/maps.ts";
import type { EventTime, Window } from "../model/time.ts";
import type { JudgedWindow, StatisticName, Verdict, VerdictStatus } from "../model/verdict.ts";
import type { FieldProfile, RuleCount, RuleName } from "../profile/profile.ts";
import { type Moments, mergeMoments } from "../sketch/moments.ts";
import { type Timeline, type Track, worseOf } from "./cells.ts";
import { isWorse, statusOf } from "./status.ts";

/** Values in step with the cells of the run; undefined where nothing could be told. */
export type Series<T> = readonly (T | undefined)[];

export interface FieldFindings {
  readonly status: VerdictStatus;
  /** In each cell; undefined without a verdict. */
  readonly statuses: Series<VerdictStatus>;
  /** The largest shift in each cell. */
  readonly shifts: Series<number>;
  /** What was measured, the most telling first. */
  readonly statistics: readonly StatisticFindings[];
  /** The worst verdict of all closed windows, with the window's profile. */
  readonly worst: WorstWindow | undefined;
  /** When it was first known, by an early verdict too. */
  readonly firstCriticalAt: EventTime | undefined;
  readonly firstWarningAt: EventTime | undefined;
  /** Closed windows in which it was critical; in which it warned and was not. */
  readonly criticalWindows: number;
  readonly warningWindows: number;
  /** Of a field with a mapping: values that the model did not know. */
  readonly defaults: Series<Share> | undefined;
  /** Of an embedding: lengths of its vectors. */
  readonly norms: Series<Moments> | undefined;
  /** Of numbers and embeddings: NaN and infinities. */
  readonly nonFinite: Series<number> | undefined;
  /** Over all closed windows. */
  readonly rows: number;
  readonly nulls: number;
  readonly rules: ReadonlyMap<RuleName, RuleCount>;
}

export interface StatisticFindings {
  readonly name: StatisticName;
  readonly status: VerdictStatus;
  readonly worst: Verdict;
  readonly shifts: Series<number>;
  readonly statuses: Series<VerdictStatus>;
  readonly criticalWindows: number;
  readonly warningWindows: number;
}

export interface Share {
  readonly hits: number;
  readonly of: number;
}

export interface WorstWindow {
  readonly verdict: Verdict;
  readonly window: Window;
  readonly rows: number;
  readonly profile: FieldProfile | undefined;
}

/** Gathers what is found of one field, or of the stream itself, window by window. */
export interface FieldDraft {
  /** Any verdict that is bad, early ones too: when it was first known. */
  known(verdict: Verdict, asOf: EventTime): void;
  /** A closed window, after the timeline has its cell. */
  closed(verdicts: readonly Verdict[], judged: JudgedWindow, profile: FieldProfile | undefined): void;
  findings(): FieldFindings;
}

interface StatisticDraft {
  worst: Verdict;
  readonly shifts: Track<number>;
  readonly statuses: Track<VerdictStatus>;
  criticalWindows: number;
  warningWindows: number;
}

export function draftField(timeline: Timeline, field: FieldSpec | undefined): FieldDraft {
  const statuses = timeline.track<VerdictStatus>(worseOf);
  const shifts = timeline.track<number>(Math.max);
  const defaults = field?.mapping === undefined ? undefined : timeline.track<Share>(addShares);
  const norms = field?.type === "embedding" ? timeline.track<Moments>(mergeMoments) : undefined;
  const nonFinite = field === undefined ? undefined : timeline.track<number>((a, b) => a + b);
  const statistics = new Map<StatisticName, StatisticDraft>();
  const rules = new Map<RuleName, RuleCount>();
  let worst: WorstWindow | undefined;
  let status: VerdictStatus = "insufficient";
  let [firstCriticalAt, firstWarningAt] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [criticalWindows, warningWindows, rows, nulls] = [0, 0, 0, 0];

  const addVerdict = (verdict: Verdict): void => {
    const draft = getOrInsert(statistics, verdict.statistic, () => ({
      worst: verdict,
      shifts: timeline.track<number>(Math.max),
      statuses: timeline.track<VerdictStatus>(worseOf),
      criticalWindows: 0,
      warningWindows: 0,
    }));
    if (isWorse(verdict, draft.worst)) draft.worst = verdict;
    draft.statuses.add(verdict.status);
    if (verdict.status === "insufficient") return;
    draft.shifts.add(verdict.shift);
    shifts.add(verdict.shift);
    if (verdict.status === "critical") draft.criticalWindows += 1;
    if (verdict.status === "warning") draft.warningWindows += 1;
  };

  const addProfile = (profile: FieldProfile): void => {
    const { body } = profile;
    rows += profile.rows;
    nulls += profile.nulls;
    for (const [rule, { count, example }] of profile.rules) {
      const total = getOrInsert<RuleName, RuleCount>(rules, rule, () => ({ count: 0, example }));
      total.count += count;
    }
    if (body.kind === "string" && body.mappingHits + body.mappingMisses > 0)
      defaults?.add({ hits: body.mappingMisses, of: body.mappingHits + body.mappingMisses });
    if (body.kind === "embedding" && body.norms.count > 0) norms?.add(body.norms);
    if (body.kind === "embedding" || body.kind === "numeric") {
      const count = body.nan + body.positiveInfinity + body.negativeInfinity;
      if (count > 0) nonFinite?.add(count);
    }
  };

  return {
    known({ status: told, decidedAt }, asOf) {
      const at = decidedAt ?? asOf;
      if (told === "critical") firstCriticalAt = Math.min(firstCriticalAt, at);
      if (told === "warning") firstWarningAt = Math.min(firstWarningAt, at);
    },
    closed(verdicts, judged, profile) {
      if (profile !== undefined) addProfile(profile);
      if (verdicts.length === 0) return;
      const here = statusOf({ verdicts });
      statuses.add(here);
      status = worseOf(status, here);
      if (here === "critical") criticalWindows += 1;
      if (here === "warning") warningWindows += 1;
      for (const verdict of verdicts) {
        addVerdict(verdict);
        if (verdict.status === "insufficient") continue;
        if (worst === undefined || isWorse(verdict, worst.verdict))
          worst = { verdict, window: judged.window, rows: judged.rows, profile };
      }
    },
    findings: () => ({
      status,
      statuses: statuses.read(),
      shifts: shifts.read(),
      statistics: [...statistics]
        .map(([name, draft]) => ({
          ...draft,
          name,
          status: draft.worst.status,
          shifts: draft.shifts.read(),
          statuses: draft.statuses.read(),
        }))
        .sort((a, b) => (isWorse(a.worst, b.worst) ? -1 : isWorse(b.worst, a.worst) ? 1 : 0)),
      worst,
      firstCriticalAt: finiteOr(firstCriticalAt),
      firstWarningAt: finiteOr(firstWarningAt),
      criticalWindows,
      warningWindows,
      defaults: defaults?.read(),
      norms: norms?.read(),
      nonFinite: nonFinite?.read().some((count) => count !== undefined) ? nonFinite.read() : undefined,
      rows,
      nulls,
      rules,
    }),
  };
}

export function addShares(a: Share, b: Share): Share {
  return { hits: a.hits + b.hits, of: a.of + b.of };
}

function finiteOr(time: EventTime): EventTime | undefined {
  return Number.isFinite(time) ? time : undefined;
}
