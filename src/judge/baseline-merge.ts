import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { isoTime } from "../model/time.ts";
import type { StatisticName } from "../model/verdict.ts";
import { mergeFields } from "../profile/merge.ts";
import type { FieldProfile } from "../profile/profile.ts";
import { estimateDistinct } from "../sketch/distinct.ts";
import { inFrame } from "../sketch/histogram.ts";
import type { Baseline, FieldBaseline, Period, StatisticHistory } from "./baseline.ts";
import { distinctOfNumber } from "./baseline-body.ts";
import { viewOfBaseline } from "./baseline-view.ts";
import { joinHistories, joinTracks, type Offset } from "./history-join.ts";
import { prepareGauges } from "./judge.ts";
import { areAlike } from "./likeness.ts";
import type { Signal } from "./signal.ts";
import { signalsFor } from "./signals.ts";
import { createSeen, valueRows } from "./statistic.ts";
import type { Track } from "./track.ts";
import { joinTraffic } from "./traffic.ts";

/** A field with more different values than this share of its rows tells rows apart. */
const apartShare = 0.5;

/**
 * One baseline of several periods. Counts and sketches are added. Histories were measured against each period's own profile:
 * they are moved to where that period lies in the merged one (exact for rates; for a distance an upper bound, by the triangle
 * inequality), then joined. A signal whose periods lie on different levels has no track: the warning layer learns it anew.
 *
 * @param parts  two or more of one spec, in any order; none is changed
 * @throws Fault `baseline.mismatch` when they are of different specs or windows, or overlap in time
 */
export function mergeBaselines(
  parts: readonly { readonly file: string; readonly baseline: Baseline }[],
): Baseline {
  const sorted = parts.toSorted((x, y) => x.baseline.from - y.baseline.from);
  const [first] = sorted;
  if (first === undefined) throw new TypeError("no baseline to merge");
  for (const part of sorted) assertAlike(first, part);
  const periods = sorted
    .flatMap(({ file, baseline }) => periodsOf(baseline).map((period) => ({ file, period })))
    .sort((x, y) => x.period.from - y.period.from);
  periods.forEach((own, i) => {
    const before = periods[i - 1];
    if (before !== undefined && own.period.from < before.period.to) throw overlap(before, own);
  });
  const baselines = sorted.map(({ baseline }) => baseline);
  const [a] = baselines as [Baseline];
  const fields = new Map<string, FieldBaseline>();
  for (const name of a.fields.keys()) {
    const own = baselines.flatMap((baseline) => baseline.fields.get(name) ?? []);
    if (own.length === baselines.length) fields.set(name, mergeField(name, own, baselines));
  }
  const pairs = (a.pairs ?? []).flatMap((pair) => {
    const own = baselines.map(
      ({ pairs: all }) => all?.find((each) => each.a === pair.a && each.b === pair.b)?.track,
    );
    const track = joinTracks(
      own,
      own.map(() => 0),
    );
    return track === undefined ? [] : [{ a: pair.a, b: pair.b, track }];
  });
  const viewTracks = new Map<string, Track>();
  for (const signal of a.tracks?.keys() ?? []) {
    const own = baselines.map(({ tracks }) => tracks?.get(signal));
    const track = joinTracks(
      own,
      own.map(() => 0),
    );
    if (track !== undefined) viewTracks.set(signal, track);
  }
  const drifts = baselines.flatMap((baseline) => baseline.drifts ?? []).sort((x, y) => y.shift - x.shift);
  return {
    featureView: a.featureView,
    spec: a.spec,
    toolVersion: a.toolVersion,
    windowMs: a.windowMs,
    from: a.from,
    to: Math.max(...baselines.map(({ to }) => to)),
    rows: sum(baselines, ({ rows }) => rows),
    windows: sum(baselines, ({ windows }) => windows),
    traffic: joinTraffic(baselines.map(({ traffic }) => traffic)),
    fields,
    ...(a.tracks === undefined ? {} : { tracks: viewTracks }),
    ...(pairs.length === 0 ? {} : { pairs }),
    ...(drifts.length === 0 ? {} : { drifts }),
    periods: periods.map(({ period }) => period),
  };
}

function periodsOf({ periods, from, to, rows, windows }: Baseline): readonly Period[] {
  return periods ?? [{ from, to, rows, windows }];
}

type Part = Parameters<typeof mergeBaselines>[0][number];

function assertAlike(a: Part, b: Part): void {
  const what = (["featureView", "spec", "windowMs"] as const).find(
    (key) => a.baseline[key] !== b.baseline[key],
  );
  if (what === undefined) return;
  throw new Fault(
    "baseline.mismatch",
    `${what} is ${a.baseline[what]} in ${a.file} and ${b.baseline[what]} in ${b.file}`,
    { hint: "build both with the same version of the spec" },
  );
}

function overlap(a: { file: string; period: Period }, b: { file: string; period: Period }): Fault {
  const text = ({ file, period }: typeof a): string =>
    `${file} (${isoTime(period.from)} to ${isoTime(period.to)})`;
  return new Fault("baseline.mismatch", `${text(a)} and ${text(b)} overlap`, {
    hint: "rows in both would count twice: build one of them with --from-time and --to-time, or --exclude",
  });
}

