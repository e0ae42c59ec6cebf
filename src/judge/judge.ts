import assert from "node:assert/strict";
import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import type { EventTime, Window } from "../model/time.ts";
import { type JudgedWindow, type StatisticName, segmentKey, type Verdict } from "../model/verdict.ts";
import type { WindowProfile } from "../profile/profile.ts";
import type { Baseline, FieldBaseline, StatisticHistory } from "./baseline.ts";
import { prepareChosen, replacedByChosen } from "./chosen.ts";
import { evidenceOf, logTailMax } from "./evidence.ts";
import { judgeLinks } from "./links.ts";
import { matters, minRowsOf } from "./policy.ts";
import { seasonAt } from "./season.ts";
import { createSeen, type Gauge, type Reading, type Seen, type Statistic, seenOf } from "./statistic.ts";
import { statistics } from "./table.ts";
import type { Track } from "./track.ts";
import { judgeTraffic } from "./traffic.ts";

/** Standard errors below the line that a window needs to be surely below it. */
const nearErrors = 3;

/** ln of the tail probability above which a window is like those of the baseline. */
const likeBaseline = Math.log(0.01);

export interface JudgeOptions {
  /** Overrides every field's own line. */
  readonly sigma?: number;
  /** Of the same view and baseline; for judges that differ by their line only, and share it. */
  readonly measure?: Measure;
}

/** How much of a window has been seen, and what is to be said of it: {@link Judge.judge}. */
interface Extent {
  readonly final: boolean;
  readonly asOf: EventTime;
  readonly only?: "counts";
  readonly whole?: boolean;
}

/** What a profile says of one field by one statistic, wherever the line is drawn. */
interface Measured {
  /** As it is below the line. */
  readonly verdict: Verdict;
  /** Whether it is critical at the line and beyond: rows enough, and no chance. */
  readonly sure: boolean;
  /** In units of its shift; undefined: the field's sigma. */
  readonly line: number | undefined;
  /** How far from the line chance may have put it; undefined: it is as usual. */
  readonly near: Near | undefined;
  readonly field: FieldSpec;
}

interface Near {
  /** In units of the shift. */
  readonly doubt: number;
  readonly overLimit: boolean;
}

export type Measure = (profile: WindowProfile, extent: Extent) => readonly Measured[];

export interface Judge {
  /**
   * Pure: the same profile and the same `seen` give the same verdicts, to the bit.
   * @param seen.final  whether the window has closed
   * @param seen.asOf   event time up to which it has been seen; its end when final
   * @param seen.only   `counts`: without the verdicts that need sketches
   * @param seen.whole  whether nothing of it is cut off, so that its rows can be counted
   */
  judge(profile: WindowProfile, seen: Extent): JudgedWindow;
}

/**
 * Makes every field's tables once; `judge` then costs microseconds a field.
 *
 * Without a baseline (or for a field that it lacks) the hard rules are judged and nothing else: there is no verdict on a
 * distribution that nobody knows. A verdict is critical when a hard rule is broken, or when its shift reaches the field's
 * sigma and the tail probability is below 1e-9. A field that chose a classical statistic (`chosen.ts`) has it judged on closed
 * windows, in place of what measures the same.
 */
export function createJudge(
  view: FeatureView,
  baseline: Baseline | undefined,
  options: JudgeOptions = {},
): Judge {
  const measure = options.measure ?? createMeasure(view, baseline);
  return {
    judge(profile, extent) {
      const { final, asOf, whole = false } = extent;
      const verdicts: Verdict[] = [];
      if (profile.segment === null && profile.rows > 0)
        verdicts.push(...judgeModels(view, profile), ...judgeLinks(view, profile));
      if (whole && profile.segment === null && baseline?.traffic !== undefined) {
        verdicts.push(...judgeTraffic(profile, baseline.traffic, options.sigma ?? view.drift.sigma));
      }
      for (const measured of measure(profile, extent))
        verdicts.push(heldAgainst(measured.line ?? options.sigma ?? measured.field.drift.sigma, measured));
      return {
        featureView: view.name,
        spec: view.fingerprint,
        segment: profile.segment,
        window: profile.window,
        final,
        rows: profile.rows,
        late: profile.late,
        asOf,
        verdicts,
      };
    },
  };
}

function createMeasure(view: FeatureView, baseline: Baseline | undefined): Measure {
  const fields = view.fields.map((field) => ({
    field,
    baseline: baseline?.fields.get(field.name),
    gauges: prepareGauges(field, baseline?.fields.get(field.name), view),
  }));
  return (profile, { final, only }) => {
    const measured: Measured[] = [];
    const segment = segmentKey(profile.segment);
    for (const { field, baseline: known, gauges } of fields) {
      const fieldProfile = profile.fields.get(field.name);
      if (fieldProfile === undefined) continue;
      const seen = (final ? seenOf : createSeen)(fieldProfile, profile.segment, profile.lastEvent);
      for (const { statistic, reads, gauge } of gauges) {
        if ((only === "counts" && reads !== "counts") || (reads === "closed" && !final)) continue;
        const history = known && historyOf(known, statistic, segment, profile.window);
        const reading = gauge.read(seen, history);
        if (reading === undefined) continue;
        const asked = { minRows: minRowsOf(field, view), sd: history?.sd ?? 0 };
        measured.push(measuredOf(field, statistic, reading, seen, asked));
      }
    }
    return measured;
  };
}

/** For closed windows that are judged again and again: each profile is read once, and remembered as long as it lives. */
export function measureOnce(view: FeatureView, baseline: Baseline | undefined): Measure {
  const measure = createMeasure(view, baseline);
  const known = new WeakMap<WindowProfile, readonly Measured[]>();
  return (profile, extent) => {
    assert(extent.final && extent.only === undefined); // what is open changes under the same name
    const measured = known.get(profile) ?? measure(profile, extent);
    known.set(profile, measured);
    return measured;
  };
}

