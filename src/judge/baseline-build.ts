import type { Batch } from "../model/batch.ts";
import { Fault } from "../model/fault.ts";
import type { FeatureView } from "../model/feature-view.ts";
import type { Limits } from "../model/limits.ts";
import { getOrInsert } from "../model/maps.ts";
import { addCounts, type Counts, emptyCounts } from "../model/record.ts";
import { type EventTime, formatDuration, isoTime } from "../model/time.ts";
import { type StatisticName, segmentKey } from "../model/verdict.ts";
import { mergeProfiles } from "../profile/merge.ts";
import type { PairName, WindowProfile } from "../profile/profile.ts";
import { createProfiler } from "../profile/profiler.ts";
import type { Frame } from "../sketch/histogram.ts";
import type { Baseline, FieldBaseline, StatisticHistory } from "./baseline.ts";
import { addReading, createHistory, type GrowingHistory, toHistory, unlike } from "./history.ts";
import { prepareGauges } from "./judge.ts";
import { choosePairs } from "./pairs.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { addToSample, createSample, eventTimeAt, sampleFrames } from "./sample.ts";
import { seenOf } from "./statistic.ts";
import type { Track } from "./track.ts";
import { addTraffic, createTraffic, type Traffic, toTraffic } from "./traffic.ts";

/** More late rows than this and the data are not in order: a baseline of what is left would be of chance. */
const lateShareMax = 0.25;

export interface BuildOptions {
  readonly limits: Limits;
  readonly toolVersion: string;
  /** Windows that do not lie wholly in `[from, to)` are skipped. */
  readonly from?: EventTime;
  readonly to?: EventTime;
  readonly onProgress?: (progress: BuildProgress) => void;
}

export interface BuildProgress {
  /** 1 frames, 2 reference profile, 3 history. */
  readonly pass: 1 | 2 | 3;
  /** Rows read in this pass. */
  readonly rows: number;
}

/**
 * Three passes over the data, memory bounded by `limits`: every numeric field's median and IQR from a deterministic
 * sample, the merged reference profile, then every statistic's history from window to window.
 * @param open  opens the data anew; rows in event-time order, as far apart as `lateness` allows
 * @throws Fault `input.empty` without a window in range, `input.format` when many rows are late: the data want sorting
 */
export async function buildBaseline(
  view: FeatureView,
  open: () => AsyncIterable<Batch>,
  options: BuildOptions,
): Promise<Baseline> {
  const passes: Passes = { view, open, options };
  const { frames, pairs } = await findFrames(passes);
  const paired: Passes = { ...passes, pairs };
  const reference = await mergeWindows(passes, frames);
  const recorder = createRecorder(view, reference, pairs);
  const { histories, traffic } = await findHistories(paired, frames, reference.profile, recorder);
  const tracks = recorder.tracks();
  const drifts = recorder.drifts();
  const fields = new Map<string, FieldBaseline>();
  for (const { name } of view.fields) {
    const profile = reference.profile.fields.get(name);
    if (profile === undefined) continue;
    fields.set(name, toFieldBaseline(profile, histories.get(name), tracks.get(name)));
  }
  return {
    featureView: view.name,
    spec: view.fingerprint,
    toolVersion: options.toolVersion,
    windowMs: view.window.sizeMs,
    from: reference.profile.firstEvent,
    to: Math.floor(reference.profile.lastEvent) + 1,
    rows: reference.profile.rows,
    windows: reference.windows,
    traffic,
    fields,
    tracks: recorder.view(),
    ...(pairs.length === 0 ? {} : { pairs: recorder.pairs() }),
    ...(drifts.length === 0 ? {} : { drifts }),
  };
}

interface Passes {
  readonly view: FeatureView;
  readonly open: () => AsyncIterable<Batch>;
  readonly options: BuildOptions;
  /** Known after the first pass. */
  readonly pairs?: readonly PairName[];
}

/** By field, by segment key, by statistic. */
type Histories = Map<string, Map<string, Map<StatisticName, GrowingHistory>>>;

async function findFrames(
  passes: Passes,
): Promise<{ frames: ReadonlyMap<string, Frame>; pairs: readonly PairName[] }> {
  const { view, options } = passes;
  const sample = createSample(view);
  for await (const batch of read(passes, 1)) {
    const times = view.source.eventTime === undefined ? undefined : batch.columns.get(view.source.eventTime);
    addToSample(sample, batch, view, (row) => {
      const time = eventTimeAt(times, row);
      return time !== undefined && time >= (options.from ?? -Infinity) && time < (options.to ?? Infinity);
    });
  }
  const frames = sampleFrames(sample);
  return { frames, pairs: choosePairs(view, sample, frames) };
}

async function mergeWindows(
  passes: Passes,
  frames: ReadonlyMap<string, Frame>,
): Promise<{ profile: WindowProfile; windows: number }> {
  let profile: WindowProfile | undefined;
  let windows = 0;
  const whole = { ...passes.view, segments: [] };
  const counts = await eachWindow(passes, whole, frames, 2, (closed) => {
    const span = { ...closed, window: profile?.window ?? closed.window }; // A merge is of one window, whichever.
    profile = profile === undefined ? span : mergeProfiles(profile, span);
    windows += 1;
  });
  if (profile === undefined) throw nothingInRange(passes, counts);
  const { late, profiled } = counts;
  if (late > (late + profiled) * lateShareMax) throw unsorted(passes.view, counts);
  return { profile, windows };
}

