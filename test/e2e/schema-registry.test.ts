import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import avsc from "avsc";
import kafkajs from "kafkajs";
import { broker, createTopic } from "../services/services.ts";
import { assertConserved, eventually, recordsOf, scratch, startTidemark, tidemark } from "./support.ts";

const view = "clicks";
const guid = "3f2a9c10-0000-4000-8000-000000000001";
const row = avsc.Type.forSchema({
  type: "record",
  name: "Click",
  fields: [
    { name: "country", type: ["null", "string"] },
    { name: "seconds", type: "double" },
    { name: "at", type: { type: "long", logicalType: "timestamp-millis" } },
  ],
});
const began = Date.parse("2026-03-03T04:00:00Z");
const payload = (index: number): Buffer =>
  row.toBuffer({ country: index % 10 === 0 ? null : "US", seconds: index, at: began + index * 1_000 });
const framed = (id: number, bytes: Buffer): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(id, 1);
  return Buffer.concat([prefix, bytes]);
};
const spec = (topic: string): string => `apiVersion: tidemark/v1
kind: FeatureView
name: ${view}
version: 1
source: { topic: ${topic}, eventTime: at }
fields:
  country: { type: string }
  seconds: { type: float64 }
`;

describe("Avro by a schema registry, over a real broker", () => {
  it("waits for a registry that is down, and dead-letters only what the registry does not know", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "avro");
    let up = false;
    const answers: Readonly<Record<string, object>> = {
      "/schemas/ids/7": { schema: JSON.stringify(row.schema()) },
      [`/schemas/guids/${guid}`]: { schema: JSON.stringify(row.schema()), guid },
      "/subjects": ["avro-value"],
    };
    const authorizations = new Set<string | undefined>();
    const server = createServer((request, response) => {
      authorizations.add(request.headers.authorization);
      const answer = answers[request.url ?? ""];
      const status = up ? (answer === undefined ? 404 : 200) : 503;
      response.writeHead(status, { "content-type": "application/vnd.schemaregistry.v1+json" });
      response.end(JSON.stringify(answer ?? { error_code: 40403, message: "Schema not found" }));
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });

    const producer = new kafkajs.Kafka({
      brokers: brokers.split(","),
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer();
    await producer.connect();
    t.after(() => producer.disconnect());
    const inHeader = {
      __value_schema_id: Buffer.concat([Buffer.of(1), Buffer.from(guid.replaceAll("-", ""), "hex")]),
    };
    const messages = [
      ...Array.from({ length: 100 }, (_, index) => ({ value: framed(7, payload(index)) })),
      { value: framed(99, payload(100)) },
      { value: payload(101), headers: inHeader },
    ];
    await producer.send({ topic, messages: messages.map((message) => ({ partition: 0, ...message })) });

    const specs = join(dir, "feature-specs");
    mkdirSync(specs);
    writeFileSync(join(specs, `${view}.yaml`), spec(topic));
    writeFileSync(join(dir, "password"), "secret\n");
    const { port } = server.address() as AddressInfo;
    const config = {
      kafka: {
        brokers: brokers.split(","),
        groupId: topic,
        topicPrefix: topic,
        schemaRegistry: {
          url: `http://127.0.0.1:${port}`,
          username: "tidemark",
          passwordFile: join(dir, "password"),
        },
      },
      specs,
      state: { dir: join(dir, "state") },
    };
    const running = await startTidemark(t, dir, config);
    await eventually(20_000, "the registry's absence is told", async () => {
      const health = await (await fetch(new URL("/health", running.url))).text();
      return /schema registry 127\.0\.0\.1:\d+ answered 503/.test(health) ? health : undefined;
    });
    assert.deepEqual(await recordsOf(running.url, view), {
      profiled: 0,
      late: 0,
      rejected: 0,
      deadLettered: 0,
    });

    up = true;
    const records = await assertConserved(running.url, view, messages.length);
    assert.deepEqual(records, { profiled: 101, late: 0, rejected: 0, deadLettered: 1 });
    const metrics = await (await fetch(new URL("/metrics", running.url))).text();
    assert.match(metrics, /tidemark_dead_letters_total\{[^}]*reason="schema"[^}]*\} 1/);
    assert.deepEqual([...authorizations], [`Basic ${Buffer.from("tidemark:secret").toString("base64")}`]);

    writeFileSync(join(dir, "doctor.json"), JSON.stringify(config));
    const doctor = await tidemark(["doctor", "--config", join(dir, "doctor.json"), "--json"]);
    assert.match(
      doctor.stdout,
      /"check":\s*"schema registry",\s*"status":\s*"ok",\s*"detail":\s*"127\.0\.0\.1:\d+: 1 subjects?"/,
    );
    assert.equal(await running.stop(), 0, running.log());
  });
});
