import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { it } from "node:test";
import { Worker } from "node:worker_threads";
import { createKafkaClient, kafkaFault } from "../../src/source/kafka-client.ts";
import { startProxy } from "../faults/proxy.ts";
import { readAll } from "../faults/truth.ts";
import { freePorts } from "../services/ports.ts";
import { broker, createTopic, startBroker } from "../services/services.ts";
import { eventually } from "../services/wait.ts";

for (const [who, data] of [
  ["a reader", "source"],
  ["a gate of the client", "gate"],
] as const)
  it(`the consumer of ${who} that is stopped while the set of brokers changes ends, and leaves its group`, async (t) => {
    const worker = new Worker(new URL("../services/stopped-runner.ts", import.meta.url), {
      workerData: data,
    });
    t.after(() => worker.terminate());
    const late = setTimeout(() => void worker.terminate(), 60_000); // it may leave its event loop no turn
    const [told] = await Promise.race([once(worker, "message"), once(worker, "exit")]);
    clearTimeout(late);
    assert.deepEqual(told, { left: true });
  });

it("what a cluster may get over is tried again, what is wrong with us is not", () => {
  const named = (name: string, fields: object): Error => Object.assign(new Error(name), { name, ...fields });
  const retryable = (error: Error): boolean => kafkaFault(["b:1"], error).retryable;
  const lock = named("KafkaJSLockTimeout", { retriable: false });
  assert.ok(retryable(lock));
  assert.ok(retryable(named("KafkaJSNonRetriableError", { retriable: false, cause: lock })), "by its cause");
  assert.ok(retryable(named("KafkaJSProtocolError", { retriable: true })), "an election");
  assert.ok(!retryable(named("KafkaJSSASLAuthenticationError", { retriable: false })));
  assert.ok(
    !retryable(named("KafkaJSProtocolError", { retriable: false, type: "TOPIC_AUTHORIZATION_FAILED" })),
  );
  assert.ok(!retryable(new TypeError("our own")));
});

it("a client gets through to its cluster when the first of its brokers takes connections and closes them", async (t) => {
  const closing = createServer((socket) => socket.destroy());
  closing.listen(0, "127.0.0.1");
  await once(closing, "listening");
  t.after(() => closing.close());
  const { port } = closing.address() as AddressInfo;
  const brokers = [`127.0.0.1:${port}`, ...(await broker()).split(",")];
  const client = createKafkaClient({ brokers, clientId: "test", ssl: undefined, sasl: undefined }, undefined);
  const admin = client.admin();
  t.after(() => admin.disconnect());
  await admin.connect();
  assert.ok((await admin.describeCluster()).brokers.length > 0);
});

it("what is sent after a send whose answer was lost is in the log, whether as many messages or more", async (t) => {
  const port = await freePorts(10);
  const { brokers } = await startBroker(t, { port, proxied: true });
  const wire = await startProxy(t, port + 3, port + 4);
  const same = await createTopic(brokers, "same");
  const more = await createTopic(brokers, "more");
  const client = createKafkaClient(
    { brokers: [`127.0.0.1:${wire.port}`], clientId: "test", ssl: undefined, sasl: undefined },
    undefined,
  );
  const plain = createKafkaClient(
    { brokers: brokers.split(","), clientId: "test", ssl: undefined, sasl: undefined },
    undefined,
  );
  const admin = plain.admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  const open = async (topic: string): Promise<(...values: string[]) => Promise<unknown>> => {
    const producer = client.producer({ idempotent: true, maxInFlightRequests: 1, retry: { retries: 1 } });
    await producer.connect();
    t.after(() => producer.disconnect());
    return (...values) => producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) });
  };
  const topics = [same, more];
  const [sendSame, sendMore] = [await open(same), await open(more)];
  await Promise.all([sendSame("first"), sendMore("first")]);
  wire.mute();
  const failed = [sendSame, sendMore].map((send) => assert.rejects(send("unheard")));
  for (const topic of topics)
    await eventually(async () => (await admin.fetchTopicOffsets(topic))[0]?.high === "2");
  wire.cut();
  await Promise.all(failed);
  wire.mend();
  await sendSame("next");
  await sendMore("next", "last");
  const values = async (topic: string): Promise<string[]> =>
    (await readAll(plain, topic)).map(({ value }) => value.toString());
  assert.deepEqual(await values(same), ["first", "unheard", "next"]);
  assert.deepEqual(await values(more), ["first", "unheard", "next", "last"]);
});
