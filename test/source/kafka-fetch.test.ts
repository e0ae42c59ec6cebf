import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type PartitionAnswer, toFetched } from "../../src/source/kafka-fetch.ts";

type Raw = PartitionAnswer["messages"][number];

/** A record batch of a producer, as the client decodes it: `offsets` are the records that compaction has left. */
function batch(
  first: number,
  last: number,
  offsets: readonly number[],
  {
    producer = "1",
    inTransaction = false,
    control,
  }: { producer?: string; inTransaction?: boolean; control?: "abort" | "commit" } = {},
): Raw[] {
  return offsets.map((offset) => ({
    offset: String(offset),
    timestamp: "1000",
    attributes: 0,
    size: 0,
    headers: {},
    key: control === undefined ? null : Buffer.from([0, 0, 0, control === "abort" ? 0 : 1]),
    value: Buffer.from(String(offset)),
    isControlRecord: control !== undefined,
    batchContext: {
      firstOffset: String(first),
      lastOffsetDelta: last - first,
      producerId: producer,
      inTransaction,
    },
  }));
}

const read = (
  messages: readonly Raw[],
  position: number,
  abortedTransactions: PartitionAnswer["abortedTransactions"] = null,
): { offsets: number[]; next: number | undefined } => {
  const fetched = toFetched({ partition: 0, abortedTransactions, messages }, position);
  return { offsets: fetched.messages.map(({ offset }) => offset), next: fetched.next };
};

describe("a fetch of a partition", () => {
  it("goes on behind the last record batch, also where compaction has taken its last records", () => {
    assert.deepEqual(read(batch(0, 99, [3, 40]), 0), { offsets: [3, 40], next: 100 });
  });

  it("leaves out records before the position, and stays there when it got nothing", () => {
    assert.deepEqual(read(batch(0, 9, [0, 5, 7]), 6), { offsets: [7], next: 10 });
    assert.deepEqual(read([], 6), { offsets: [], next: undefined });
  });

  it("passes commit markers without a message", () => {
    const records = [
      ...batch(0, 1, [0, 1], { inTransaction: true }),
      ...batch(2, 2, [2], { control: "commit" }),
    ];
    assert.deepEqual(read(records, 0), { offsets: [0, 1], next: 3 });
    assert.deepEqual(read(records, 2), { offsets: [], next: 3 });
  });

  it("leaves out aborted transactions of several producers at once, and keeps what they committed later", () => {
    const open = { inTransaction: true };
    const records = [
      ...batch(10, 11, [10, 11], { ...open, producer: "a" }),
      ...batch(12, 12, [12], { ...open, producer: "b" }),
      ...batch(13, 13, [13], { ...open, producer: "c" }),
      ...batch(14, 14, [14], { producer: "a", control: "abort" }),
      ...batch(15, 15, [15], { producer: "b", control: "abort" }),
      ...batch(16, 16, [16], { ...open, producer: "a" }),
      ...batch(17, 17, [17], { producer: "plain" }),
    ];
    // both began before this fetch: the first record has to know of both
    const aborted = [
      { producerId: "b", firstOffset: "5" },
      { producerId: "a", firstOffset: "3" },
    ];
    assert.deepEqual(read(records, 10, aborted), { offsets: [13, 16, 17], next: 18 });
  });
});