async function findHistories(
  passes: Passes,
  frames: ReadonlyMap<string, Frame>,
  reference: WindowProfile,
  recorder: Recorder,
): Promise<{ histories: Histories; traffic: Traffic | undefined }> {
  const { view } = passes;
  const histories: Histories = new Map();
  const traffic = createTraffic();
  const fields = view.fields.flatMap((field) => {
    const profile = reference.fields.get(field.name);
    if (profile === undefined) return [];
    return [{ name: field.name, gauges: prepareGauges(field, { profile }, view) }];
  });
  await eachWindow(passes, view, frames, 3, (closed) => {
    const key = segmentKey(closed.segment);
    if (closed.segment === null) {
      addTraffic(traffic, closed);
      recorder.add(closed);
    }
    for (const { name, gauges } of fields) {
      const profile = closed.fields.get(name);
      if (profile === undefined) continue;
      const seen = seenOf(profile, closed.segment, closed.lastEvent);
      for (const { statistic, gauge } of gauges) {
        const reading = gauge.varies ? gauge.read(seen, undefined) : undefined;
        if (reading === undefined || reading.rows < view.window.minRows) continue;
        const segments = getOrInsert(histories, name, () => new Map());
        const known = getOrInsert(segments, key, () => new Map<StatisticName, GrowingHistory>());
        addReading(getOrInsert(known, statistic, createHistory), reading);
      }
    }
  });
  return { histories, traffic: toTraffic(traffic) };
}

function toFieldBaseline(
  profile: FieldBaseline["profile"],
  histories: ReadonlyMap<string, ReadonlyMap<StatisticName, GrowingHistory>> | undefined,
  tracks: ReadonlyMap<string, Track> | undefined,
): FieldBaseline {
  const statistics = new Map<StatisticName, StatisticHistory>();
  for (const [name, growing] of histories?.get("") ?? []) statistics.set(name, toHistory(growing));
  const segments = new Map<string, ReadonlyMap<StatisticName, StatisticHistory>>();
  for (const key of [...(histories?.keys() ?? [])].sort()) {
    const own = key === "" ? undefined : unlike(histories?.get(key) ?? new Map(), statistics);
    if (own !== undefined && own.size > 0) segments.set(key, own);
  }
  return {
    profile,
    statistics,
    ...(tracks === undefined ? {} : { tracks }),
    ...(segments.size === 0 ? {} : { segments }),
  };
}

/** Profiles all the data and hands over every window that lies in range, in order of time. */
async function eachWindow(
  passes: Passes,
  view: FeatureView,
  frames: ReadonlyMap<string, Frame>,
  pass: 2 | 3,
  take: (profile: WindowProfile) => void,
): Promise<Counts> {
  const { limits, from = -Infinity, to = Infinity } = passes.options;
  const profiler = createProfiler({ view, frames, pairs: passes.pairs ?? [], limits });
  const state = profiler.start();
  const counts = emptyCounts();
  const takeInRange = (profiles: readonly WindowProfile[]): void => {
    for (const profile of profiles) {
      if (profile.rows > 0 && profile.window.start >= from && profile.window.end <= to) take(profile);
    }
  };
  let batches = 0;
  for await (const batch of read(passes, pass)) {
    const folded = profiler.fold(state, batch, { timestamp: undefined, position: `baseline@${batches++}` });
    addCounts(counts, folded.counts);
    takeInRange(folded.closed);
  }
  takeInRange(profiler.flush(state));
  return counts;
}

async function* read({ open, options }: Passes, pass: 1 | 2 | 3): AsyncIterable<Batch> {
  let rows = 0;
  for await (const batch of open()) {
    yield batch;
    rows += batch.rows;
    options.onProgress?.({ pass, rows });
  }
}

function nothingInRange({ view, options }: Passes, { read: rows, rejected }: Counts): Fault {
  if (rows > 0 && rejected === rows) {
    return new Fault(
      "input.empty",
      `none of ${rows} rows has an event time in ${view.source.eventTime ?? "the record"}`,
      {
        hint: "name the column with the event time under source.eventTime",
      },
    );
  }
  if (rows === 0) return new Fault("input.empty", "no row to learn from");
  const [from, to] = [options.from ?? -Infinity, options.to ?? Infinity];
  const range = [
    Number.isFinite(from) ? ` from ${isoTime(from)}` : "",
    Number.isFinite(to) ? ` to ${isoTime(to)}` : "",
  ].join("");
  return new Fault(
    "input.empty",
    `none of ${rows} rows lies in a whole window of ${formatDuration(view.window.sizeMs)}${range}`,
    {
      hint: "give a time range that the data cover by at least one whole window",
    },
  );
}

function unsorted(view: FeatureView, { late, profiled }: Counts): Fault {
  const lateness = formatDuration(view.window.latenessMs);
  return new Fault(
    "input.format",
    `${late} of ${late + profiled} rows are later than ${lateness}: not in order of event time`,
    {
      hint: `sort the data by ${view.source.eventTime ?? "event time"}, or raise window.lateness`,
    },
  );
}
