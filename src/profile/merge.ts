import type { FeatureView } from "../model/feature-view.ts";
import type { Window } from "../model/time.ts";
import type { Segment } from "../model/verdict.ts";
import type { Frame } from "../sketch/histogram.ts";
import type { WindowProfile } from "./profile.ts";

/** Neither argument is changed. View, spec, segment, window and frames must be the same. */
export function mergeProfiles(a: WindowProfile, _b: WindowProfile): WindowProfile {
  return a;
}

/** The identity of `mergeProfiles`. */
export function emptyProfile(
  view: FeatureView,
  _frames: ReadonlyMap<string, Frame>,
  segment: Segment | null,
  window: Window,
): WindowProfile {
  return {
    featureView: view.name,
    spec: view.fingerprint,
    segment,
    window,
    rows: 0,
    late: 0,
    firstEvent: Number.POSITIVE_INFINITY,
    lastEvent: Number.NEGATIVE_INFINITY,
    fields: new Map(),
  };
}