/** The gauges of one field that make sense for it, in the table's order. */
export function prepareGauges(
  field: FieldSpec,
  baseline: Pick<FieldBaseline, "profile"> | undefined,
  view: FeatureView,
): readonly { statistic: StatisticName; reads: Statistic["reads"] | "closed"; gauge: Gauge }[] {
  const chosen = prepareChosen(field, baseline?.profile);
  const own = statistics.flatMap(({ name, reads, prepare }) => {
    const gauge = prepare(field, baseline?.profile, view);
    return gauge === undefined ? [] : [{ statistic: name, reads, gauge }];
  });
  return chosen === undefined ? own : [...own, { ...chosen, reads: "closed" }];
}

/** Feature view and models are atomically linked: a model that was trained with another spec is a hard rule broken. */
function judgeModels(view: FeatureView, { rows, firstEvent }: WindowProfile): readonly Verdict[] {
  const linked = view.models.filter((model) => model.fingerprint !== undefined);
  if (linked.length === 0) return [];
  const parted = linked.filter((model) => model.fingerprint !== view.fingerprint);
  const share = parted.length / linked.length;
  const names = parted
    .map(({ name, version }) => (version === undefined ? name : `${name} ${version}`))
    .join(", ");
  return [
    {
      field: null,
      statistic: "fingerprint",
      status: parted.length > 0 ? "critical" : "ok",
      hard: parted.length > 0,
      rows,
      observed: share,
      expected: 0,
      unit: 1,
      shift: share,
      evidence: 0,
      ...(parted.length > 0 ? { decidedAt: firstEvent } : {}),
      summary:
        parted.length > 0
          ? `${names} was trained with another version of ${view.name} than ${view.version}`
          : `${view.name} ${view.version} is what its models were trained with`,
    },
  ];
}

/** A segment's own history where it has one, else the whole view's, as it is at that hour of the week. */
function historyOf(
  field: FieldBaseline,
  statistic: StatisticName,
  segment: string,
  { start, end }: Window,
): StatisticHistory | undefined {
  const own = segment === "" ? undefined : field.segments?.get(segment)?.get(statistic);
  const history = field.statistics.get(statistic);
  if (own !== undefined || history === undefined || !inItsOwnUnit.has(statistic)) return own ?? history;
  return inSeason(history, field.tracks?.get(statistic), (start + end) / 2);
}

/** Statistics that the warning layer follows under the same name on the same scale. */
const inItsOwnUnit: ReadonlySet<StatisticName> = new Set([
  "location",
  "spread",
  "default_rate",
  "null_rate",
  "empty_rate",
  "range_rate",
  "pattern_rate",
  "max_rate",
  "nonfinite",
  "true_rate",
]);

/**
 * What is usual at a time of the week, when the statistic has a season: a rate that is high every night is no alarm at night, and
 * does not hide that it is high at noon. Windows were never further from the season than `reach`: so far is what clean ones do.
 */
function inSeason(history: StatisticHistory, track: Track | undefined, time: EventTime): StatisticHistory {
  if (track?.season === undefined || track.reach === undefined) return history;
  const mean = track.mean + seasonAt(track.season, time);
  return { ...history, mean, sd: track.sd, low: mean - track.reach, high: mean + track.reach };
}

function measuredOf(
  field: FieldSpec,
  statistic: StatisticName,
  reading: Reading,
  seen: Seen,
  { minRows, sd }: { readonly minRows: number; readonly sd: number },
): Measured {
  const { rows, observed, expected, unit, logTail, line, broken, example } = reading;
  const enough = rows >= minRows;
  const hard = broken === "first" || (broken === "rate" && enough);
  const decidedAt = broken === "first" ? (example?.eventTime ?? seen.lastEvent) : seen.lastEvent;
  const verdict: Verdict = {
    field: field.name,
    statistic,
    status: hard ? "critical" : enough ? "ok" : "insufficient",
    hard,
    rows,
    observed,
    expected,
    unit,
    shift: Math.abs(observed - expected) / unit,
    evidence: evidenceOf(logTail),
    ...(hard ? { decidedAt } : {}),
    summary: enough || hard ? reading.say() : `${reading.say()}; only ${rows} rows, ${minRows} wanted`,
    ...(example === undefined ? {} : { example }),
  };
  const important = matters(field, statistic, reading);
  return {
    verdict,
    sure: enough && important && logTail < (line?.logTail ?? logTailMax),
    near: important && !hard ? nearOf(reading, sd) : undefined,
    line: line?.sigma ?? (replacedByChosen(field, statistic) ? Number.POSITIVE_INFINITY : undefined),
    field,
  };
}

/**
 * Three standard errors, by sampling and by what the baseline's windows differ, or whether it is above a limit, if not surely.
 * Never of a window that is like the baseline's.
 */
function nearOf(
  { unit, error, ownError = error, overLimit = false, logTail }: Reading,
  sd: number,
): Near | undefined {
  if (!(logTail < likeBaseline)) return undefined;
  return { doubt: (nearErrors * Math.hypot(ownError, sd)) / unit, overLimit };
}

/**
 * The verdict under a line. It is near it when chance alone may have put the window on this side; never when it is likelier as
 * usual than at the line (below half of it).
 */
function heldAgainst(sigma: number, { verdict, sure, near }: Measured): Verdict {
  const { shift } = verdict;
  if (sure && shift >= sigma) return { ...verdict, status: "critical" };
  const isNear = near !== undefined && (near.overLimit || shift > Math.max(sigma / 2, sigma - near.doubt));
  return isNear ? { ...verdict, nearLine: true } : verdict;
}
