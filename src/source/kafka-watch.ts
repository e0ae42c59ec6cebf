import type { Kafka } from "kafkajs";

/** Ends the round when a topic that was missing has come. */
export function watchForTopics(
  { client, topics }: { readonly client: Kafka; readonly topics: readonly string[] },
  existing: readonly string[],
  everyMs: number,
  restart: () => void,
): NodeJS.Timeout | undefined {
  const missing = topics.filter((topic) => !existing.includes(topic));
  if (missing.length === 0) return undefined;
  return setInterval(async () => {
    const admin = client.admin();
    try {
      await admin.connect();
      const all = new Set(await admin.listTopics());
      if (missing.some((topic) => all.has(topic))) restart();
    } catch {
      // the consumer itself reports a broker that is away; the next look is soon
    } finally {
      await admin.disconnect();
    }
  }, everyMs);
}

/**
 * Whether the wall clock has been set back by more than `byMs` since the last call. kafkajs counts its heartbeats by it: set
 * back by an hour, it would send none for an hour.
 */
export function watchClock(byMs: number): () => boolean {
  const aheadMs = (): number => Date.now() - performance.now();
  let before = aheadMs();
  return () => {
    const [was, is] = [before, aheadMs()];
    before = is;
    return is < was - byMs;
  };
}
