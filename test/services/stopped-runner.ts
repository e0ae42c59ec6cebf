/**
 * A consumer of kafkajs that is stopped while the set of brokers changes; a thread of its own, because it may never end. The worker's
 * data say who has loaded kafkajs: the `source`, or the `gate` of the client.
 */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { createGate } from "../../src/client/gate.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";

interface Runner {
  fetch(nodeId: string): Promise<unknown>;
  start(): Promise<void>;
  stop(): Promise<void>;
}
const Runner = createRequire(import.meta.url)("kafkajs/src/consumer/runner.js") as {
  new (options: object): Runner;
  readonly prototype: Runner;
};

const { fetch } = Runner.prototype;
const brokers = ["127.0.0.1:1"];
if (workerData === "source")
  createKafkaClient({ brokers, clientId: "test", ssl: undefined, sasl: undefined }, undefined);
else createGate({ view: "reco_user", kafka: { brokers }, fail: "open" });
for (let waited = 0; Runner.prototype.fetch === fetch && waited < 10_000; waited += 10) await sleep(10);

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
while (stopped === undefined) await sleep(5);
await stopped;
parentPort?.postMessage({ left });
