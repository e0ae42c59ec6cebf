/** A consumer of kafkajs that is stopped while the set of brokers changes; a thread of its own, because it may never end. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";
import { createKafkaClient } from "../../src/source/kafka-client.ts";

createKafkaClient({ brokers: ["127.0.0.1:1"], clientId: "test", ssl: undefined, sasl: undefined }, undefined);

interface Runner {
  start(): Promise<void>;
  stop(): Promise<void>;
}
const Runner = createRequire(import.meta.url)("kafkajs/src/consumer/runner.js") as new (
  options: object,
) => Runner;

let [looks, left] = [0, false];
let stopped: Promise<void> | undefined;
const log = { namespace: () => log, debug: () => undefined, info: () => undefined, warn: () => undefined };
const runner = new Runner({
  logger: log,
  instrumentationEmitter: { emit: () => undefined },
  concurrency: 1,
  onCrash: (error: Error) => assert.fail(error),
  consumerGroup: {
    connect: async () => undefined,
    joinAndSync: async () => undefined,
    heartbeat: async () => undefined,
    leave: async () => {
      left = true;
    },
    fetch: () => new Promise((done) => setTimeout(() => done([]), 5)),
    /** A look before a fetch finds another broker; at that moment it is stopped. */
    getNodeIds: () => {
      looks += 1;
      if (looks < 3) return ["1"];
      if (looks === 3) stopped = runner.stop();
      return ["1", "2"];
    },
  },
});
await runner.start();
while (stopped === undefined) await new Promise((done) => setTimeout(done, 5));
await stopped;
parentPort?.postMessage({ left });
