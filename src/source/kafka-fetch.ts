import assert from "node:assert/strict";
import type { Kafka, KafkaMessage } from "kafkajs";
import { Fault } from "../model/fault.ts";
import type { Message } from "../model/record.ts";
import { toMessage } from "./kafka-message.ts";

/** Only what is committed is read, as by `tidemark run`. */
const readCommitted = 1;

/** ListOffsets' own words for the two ends of a log. */
const [latestOffset, earliestOffset] = [-1, -2];

/** What a fetch found in one partition. */
export interface Fetched {
  readonly partition: number;
  /** Committed records, in order; no control records, no aborted ones. */
  readonly messages: readonly Message[];
  /** Where the next fetch goes on; undefined when the broker gave nothing at all. */
  readonly next: number | undefined;
}

/** Reads a topic's partitions from given offsets: no group, no commits, nothing on the broker remembers it. */
export interface TopicReader {
  /** Numbers of the topic's partitions, ascending. */
  readonly partitions: readonly number[];
  /** First offset that is still there, by partition. */
  earliest(): Promise<ReadonlyMap<number, number>>;
  /** First offset that is not committed yet: behind the last record, and behind any open transaction nothing is read. */
  latest(): Promise<ReadonlyMap<number, number>>;
  /** First offset whose record's timestamp is at or after `time`; `latest` where there is none. */
  at(time: number): Promise<ReadonlyMap<number, number>>;
  /** The partitions among `wanted` that one broker leads, broker by broker. */
  byLeader(wanted: readonly number[]): readonly (readonly number[])[];
  /** @param from  partitions of one leader and the offset that each is read from */
  fetch(from: ReadonlyMap<number, number>, bounds: FetchBounds): Promise<readonly Fetched[]>;
  /** Asks again who leads what: after an error that another try may mend. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface FetchBounds {
  readonly waitMs: number;
  /** Of one partition; a larger record batch comes alone (KIP-74). */
  readonly partitionBytes: number;
  readonly totalBytes: number;
}

/**
 * kafkajs reads only for members of a group; its cluster, which it keeps to itself, reads for anybody. The version is
 * pinned, and a test against a real broker fails when this door closes.
 *
 * @throws Fault `input.missing` when there is no such topic; else whatever kafkajs throws
 */
export async function openTopic(client: Kafka, topic: string): Promise<TopicReader> {
  const cluster = clusterOf(client);
  try {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
  } catch (error) {
    await cluster.disconnect();
    const { type } = error as { type?: unknown };
    if (type !== "UNKNOWN_TOPIC_OR_PARTITION" && type !== "INVALID_TOPIC_EXCEPTION") throw error;
    throw new Fault("input.missing", `${topic}: no such topic`, {
      cause: error,
      hint: "`kcat -L -b BROKER` lists the topics that there are",
    });
  }
  const partitions = cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => partitionId)
    .sort((a, b) => a - b);
  const offsets = async (fromTimestamp: number): Promise<Map<number, number>> => {
    const [answer] = await cluster.fetchTopicsOffset([
      { topic, partitions: partitions.map((partition) => ({ partition })), fromTimestamp },
    ]);
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  };
  const latest = (): Promise<Map<number, number>> => offsets(latestOffset);
  return {
    partitions,
    earliest: () => offsets(earliestOffset),
    latest,
    async at(time) {
      const [found, ends] = await Promise.all([offsets(Math.max(0, Math.ceil(time))), latest()]);
      return new Map(
        [...ends].map(([partition, end]) => {
          const offset = found.get(partition) ?? -1; // −1: no record is as late
          return [partition, offset < 0 ? end : Math.min(offset, end)];
        }),
      );
    },
    byLeader: (wanted) => Object.values(cluster.findLeaderForPartitions(topic, wanted)),
    async fetch(from, { waitMs, partitionBytes, totalBytes }) {
      const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [...from.keys()]));
      assert(leader !== undefined);
      const broker = await cluster.findBroker({ nodeId: leader });
      const { responses } = await broker.fetch({
        replicaId: -1,
        isolationLevel: readCommitted,
        maxWaitTime: waitMs,
        minBytes: 1,
        maxBytes: totalBytes,
        topics: [...from].map(([partition, offset]) => ({
          topic,
          partitions: [{ partition, fetchOffset: String(offset), maxBytes: partitionBytes }],
        })),
      });
      return responses.flatMap(({ partitions: answers }) =>
        answers.map((answer) => toFetched(answer, from.get(answer.partition) ?? 0)),
      );
    },
    refresh: () => cluster.refreshMetadata(),
    close: () => cluster.disconnect(),
  };
}

/** A record as kafkajs decodes it, with what its record batch says. */
type RawRecord = Pick<KafkaMessage, "offset" | "timestamp" | "key" | "value" | "headers"> & {
  readonly isControlRecord: boolean;
  readonly batchContext?: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
};

export interface PartitionAnswer {
  readonly partition: number;
  readonly abortedTransactions:
    | readonly { readonly producerId: string; readonly firstOffset: string }[]
    | null;
  readonly messages: readonly RawRecord[];
}

/** The end of the last record batch counts, not its last record: compaction may have taken that. */
export function toFetched(
  { partition, abortedTransactions, messages }: PartitionAnswer,
  position: number,
): Fetched {
  const last = messages.at(-1);
  if (last === undefined) return { partition, messages: [], next: undefined };
  const { batchContext } = last;
  const end =
    batchContext === undefined
      ? Number(last.offset) + 1
      : Number(batchContext.firstOffset) + batchContext.lastOffsetDelta + 1;
  const committed = withoutAborted(messages, abortedTransactions ?? []);
  return {
    partition,
    messages: committed.filter(({ offset }) => Number(offset) >= position).map(toMessage),
    next: Math.max(end, position),
  };
}

const abortMarker = Buffer.from([0, 0, 0, 0]);

/** An aborted transaction reaches from its first offset to its producer's abort marker; the broker lists those that touch the fetch. */
function withoutAborted(
  records: readonly RawRecord[],
  aborted: NonNullable<PartitionAnswer["abortedTransactions"]>,
): readonly RawRecord[] {
  const waiting = aborted.toSorted((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const open = new Set<string>();
  return records.filter(({ offset, key, isControlRecord, batchContext }) => {
    while (waiting[0] !== undefined && Number(waiting[0].firstOffset) <= Number(offset))
      open.add(waiting.shift()?.producerId ?? "");
    if (batchContext === undefined) return true; // message formats before transactions
    if (isControlRecord) {
      if (key !== null && Buffer.from(key).equals(abortMarker)) open.delete(batchContext.producerId);
      return false;
    }
    return !(batchContext.inTransaction && open.has(batchContext.producerId));
  });
}

/** What is used of kafkajs's own `Cluster` (src/cluster/index.js of 2.2.4). */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findBroker(node: { nodeId: string }): Promise<{
    fetch(request: object): Promise<{ responses: readonly { partitions: readonly PartitionAnswer[] }[] }>;
  }>;
  fetchTopicsOffset(
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number }[];
      fromTimestamp: number;
    }[],
  ): Promise<readonly { partitions: readonly { partition: number; offset: string }[] }[]>;
}

function clusterOf(client: Kafka): Cluster {
  const key = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === "private:Kafka:createCluster",
  );
  assert(key !== undefined, "kafkajs has another door to its cluster than 2.2.4 had");
  const create = (client as unknown as Record<symbol, (options: object) => Cluster>)[key];
  assert(create !== undefined);
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: readCommitted });
}
