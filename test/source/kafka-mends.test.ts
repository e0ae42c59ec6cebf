import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { it } from "node:test";
import type { Batch } from "kafkajs";
import { memoryOf } from "../../src/source/kafka-answers.ts";
import { mendKafkajs } from "../../src/source/kafka-mends.ts";

const require = createRequire(import.meta.url);

interface Runner {
  running: boolean;
  fetch(nodeId: string): Promise<readonly Batch[]>;
}

/** kafkajs's own runner, whose fetches bring these. */
function runnerOf(...answers: (readonly Batch[])[]): Runner {
  const Runner = require("kafkajs/src/consumer/runner.js") as new (options: object) => Runner;
  const log = { namespace: () => log, debug: () => undefined };
  const runner = new Runner({
    logger: log,
    instrumentationEmitter: { emit: () => undefined },
    concurrency: 1,
    consumerGroup: { fetch: async () => answers.shift(), heartbeat: async () => undefined },
  });
  runner.running = true;
  return runner;
}

const batchOf = (...messages: { key?: Buffer; value: Buffer | null }[]): Batch =>
  ({ messages }) as unknown as Batch;

it("the memory of an answer is given to whoever takes the last of its batches, and to nobody again", async () => {
  mendKafkajs();
  const [one, other, key] = [new ArrayBuffer(8), new ArrayBuffer(8), new ArrayBuffer(8)];
  const first = batchOf({ value: Buffer.from(one, 0, 2) }, { value: Buffer.from(one, 2, 2) });
  const second = batchOf({ value: null, key: Buffer.from(key) }, { value: Buffer.from(other) });
  const third = batchOf({ value: Buffer.from(one, 4) });
  const next = batchOf({ value: Buffer.from(one) });
  const runner = runnerOf([first, batchOf(), second, third], [next]);
  await runner.fetch("1");
  assert.deepEqual([...memoryOf(second)], []);
  assert.deepEqual([...memoryOf(second)], [], "asked again, it is not counted again");
  assert.deepEqual([...memoryOf(first)], []);
  await runner.fetch("1");
  assert.deepEqual([...memoryOf(third)], [one, key, other]);
  assert.deepEqual([...memoryOf(third)], []);
  assert.deepEqual([...memoryOf(next)], [one], "of the next answer");
  assert.deepEqual([...memoryOf(batchOf({ value: Buffer.from(one) }))], [], "of none that was fetched");
});

it("an answer that comes whole is handed on where it lies, and is put together where it does not", () => {
  mendKafkajs();
  const Connection = require("kafkajs/src/network/connection.js") as { prototype: object };
  const got: Buffer[] = [];
  const connection = Object.assign(Object.create(Connection.prototype), {
    ...{ chunks: [], bytesBuffered: 0, bytesNeeded: 4, authHandlers: null },
    requestQueue: { fulfillRequest: ({ payload }: { payload: Buffer }) => got.push(payload) },
  }) as { processData(bytes: Buffer): void };
  const answers = ["first", "second", "third"].map((text) => {
    const answer = Buffer.alloc(8 + text.length, `....####${text}`); // in memory of its own
    answer.writeInt32BE(answer.length - 4);
    return answer;
  });
  const [first, second, third] = answers as [Buffer, Buffer, Buffer];
  for (const bytes of [first, second, third.subarray(0, 6), third.subarray(6)]) connection.processData(bytes);
  assert.deepEqual(got.map(String), ["first", "second", "third"]);
  assert.deepEqual(
    answers.map(({ buffer }, index) => got[index]?.buffer === buffer),
    [true, true, false],
  );
});
