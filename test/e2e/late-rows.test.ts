import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import type { JudgedWindow } from "../../src/model/verdict.ts";
import { readAll } from "../faults/truth.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually, scratch, startTidemark, tidemark } from "./support.ts";

const minute = 60_000;
const noon = Date.parse("2026-03-03T12:00:00Z");

/** So many rows of one minute, a share of them with a country that the model does not know. */
function rowsOf(number: number, count: number, unknown: number): string {
  const rows = Array.from({ length: count }, (_, row) => ({
    at: noon + number * minute + Math.floor((row / count) * 50_000),
    country: row < unknown ? "Atlantis" : "US",
  }));
  return JSON.stringify(rows);
}

/** In the order in which they come: number of the minute, rows, unknown ones. */
const sent = [
  ...[0, 1, 2, 3].map((number) => [number, 100, 0]),
  ...[4, 5].map((number) => [number, 100, 0]),
  [3, 100, 90], // late: minute 3 was well, and was not
  [6, 100, 0],
  [7, 100, 0],
  [8, 30, 25], // what came of minute 8 in time is bad
  [9, 100, 0],
  [8, 5_000, 0], // and the rest of it is not
  ...[10, 11, 12].map((number) => [number, 100, 0]),
  [3, 100, 100], // too late
  ...[13, 14].map((number) => [number, 100, 0]),
] as [number, number, number][];

describe("rows that come after their window was judged", () => {
  it("revise its verdict within the bound, and raise or end its alert, live and in a replay alike", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "late");
    const specs = join(dir, "feature-specs");
    mkdirSync(specs);
    const spec = join(specs, "visits.yaml");
    writeFileSync(
      spec,
      `apiVersion: tidemark/v1
kind: FeatureView
name: visits
version: 1
source: { topic: ${topic}, eventTime: at, format: json }
window: { size: 1m, lateness: 5s, reviseWithin: 5m, minRows: 20 }
fields: { country: { type: string, mapping: { values: [US, GB], maxDefaultRate: 0.01 } } }
breaker: { openAfter: 1, closeAfter: 2 }
`,
    );
    const clean = join(dir, "clean.jsonl");
    const lines = Array.from({ length: 60 }, (_, number) => JSON.parse(rowsOf(number, 100, 0))).flat();
    writeFileSync(clean, lines.map((line) => JSON.stringify(line)).join("\n"));
    const baseline = join(specs, "visits.baseline.json");
    const built = await tidemark(["baseline", "build", "--spec", spec, "--input", clean, "--out", baseline]);
    assert.equal(built.code, 0, built.stderr);

    const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: sent.map((each) => ({ value: rowsOf(...each) })) });
    await producer.disconnect();
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      ...{ specs, state: { dir: join(dir, "state") } },
    });
    const final = await eventually(20_000, "minute 13 is judged", async () => {
      const records = await readAll(kafka, `${topic}.verdicts`);
      const judged = records.map(({ value }) => (JSON.parse(String(value)) as { data: JudgedWindow }).data);
      const closed = judged.filter(({ final: is }) => is);
      return closed.some(({ window }) => window.start === noon + 13 * minute) ? closed : undefined;
    });
    const windows = (await (
      await fetch(new URL(`/v1/windows/visits?from=${noon}&to=${noon + 14 * minute}`, running.url))
    ).json()) as { start: string; rows: number }[];
    assert.equal(await running.stop(), 0, running.log());

    const ofMinute = (number: number): [number, number, string | undefined][] =>
      final
        .filter(({ window }) => window.start === noon + number * minute)
        .map(({ revision = 0, rows, verdicts }) => [
          revision,
          rows,
          verdicts.find(({ statistic }) => statistic === "default_rate")?.status,
        ]);
    assert.deepEqual(ofMinute(2), [[0, 100, "ok"]]);
    assert.deepEqual(ofMinute(3), [
      [0, 100, "ok"],
      [1, 200, "critical"],
    ]);
    assert.deepEqual(ofMinute(8), [
      [0, 30, "critical"],
      [1, 5_030, "ok"],
    ]);
    assert.deepEqual(
      windows.filter((_, at) => at === 3 || at === 8).map(({ rows }) => rows),
      [200, 5_030],
      "the API shows them as they were judged last",
    );

    const out = join(dir, "out");
    const from = ["--topic", topic, "--brokers", brokers, "--from", "earliest", "--to", "latest"];
    const replayed = await tidemark([
      ...["replay", "--spec", spec, "--baseline", baseline, ...from, "--out", out, "--json"],
    ]);
    assert.equal(replayed.code, 0, replayed.stderr);
    const summary = JSON.parse(replayed.stdout) as Record<string, number>;
    const { rows, profiled, late, windows: count } = summary;
    assert.deepEqual(
      { rows, profiled, late, count },
      { rows: 6_630, profiled: 1_430, late: 5_200, count: 15 },
    );
    const read = (name: string): Record<string, unknown>[] =>
      readFileSync(join(out, name), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    // the warning layer has followed minute 8 as it was judged first: a revision is no later window
    const told = read("verdicts.jsonl")
      .filter(({ statistic, status }) => statistic === "default_rate" && status !== "warning")
      .map(({ window, status, revision }) => [
        (Date.parse((window as { start: string }).start) - noon) / minute,
        status,
        revision,
      ]);
    assert.deepEqual(told, [
      [3, "critical", 1],
      [8, "critical", undefined],
      [8, "ok", 1],
    ]);
    const alerts = read("alerts.jsonl")
      .filter(({ statistic, severity }) => statistic === "default_rate" && severity === "critical")
      .map(({ status, window }) => [
        status,
        (Date.parse((window as { start: string }).start) - noon) / minute,
      ]);
    assert.deepEqual(alerts, [
      ["firing", 3],
      ["resolved", 6],
      ["firing", 8],
      ["resolved", 10],
    ]);
  });
});
