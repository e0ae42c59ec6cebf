import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { Kafka, logLevel } from "kafkajs";
import { broker, createTopic } from "../services/services.ts";
import { incidentFile, messagesOf, produce, scratch, tidemark } from "./support.ts";

const spec = [
  "--spec",
  "feature-specs/reco_user.yaml",
  "--baseline",
  "feature-specs/reco_user.baseline.json",
];
const [begins, ends] = ["2026-03-03T03:00Z", "2026-03-03T07:00Z"].map(Date.parse);
const messages = messagesOf(incidentFile).filter(({ from }) => from >= (begins ?? 0) && from < (ends ?? 0));
/** Records older than a week are deleted by the broker. */
const recent = Date.now() - 6 * 3_600_000 - Date.parse("2026-03-03T07:00Z");
const total = messages.reduce((sum, { rows }) => sum + rows, 0);

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  connection.closeSync();
  return rows;
}

describe("tidemark capture", () => {
  it("keeps rows with their places, so that a replay of the file is the replay of the topic, to the byte", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "capture", { partitions: 2 });
    const producer = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING }).producer({
      idempotent: true, // a retry must not send twice
      maxInFlightRequests: 1,
    });
    await producer.connect();
    await producer.send({
      topic,
      messages: messages.map(({ bytes, from }, index) => ({
        value: Buffer.from(bytes),
        partition: index % 2,
        timestamp: String(from + recent),
      })),
    });
    await producer.disconnect();
    const from = ["--topic", topic, "--brokers", brokers];
    const outputs = ["topic", "arrow", "parquet"].map((name) => join(dir, name));
    for (const [index, out] of outputs.entries()) {
      const file = join(dir, `day.${out.slice(dir.length + 1)}`);
      if (index > 0) {
        const captured = await tidemark(["capture", ...from, "--out", file, "--json"]);
        assert.equal(captured.code, 0, captured.stderr);
        assert.equal(JSON.parse(captured.stdout).rows, total);
      }
      const source = index === 0 ? from : ["--input", file];
      const { code, stderr } = await tidemark(["replay", ...spec, ...source, "--out", out]);
      assert.equal(code, 0, stderr);
    }
    const [live, arrow, parquet] = outputs.map((out) =>
      ["alerts.jsonl", "verdicts.jsonl", "breaker.jsonl", "summary.json"].map((name) =>
        readFileSync(join(out, name), "utf8"),
      ),
    );
    for (const [index, text] of (live ?? []).entries()) {
      assert.ok(arrow?.[index] === text, `Arrow, file ${index}`);
      assert.ok(parquet?.[index] === text, `Parquet, file ${index}`);
    }
    const [stored] = await query(
      `SELECT count(*)::INT AS rows, count(DISTINCT (kafka_partition, kafka_offset))::INT AS messages,
       any_value(kafka_topic) AS topic, avg(len(user_embedding)) AS dimensions FROM '${join(dir, "day.parquet")}'`,
    );
    assert.deepEqual(stored, { rows: total, messages: messages.length, topic, dimensions: 16 });
  });

  it("splits by size, and hides the named columns under a key", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "split");
    for (let round = 0; round < 16; round++)
      await produce(
        brokers,
        topic,
        messages.map(({ bytes }) => bytes),
      );
    const key = join(dir, "key");
    writeFileSync(key, "sixteen bytes at least");
    const args = ["capture", "--topic", topic, "--brokers", brokers, "--max-size", "1MiB", "--key-file", key];
    const hidden = ["--anonymise", "request_id", "node"];
    const { code, stdout, stderr } = await tidemark([...args, ...hidden, "--out", join(dir, "part.parquet")]);
    assert.equal(code, 0, stderr);
    const files = readdirSync(dir).filter((name) => name.endsWith(".parquet"));
    assert.ok(files.length > 1 && files.every((name) => /^part-\d{4}\.parquet$/.test(name)), files.join());
    assert.equal(stdout.trim().split("\n").length, files.length);
    const [hash] = await query(
      `SELECT count(*)::INT AS rows, count(DISTINCT node)::INT AS nodes, max(length(request_id))::INT AS digits,
       count(*) FILTER (node NOT SIMILAR TO '[0-9a-f]{16}')::INT AS shown FROM '${join(dir, "part-*.parquet")}'`,
    );
    assert.deepEqual(hash, { rows: 16 * total, nodes: 9, digits: 16, shown: 0 });
    const wrong = await tidemark([...args, "--anonymise", "request", "--out", join(dir, "wrong.arrow")]);
    assert.equal(wrong.code, 2, "a column that is not there is no column that is hidden");
    assert.match(wrong.stderr, /no column request/);
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.startsWith("wrong")),
      [],
    );
  });
});