function mergeField(
  name: string,
  own: readonly FieldBaseline[],
  baselines: readonly Baseline[],
): FieldBaseline {
  const profile = mergeProfilesOf(own.map((field) => field.profile));
  const statistics = new Map<StatisticName, StatisticHistory>();
  const segments = new Map<string, Map<StatisticName, StatisticHistory>>();
  const offsets = offsetsOf(name, own, profile, baselines);
  const names = new Set(own.flatMap((field) => [...field.statistics.keys()]));
  for (const statistic of names) {
    const moved = offsets.statistics(statistic);
    const whole = joinHistories(
      own.map((field) => field.statistics.get(statistic)),
      moved,
    );
    if (whole !== undefined) statistics.set(statistic, whole);
    for (const key of new Set(own.flatMap((field) => [...(field.segments?.keys() ?? [])]))) {
      // a period in which the segment was like the whole view has the whole view's history for it
      const parts = own.map((field) => field.segments?.get(key)?.get(statistic));
      if (parts.every((part) => part === undefined)) continue;
      const joined = joinHistories(
        parts.map((part, i) => part ?? own[i]?.statistics.get(statistic)),
        moved,
      );
      const known = segments.get(key) ?? new Map<StatisticName, StatisticHistory>();
      if (joined !== undefined) segments.set(key, known.set(statistic, joined));
    }
  }
  const tracks = new Map<string, Track>();
  for (const signal of own[0]?.tracks?.keys() ?? []) {
    const track = joinTracks(
      own.map((field) => field.tracks?.get(signal)),
      offsets.signals(signal),
    );
    if (track !== undefined) tracks.set(signal, track);
  }
  return {
    profile,
    statistics,
    ...(own.every((field) => field.tracks === undefined) ? {} : { tracks }),
    ...(segments.size === 0 ? {} : { segments }),
  };
}

/**
 * Where each period lies against the merged profile, less where it lay against its own; of scores, which a whole period's rows
 * would only inflate, nothing where a window could not tell the period from all of them, and unknown where it could.
 */
function offsetsOf(
  name: string,
  own: readonly FieldBaseline[],
  merged: FieldProfile,
  baselines: readonly Baseline[],
): {
  readonly statistics: (statistic: StatisticName) => readonly Offset[];
  readonly signals: (signal: string) => readonly Offset[];
} {
  const readings = own.map((field, i) => {
    const baseline = baselines[i] as Baseline;
    const view: FeatureView = viewOfBaseline(baseline);
    const spec = view.fields.find((each) => each.name === name);
    if (spec === undefined) throw new TypeError(`${name} is no field of the baseline`);
    const seen = createSeen(field.profile, null, baseline.to);
    const rowsPerWindow = baseline.rows / Math.max(1, baseline.windows);
    const alike = areAlike(inFrameOf(merged, field.profile), merged, rowsPerWindow);
    const read = (signal: Signal): number | undefined => {
      if (signal.score === true) return alike ? 0 : undefined;
      return signal.read(seen)?.value;
    };
    return [field.profile, merged].map((profile) => ({
      statistics: new Map(
        prepareGauges(spec, { profile }, view).map(({ statistic, gauge }) => [
          statistic,
          gauge.read(seen, undefined)?.observed,
        ]),
      ),
      signals: new Map(signalsFor(spec, profile, rowsPerWindow).map((signal) => [signal.name, read(signal)])),
    }));
  });
  const offsets = <Key>(
    of: (reading: (typeof readings)[number][number]) => Map<Key, number | undefined>,
    key: Key,
  ) =>
    readings.map(([alone, among]): Offset => {
      const [before, after] = [alone && of(alone).get(key), among && of(among).get(key)];
      return before === undefined || after === undefined ? undefined : after - before;
    });
  return {
    statistics: (statistic) => offsets((reading) => reading.statistics, statistic),
    signals: (signal) => offsets((reading) => reading.signals, signal),
  };
}

/** Histograms are brought to the first one's frame. */
function mergeProfilesOf([first, ...others]: readonly FieldProfile[]): FieldProfile {
  if (first === undefined) throw new TypeError("no profile to merge");
  let merged = first;
  for (const profile of others) {
    const apart = tellsApart(merged) && tellsApart(profile);
    const distinct = distinctIn(merged) + distinctIn(profile);
    merged = mergeFields(merged, inFrameOf(first, profile));
    if (apart && "distinct" in merged.body)
      merged = { ...merged, body: { ...merged.body, distinct: distinctOfNumber(distinct) } };
  }
  return merged;
}

function inFrameOf({ body: like }: FieldProfile, profile: FieldProfile): FieldProfile {
  const { body } = profile;
  if (like.kind !== "numeric" || body.kind !== "numeric") return profile;
  const whole = /int|timestamp/.test(profile.type);
  return { ...profile, body: { ...body, histogram: inFrame(body.histogram, like.histogram.frame, whole) } };
}

/** A baseline's file knows how many different values there were, not which: those of a field that tells rows apart are others. */
function tellsApart(profile: FieldProfile): boolean {
  return distinctIn(profile) > apartShare * valueRows(profile);
}

function distinctIn({ body }: FieldProfile): number {
  return "distinct" in body ? Math.round(estimateDistinct(body.distinct)) : 0;
}

function sum(baselines: readonly Baseline[], of: (baseline: Baseline) => number): number {
  return baselines.reduce((total, baseline) => total + of(baseline), 0);
}
