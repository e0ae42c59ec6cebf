import { type Batch, cellOf } from "../model/batch.ts";
import { capturedColumns } from "../model/captured.ts";
import { type Message, type Partition, partitionKey } from "../model/record.ts";
import { sliceBatch } from "../pipeline/time-range.ts";

export interface Placed {
  readonly partition: Partition;
  /** Numbers of all partitions that were captured with it. */
  readonly among: readonly number[];
  readonly message: Message;
}

/** Rows of captured files as the messages they were: a message that two batches share comes once, whole. */
export interface Unpacker {
  /** The messages that end in this batch; undefined when the batch is not captured from a topic. */
  add(batch: Batch): readonly Placed[] | undefined;
  /** The last message. */
  end(): readonly Placed[];
}

interface Held {
  readonly key: string;
  readonly among: readonly number[];
  readonly partition: Partition;
  readonly offset: number;
  readonly timestamp: number;
  readonly batches: Batch[];
}

export function createUnpacker(): Unpacker {
  let held: Held | undefined;
  const release = (): Placed[] => {
    if (held === undefined) return [];
    const { partition, among, offset, timestamp, batches } = held;
    held = undefined;
    const body = { kind: "batches", batches } as const;
    return [{ partition, among, message: { offset, timestamp, headers: new Map(), body } }];
  };
  return {
    add(batch) {
      const { columns, rows } = batch;
      if (!Object.values(capturedColumns).every((name) => columns.has(name))) return undefined;
      const at = (name: string, row: number): string | number => {
        const column = columns.get(name);
        const cell = column === undefined ? null : cellOf(column, row);
        return typeof cell === "string" || typeof cell === "number" ? cell : Number.NaN;
      };
      const placed: Placed[] = [];
      let start = 0;
      for (let row = 0; row < rows; ) {
        const partition: Partition = {
          topic: String(at(capturedColumns.topic, row)),
          partition: Number(at(capturedColumns.partition, row)),
        };
        const offset = Number(at(capturedColumns.offset, row));
        const key = `${partitionKey(partition)}@${offset}`;
        const timestamp = Number(at(capturedColumns.timestamp, row));
        row += 1;
        while (
          row < rows &&
          Number(at(capturedColumns.offset, row)) === offset &&
          at(capturedColumns.partition, row) === partition.partition &&
          at(capturedColumns.topic, row) === partition.topic
        )
          row += 1;
        const part = sliceBatch(batch, start, row);
        if (held?.key === key) held.batches.push(part);
        else {
          placed.push(...release());
          const among = String(at(capturedColumns.partitions, start)).split(",").map(Number);
          held = { key, partition, among, offset, timestamp, batches: [part] };
        }
        start = row;
      }
      return placed;
    },
    end: release,
  };
}
