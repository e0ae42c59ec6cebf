import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRoll } from "../../src/pipeline/roll.ts";
import { featureView } from "../judge/samples.ts";

const source = { topic: "t", format: "auto", eventTime: "event_time", requestId: undefined } as const;
const view = featureView([], { source });
const progress = (partition: string, watermark: number, idle: boolean) =>
  ({ kind: "progress", view: view.name, partition, watermark, idle }) as const;

describe("the roll of partitions", () => {
  it("waits for a partition that an owner of before says is idle, and not for one whose owner does", () => {
    const roll = createRoll(view);
    roll.take({ kind: "partitions", topic: "t", count: 2 }, 0);
    roll.take(progress("t-0", 5_000, false), 1);
    roll.take(progress("t-1", 9_000, false), 1);
    roll.take(progress("t-0", 4_000, true), 2);
    assert.equal(roll.low(3), 5_000);
    roll.take(progress("t-0", 5_000, true), 4);
    assert.equal(roll.low(5), 9_000);
  });
});
