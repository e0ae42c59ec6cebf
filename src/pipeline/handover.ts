import type { WindowProfile } from "../profile/profile.ts";

/** Bytes of the records that wait at most; the profiles themselves take two to three times as much memory. */
const waitingBytesMax = 16 * 1024 * 1024;

/**
 * Closed windows that this process has written to the log of signals, kept until its own judge reads them there: the judge stays
 * a fold over the log, and need not decode what was encoded next door. Who finds nothing here decodes the record.
 */
export interface Handover {
  /** @returns the name that the record bears as a header */
  keep(profile: WindowProfile, bytes: number): string;
  /** The profile of the record of that name, once. */
  take(name: string): WindowProfile | undefined;
}

/** @param processId  no other process, of now or of before, has the same */
export function createHandover(processId: string): Handover {
  const waiting = new Map<string, { readonly profile: WindowProfile; readonly bytes: number }>();
  let [total, count] = [0, 0];
  const forget = (name: string): WindowProfile | undefined => {
    const kept = waiting.get(name);
    if (kept === undefined) return undefined;
    waiting.delete(name);
    total -= kept.bytes;
    return kept.profile;
  };
  return {
    keep(profile, bytes) {
      const name = `${processId}/${count++}`;
      waiting.set(name, { profile, bytes });
      total += bytes;
      for (const oldest of waiting.keys()) {
        if (total <= waitingBytesMax) break;
        forget(oldest);
      }
      return name;
    },
    take: forget,
  };
}
