import type { Sink, Store } from "./ports.ts";

const keyOf = ({ name }: Sink): string => `sink/${name}`;

/** What sinks have still to deliver, as entries of a checkpoint. */
export function saveSinks(sinks: readonly Sink[], into: Map<string, Uint8Array>): void {
  for (const sink of sinks) {
    const bytes = sink.save?.();
    if (bytes !== undefined) into.set(keyOf(sink), bytes);
  }
}

/** Hands sinks what they had still to deliver. */
export async function restoreSinks(sinks: readonly Sink[], store: Store): Promise<void> {
  for (const sink of sinks) {
    if (sink.restore === undefined) continue;
    const bytes = await store.load(keyOf(sink));
    if (bytes !== undefined) sink.restore(bytes);
  }
}
