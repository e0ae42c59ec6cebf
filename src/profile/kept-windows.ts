import type { EventTime } from "../model/time.ts";
import { decodeProfile, encodeProfile } from "./codec.ts";
import type { WindowProfile } from "./profile.ts";
import { isClosed, isRevisable, type WindowPolicy } from "./window.ts";

/** Of one window: profiles by `segmentKey`, the whole view under "". Values per segment field are bounded. */
export interface KeptWindow {
  readonly start: EventTime;
  readonly profiles: Map<string, WindowProfile>;
  /** Once it has closed: the profiles that have been told of as they are. Others hold them, so they change no more. */
  told: Set<string> | undefined;
  /** How many values of each segment field have a profile of their own. */
  readonly values: Map<string, number>;
}

/**
 * What closes; and, whenever something does, what late rows have made of windows that were closed before, so that each is judged
 * again at most once a window. Windows that can change no more are let go of.
 * @returns in order of time; of one window the whole view first
 */
export function closeUpTo(
  windows: Map<EventTime, KeptWindow>,
  watermark: EventTime,
  policy: WindowPolicy,
): WindowProfile[] {
  const due = [...windows.values()].filter(({ start }) => isClosed(start, watermark, policy));
  const closes = due.some(({ told }) => told === undefined);
  due.sort((a, b) => a.start - b.start);
  return due.flatMap((window) => {
    const isOver = !isRevisable(window.start, watermark, policy);
    if (isOver) windows.delete(window.start);
    if (!closes && !isOver) return [];
    const before = window.told;
    window.told = new Set(window.profiles.keys());
    return [...window.profiles].flatMap(([key, profile]) => (before?.has(key) === true ? [] : [profile]));
  });
}

/** A profile that others hold is left to them as it is. */
export function copyIn(window: KeptWindow, key: string, profile: WindowProfile): WindowProfile {
  const copy = decodeProfile(encodeProfile(profile));
  window.profiles.set(key, copy);
  return copy;
}
