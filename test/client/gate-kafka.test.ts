import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { createGate } from "../../src/client/gate.ts";
import { breakerOf } from "../pipeline/outcomes.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually } from "../services/wait.ts";

describe("the gate fed by Kafka", () => {
  it("reads the breakers of a compacted topic, and every change", async (t) => {
    const brokers = (await broker(t)).split(",");
    const topic = await createTopic(brokers.join(), "breakers", { compacted: true });
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    t.after(() => producer.disconnect());
    const say = (state: "open" | "closed", view = "reco_user", segment = ""): Promise<unknown> => {
      const at = segment === "" ? null : { field: "node", value: segment };
      const value = JSON.stringify({ ...breakerOf(state, at), featureView: view });
      return producer.send({
        topic,
        messages: [{ key: segment === "" ? view : `${view}|node:${segment}`, value }],
      });
    };
    const gateFor = async (view: string) => {
      const gate = createGate({ view, kafka: { brokers, topic }, fail: "closed" });
      t.after(() => gate.close());
      assert.equal(await gate.ready(30_000), true);
      return gate;
    };
    assert.equal((await gateFor("reco_user")).allows(), true, "an empty topic: no breaker has ever opened");
    await say("open");
    await say("open", "another");
    await say("closed", "another");
    const gate = await gateFor("reco_user");
    assert.equal(gate.state(), "open");
    await say("closed");
    await eventually(() => gate.allows());
    await say("open", "reco_user", "a7");
    await eventually(() => !gate.allows("node:a7"));
    assert.equal(gate.allows("node:a8"), true);
  });
});
