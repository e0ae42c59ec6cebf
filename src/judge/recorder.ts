import type { FeatureView, FieldSpec } from "../model/feature-view.ts";
import type { PairName, WindowProfile } from "../profile/profile.ts";
import { type BaselineDrift, findDrift } from "./baseline-drift.ts";
import { correlationSignal, type PairBaseline, readPair, sayPair } from "./pairs.ts";
import { minRowsOf } from "./policy.ts";
import { addToSeries, createSeries, type Series } from "./series.ts";
import type { Signal } from "./signal.ts";
import { signalsFor } from "./signals.ts";
import { viewSignals } from "./signals-view.ts";
import { seenOf } from "./statistic.ts";
import type { Track } from "./track.ts";
import { toTrack } from "./track-build.ts";

/** By field, by signal. */
export type Tracks = ReadonlyMap<string, ReadonlyMap<string, Track>>;

/** Follows a baseline's windows for the warning layer. */
export interface Recorder {
  /** Closed windows of the whole view, in order of time. */
  add(profile: WindowProfile): void;
  tracks(): Tracks;
  pairs(): readonly PairBaseline[];
  /** Of the stream itself: of its windows but the first and the last, which may be cut short. */
  view(): ReadonlyMap<string, Track>;
  /** What changed while the windows went by, of each field the farthest; the farthest first, at most `driftsMax`. */
  drifts(): readonly BaselineDrift[];
}

/** More fields than this have drifted in one baseline: it is no reference, whatever the others did. */
const driftsMax = 100;

/** @param reference  all windows merged, and how many they are */
export function createRecorder(
  view: FeatureView,
  reference: { readonly profile: WindowProfile; readonly windows: number },
  pairs: readonly PairName[] = [],
): Recorder {
  const { sizeMs: windowMs, minRows } = view.window;
  const rowsPerWindow = reference.profile.rows / Math.max(1, reference.windows);
  const recorded = view.fields.flatMap((field) => {
    const profile = reference.profile.fields.get(field.name);
    if (profile === undefined) return [];
    const signals = signalsFor(field, profile, rowsPerWindow);
    return [{ field, signals: signals.map((signal) => ({ signal, series: createSeries() })) }];
  });
  const all = recorded.reduce((sum, { signals }) => sum + signals.length, 0);
  const paired = pairs.map(({ a, b }) => ({ pair: { a, b }, series: createSeries() }));
  const streamed = viewSignals.map((signal) => ({ signal, series: createSeries() }));
  let previous: WindowProfile | undefined;
  let begun = false;
  const trackOf = (field: FieldSpec, signal: Signal, series: Series): Track | undefined =>
    toTrack(signal, series, { windowMs, seasonality: field.drift.seasonality });
  const trackOfView = (signal: Pick<Signal, "kind">, series: Series): Track | undefined =>
    toTrack(signal, series, { windowMs, seasonality: view.drift.seasonality });
  return {
    add(closed) {
      const { window, segment, lastEvent, fields } = closed;
      const number = Math.round(window.start / windowMs);
      if (begun && previous !== undefined) {
        const at = Math.round(previous.window.start / windowMs);
        for (const { signal, series } of streamed) {
          const observed = signal.read(previous);
          if (observed !== undefined) addToSeries(series, at, observed, all);
        }
      }
      begun = previous !== undefined;
      previous = closed;
      for (const { pair, series } of paired) {
        const observed = readPair(closed, pair);
        if (observed !== undefined && observed.rows >= minRows) addToSeries(series, number, observed, all);
      }
      for (const { field, signals } of recorded) {
        const profile = fields.get(field.name);
        if (profile === undefined) continue;
        const seen = seenOf(profile, segment, lastEvent);
        for (const { signal, series } of signals) {
          const observed = signal.read(seen);
          if (observed !== undefined && observed.rows >= minRowsOf(field, view))
            addToSeries(series, number, observed, all);
        }
      }
    },
    view: () =>
      new Map(
        streamed.flatMap(({ signal, series }): [string, Track][] => {
          const track = trackOfView(signal, series);
          return track !== undefined && signal.serves(track) ? [[signal.name, track]] : [];
        }),
      ),
    pairs: () =>
      paired.flatMap(({ pair, series }) => {
        const track = trackOfView(correlationSignal, series);
        return track === undefined ? [] : [{ ...pair, track }];
      }),
    tracks: () =>
      new Map(
        recorded.map(({ field, signals }) => [
          field.name,
          new Map(
            signals.flatMap(({ signal, series }): [string, Track][] => {
              const track = trackOf(field, signal, series);
              return track === undefined ? [] : [[signal.name, track]];
            }),
          ),
        ]),
      ),
    drifts() {
      const looked = { windowMs, signals: all + paired.length + streamed.length };
      const ofFields = recorded.flatMap(({ field, signals }) => {
        const found = signals.flatMap(({ signal, series }) => {
          const track = trackOf(field, signal, series);
          const drift = track && findDrift(field.name, signal, series, track, looked);
          return drift === undefined ? [] : [drift];
        });
        return farthest(found).slice(0, 1);
      });
      const ofPairs = paired.flatMap(({ pair, series }) => {
        const track = trackOfView(correlationSignal, series);
        const say = (observed: number, expected: number): string => sayPair(pair, observed, expected);
        const drift = track && findDrift(null, { ...correlationSignal, say }, series, track, looked);
        return drift === undefined ? [] : [drift];
      });
      const ofView = streamed.flatMap(({ signal, series }) => {
        const track = trackOfView(signal, series);
        const drift =
          track && signal.serves(track) ? findDrift(null, signal, series, track, looked) : undefined;
        return drift === undefined ? [] : [drift];
      });
      return farthest([...ofFields, ...ofPairs, ...ofView]).slice(0, driftsMax);
    },
  };
}

function farthest(drifts: readonly BaselineDrift[]): readonly BaselineDrift[] {
  return drifts.toSorted((a, b) => b.shift - a.shift);
}
