import type { Admin, Consumer, Batch as KafkaBatch } from "kafkajs";
import { type Partition, partitionKey } from "../model/record.ts";
import type { Anchor, Extent, Gap, Resume } from "../pipeline/ports.ts";

/** Where one assigned partition stands. */
export interface Position {
  readonly partition: Partition;
  /** The offset that is to come. */
  next: number;
  /** The record at `next` if the log is still the one that the state was made from; undefined once that is known. */
  anchor: Anchor | undefined;
  /** Until a batch has come that was fetched from `next`: one that another assignment had fetched may still be under way. */
  sought: boolean;
  /** Since the place was sought, kafkajs has found nothing to hand over below this offset (holes, markers, what was aborted). */
  passed: number;
  /** Where the batch was fetched from that was refused because of `sought`; it is refused once. */
  refused: number | undefined;
}

/**
 * Where to begin. Kafka names a topic's incarnation by an id that this client cannot ask for; so the last record that the
 * state has seen is read once more: in another log another record stands there, with another timestamp, or none.
 */
export function placeOf(
  partition: Partition,
  resume: Resume | undefined,
  range: Extent,
): { position: Position; gap: Gap | undefined } {
  const at = (next: number, anchor?: Anchor): Position => ({
    ...{ partition, next, anchor, sought: true, passed: next, refused: undefined },
  });
  const { low, high } = range;
  const key = partitionKey(partition);
  if (resume === undefined) return { position: at(range.from ?? low), gap: undefined };
  const { offset, anchor } = resume;
  if (offset > high) {
    const why = `${key}: the log ends at ${high}, the state at ${offset} (topic made anew, or offsets went back)`;
    return { position: at(low), gap: { from: high, to: undefined, why } };
  }
  if (offset < low) {
    const why = `${key}: offsets ${offset} to ${low - 1} were removed from the log before they were read`;
    return { position: at(low), gap: { from: offset, to: low, why } };
  }
  return anchor === undefined || anchor.offset < low
    ? { position: at(offset), gap: undefined }
    : { position: at(anchor.offset, anchor), gap: undefined };
}

/** What kafkajs keeps of a batch, and does not say so. */
interface Kept extends KafkaBatch {
  /** The offset that the broker was asked for. */
  readonly fetchedOffset: string;
  readonly rawMessages: readonly {
    readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number };
  }[];
}

export function fetchedFrom(batch: KafkaBatch): number {
  return Number((batch as Kept).fetchedOffset);
}

/** The offset behind a batch: compaction may have taken the last records of the last of its record batches. */
export function endOf(batch: KafkaBatch): number {
  const end = Number(batch.lastOffset()) + 1;
  const context = (batch as Kept).rawMessages.at(-1)?.batchContext;
  return context === undefined
    ? end
    : Math.max(end, Number(context.firstOffset) + context.lastOffsetDelta + 1);
}

/**
 * Whether a batch may be of another assignment than the place that was sought. One that was fetched from behind it may also be
 * the first that has a record, when kafkajs has passed over what lies between; then it comes again when it is sought again.
 */
export function isStray(position: Position, batch: KafkaBatch): boolean {
  const from = fetchedFrom(batch);
  if (!position.sought || from === position.next) return false;
  return from !== position.passed || from !== position.refused;
}

/**
 * Whether this batch is of another log than the position: another record stands where the anchor was, or the log has
 * begun again below it.
 */
export async function isNewLog(position: Position, batch: KafkaBatch, admin: Admin): Promise<boolean> {
  const first = batch.messages[0];
  const { anchor } = position;
  position.anchor = undefined;
  if (first === undefined) return false;
  const offset = Number(first.offset);
  if (anchor !== undefined && offset === anchor.offset && Number(first.timestamp) !== anchor.timestamp)
    return true;
  if (offset >= position.next) return false;
  const ends = await admin.fetchTopicOffsets(batch.topic);
  const high = Number(ends.find((each) => each.partition === batch.partition)?.high ?? 0);
  return high < position.next;
}

/**
 * Which partitions are read from their first record when there is no state of them: all, or with `startFrom: latest` those
 * that the topic has been given since the group began to read it.
 * @param counts  partitions that each topic had when it was last looked at; brought up to date
 */
export async function newPartitions(
  { startFrom, groupId }: { readonly startFrom: "earliest" | "latest"; readonly groupId: string },
  {
    admin,
    counts,
    topic,
    count,
  }: { admin: Admin; counts: Map<string, number>; topic: string; count: number },
): Promise<(partition: number) => boolean> {
  if (startFrom === "earliest") return () => true;
  const before = counts.get(topic) ?? count;
  counts.set(topic, count);
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const has = new Set(
    committed?.partitions.filter(({ offset }) => Number(offset) >= 0).map(({ partition }) => partition),
  );
  return (partition) => partition >= before || (has.size > 0 && !has.has(partition));
}

/** Records behind a batch that was just taken. */
export function lagOf(batch: KafkaBatch): number {
  return Math.max(0, Number(batch.highWatermark) - endOf(batch));
}

/** Tells the group of them, for whoever looks at lags. */
export async function commit(
  consumer: Consumer,
  positions: ReadonlyMap<string, Position>,
  offsets: ReadonlyMap<string, number>,
): Promise<void> {
  const commits = [...offsets].flatMap(([key, offset]) => {
    const position = positions.get(key);
    return position === undefined ? [] : [{ ...position.partition, offset: String(offset) }];
  });
  if (commits.length === 0) return;
  await consumer.commitOffsets(commits).catch((error: unknown) => {
    // a courtesy: our own checkpoint is what counts, and a rebalance may be under way
    if (!(error instanceof Error)) throw error;
  });
}
