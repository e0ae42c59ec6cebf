import type { Counts } from "../model/record.ts";
import { emptyCounts } from "../model/record.ts";
import { seal, unseal } from "../sketch/wire.ts";
import { readProfile, writeProfile } from "./codec.ts";
import type { WindowProfile } from "./profile.ts";

/**
 * The first three were those of the profiles within.
 *
 * 4  windows that have closed and may be revised; of each profile, whether it has been told as it is
 */
const stateVersion = 4;

const countNames = ["read", "profiled", "late", "rejected", "deadLettered"] as const;

/** What a profiler keeps of a partition, as it is saved. */
export interface SavedState {
  readonly lastEvent: number;
  readonly late: number;
  readonly counts: Readonly<Counts>;
  /** In order of time; of one window the whole view first. */
  readonly profiles: readonly { readonly profile: WindowProfile; readonly told: boolean }[];
}

export function encodeSaved({ lastEvent, late, counts, profiles }: SavedState): Uint8Array {
  return seal(stateVersion, (writer) => {
    writer.float(lastEvent);
    writer.count(late);
    for (const name of countNames) writer.count(counts[name]);
    writer.count(profiles.length);
    for (const { profile, told } of profiles) {
      writeProfile(writer, profile);
      writer.byte(told ? 1 : 0);
    }
  });
}

/** Of any spec: profiles bear theirs. @throws Fault `sketch.corrupt`, `store.version` for a newer one */
export function decodeSaved(bytes: Uint8Array): SavedState {
  return unseal(bytes, "partition state", stateVersion, (reader, version) => {
    const [lastEvent, late, counts] = [reader.number(), reader.count(), emptyCounts()];
    for (const name of countNames) counts[name] = reader.count();
    const profiles: { profile: WindowProfile; told: boolean }[] = [];
    for (let left = reader.length(8); left > 0; left--) {
      const profile = readProfile(reader, version);
      profiles.push({ profile, told: version >= 4 && reader.byte() === 1 });
    }
    return { lastEvent, late, counts, profiles };
  });
}
