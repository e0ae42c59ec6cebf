import type { Baseline } from "../judge/baseline.ts";
import { framesOf } from "../judge/baseline-file.ts";
import { judgeSilence, silentWindowsMin } from "../judge/traffic.ts";
import type { FeatureView } from "../model/feature-view.ts";
import { type EventTime, windowOf } from "../model/time.ts";
import type { JudgedWindow } from "../model/verdict.ts";
import { emptyProfile } from "../profile/merge.ts";
import type { WindowProfile } from "../profile/profile.ts";
import { silentWindow } from "./judged-windows.ts";

/** Without a baseline nobody knows how rows come: so many windows without one make a view stale, and page nobody. */
const unknownWindows = 3;

/** Rows that stay away, of one view. */
export interface Silence {
  /** What is said of `[from, through)`, in which no row came: once, and only if that is longer than chance explains. */
  gap(from: EventTime, through: EventTime): SilentWindow | undefined;
  /**
   * As long a silence by the clock as would be one by the data's.
   * @param seen  the largest event time of all rows
   * @param silentMs  for how long none has come
   */
  heartbeat(judgedThrough: EventTime, seen: EventTime, silentMs: number): SilentWindow | undefined;
  /** Whether rows have stayed away for `staleAfterMs` and no newer one has come since. */
  readonly stale: boolean;
  encode(): SilenceState;
  restore(state: Partial<SilenceState>): void;
}

export interface SilentWindow {
  readonly judged: JudgedWindow;
  readonly profile: WindowProfile;
}

/** What survives a restart; what an older tidemark saved lacks some of it. */
export interface SilenceState {
  /** Start of the silence that has been told; null when there is none. */
  readonly silentSince: EventTime | null;
  /** The newest row of a view that is stale; null when it is not. */
  readonly staleSince: EventTime | null;
}

export function createSilence(view: FeatureView, baseline: Baseline | undefined): Silence {
  const { sizeMs } = view.window;
  let [silentSince, staleSince] = [Number.NaN, Number.NaN];
  const gap = (from: EventTime, through: EventTime): SilentWindow | undefined => {
    const traffic = baseline?.traffic;
    if (traffic === undefined || !Number.isFinite(from) || silentSince === from) return undefined;
    const length = silentWindowsMin(traffic);
    const end = from + length * sizeMs;
    if (end > through) return undefined;
    silentSince = from;
    const window = { start: end - sizeMs, end };
    const profile = emptyProfile(view, framesOf(baseline), null, window);
    return { judged: silentWindow(view, window, judgeSilence(traffic, length, from)), profile };
  };
  return {
    gap,
    heartbeat(judgedThrough, seen, silentMs) {
      if (!Number.isFinite(seen)) return undefined;
      if (silentMs >= staleAfterMs(view, baseline)) staleSince = seen;
      else if (seen > staleSince) staleSince = Number.NaN;
      const beyondMs = silentMs - view.window.latenessMs;
      if (beyondMs < sizeMs) return undefined;
      const from = Math.max(judgedThrough, windowOf(seen, sizeMs).end); // what is still open has rows
      return gap(from, from + beyondMs);
    },
    get stale() {
      return !Number.isNaN(staleSince);
    },
    encode: () => ({ silentSince: orNull(silentSince), staleSince: orNull(staleSince) }),
    restore(state) {
      silentSince = state.silentSince ?? Number.NaN;
      staleSince = state.staleSince ?? Number.NaN;
    },
  };
}

/** How long rows may stay away before a view is stale. */
export function staleAfterMs({ window }: FeatureView, baseline: Baseline | undefined): number {
  const traffic = baseline?.traffic;
  const windows = traffic === undefined ? unknownWindows : silentWindowsMin(traffic);
  return windows * window.sizeMs + window.latenessMs;
}

function orNull(time: EventTime): EventTime | null {
  return Number.isNaN(time) ? null : time;
}
