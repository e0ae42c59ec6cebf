import type { Consumer, Kafka } from "kafkajs";
import { partitionKey } from "../model/record.ts";
import type { Position } from "./kafka-position.ts";

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
      await admin.disconnect().catch(() => undefined);
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

/** How a consumer fares: it asks for records, and for its place in the group, as long as it is well. */
export interface Life {
  /** Since it was last answered; 0 while records are being taken. */
  ageMs(): number;
  /** Records are taken as long as this lasts. */
  taking<T>(work: () => Promise<T>): Promise<T>;
}

export function watchLife(consumer: Consumer, onSign: () => void): Life {
  let [signAt, busy] = [performance.now(), 0];
  const sign = (): void => {
    signAt = performance.now();
    onSign();
  };
  for (const event of [consumer.events.FETCH, consumer.events.GROUP_JOIN]) consumer.on(event, sign);
  return {
    ageMs: () => (busy > 0 ? 0 : performance.now() - signAt),
    async taking(work) {
      busy += 1;
      try {
        return await work();
      } finally {
        busy -= 1;
        sign();
      }
    },
  };
}

/** Takes note of what kafkajs passes over without handing anything on: holes, markers, and what was aborted. */
export function watchHoles(
  consumer: Consumer,
  positions: ReadonlyMap<string, Position>,
  onLag: (partition: string, records: number) => void,
): void {
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const key = partitionKey(payload);
    const position = payload.batchSize === 0 ? positions.get(key) : undefined;
    if (position === undefined) return;
    position.passed = Number(payload.lastOffset) + 1;
    onLag(key, Math.max(0, Number(payload.offsetLag)));
  });
}

/** Waits for it, but no longer; whether it was done in time. What comes of it later is nobody's concern. */
export async function inTime(work: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(late.resolve, ms, false);
  const done = work.then(() => true);
  done.catch(() => undefined); // thrown below when it is in time
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
