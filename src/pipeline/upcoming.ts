import type { EventTime } from "../model/time.ts";
import { segmentKey } from "../model/verdict.ts";
import { encodeClosed } from "../profile/codec.ts";
import type { WindowProfile } from "../profile/profile.ts";

/** What is kept at most, together; beyond it the oldest are let go of, and it is said. */
const bytesMax = 16 * 1024 * 1024;

/** No upgrade takes longer: what ended so long before the newest is of a spec that nobody brings. */
const ageMaxMs = 24 * 3_600_000;

/**
 * Closed windows of a spec that this judge does not know: while a group is upgraded one process after the other, those that have the
 * new spec profile by it before the judge has it. They wait, in the judge's checkpoint too, for the judge that does.
 */
export interface Upcoming {
  /** The same key again replaces what was there. @returns false when older ones had to be let go of */
  keep(partition: string, profile: WindowProfile): boolean;
  encode(): readonly UpcomingPart[];
}

export interface UpcomingPart {
  readonly partition: string;
  readonly bytes: Uint8Array;
}

interface Kept extends UpcomingPart {
  readonly end: EventTime;
}

export function createUpcoming(): Upcoming {
  const parts = new Map<string, Kept>();
  let total = 0;
  const forget = (key: string): void => {
    total -= parts.get(key)?.bytes.length ?? 0;
    parts.delete(key);
  };
  return {
    keep(partition, profile) {
      const { spec, segment, window } = profile;
      const key = [spec, window.start, partition, segmentKey(segment)].join("|");
      forget(key);
      const bytes = encodeClosed(profile);
      parts.set(key, { partition, bytes, end: window.end });
      total += bytes.length;
      for (const [old, { end }] of parts) if (end < window.end - ageMaxMs) forget(old);
      const before = parts.size;
      for (const oldest of parts.keys()) {
        if (total <= bytesMax) break;
        forget(oldest);
      }
      return parts.size === before;
    },
    encode: () => [...parts.values()].map(({ partition, bytes }) => ({ partition, bytes })),
  };
}
