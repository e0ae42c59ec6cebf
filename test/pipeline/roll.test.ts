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

  it("waits for the next owner of an idle partition of which nothing is heard, and not for ever", () => {
    const roll = createRoll(view);
    roll.take({ kind: "partitions", topic: "t", count: 2 }, 0);
    roll.take(progress("t-0", 5_000, true), 1_000);
    roll.take(progress("t-1", 9_000, false), 1_000);
    assert.equal(roll.low(40_000), 9_000, "its owner says so every 15 s");
    assert.equal(roll.low(50_000), 5_000, "nobody does");
    roll.take(progress("t-0", 5_000, true), 55_000);
    assert.equal(roll.low(60_000), 9_000);
    assert.equal(roll.low(250_000), 9_000);
  });
});
