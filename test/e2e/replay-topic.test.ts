import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import type { JudgedWindow } from "../../src/model/verdict.ts";
import { verdictLine } from "../../src/sink/report-files.ts";
import { broker, createTopic } from "../services/services.ts";
import {
  assertConserved,
  eventually,
  incidentFile,
  messagesOf,
  produce,
  scratch,
  specsWithTopic,
  startTidemark,
  tidemark,
} from "./support.ts";

const root = new URL("../../", import.meta.url).pathname;
const spec = [
  "--spec",
  "feature-specs/reco_user.yaml",
  "--baseline",
  "feature-specs/reco_user.baseline.json",
];
const messages = messagesOf(incidentFile);
const bytes = messages.map((message) => message.bytes);
/** Records older than a week are deleted by the broker; these are three hours old or more. */
const recent = Date.now() - 3 * 3_600_000 - Date.parse("2026-03-03T12:00Z");
const total = messages.reduce((sum, { rows }) => sum + rows, 0);
const rowsOf = (some: readonly { rows: number }[]): number => some.reduce((sum, { rows }) => sum + rows, 0);

const clientOf = (brokers: string): Kafka =>
  new Kafka({ brokers: brokers.split(","), clientId: "tidemark-test", logLevel: logLevel.NOTHING });

const linesOf = (dir: string, name: string): Record<string, unknown>[] =>
  readFileSync(join(dir, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

async function replay(dir: string, brokers: string, args: readonly string[]): Promise<{ rows: number }> {
  const { code, stdout, stderr } = await tidemark([
    ...["replay", ...spec, "--brokers", brokers, "--out", dir, "--json"],
    ...args,
  ]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Every record of a topic's only partition. */
async function readAll(brokers: string, topic: string): Promise<readonly string[]> {
  const kafka = clientOf(brokers);
  const admin = kafka.admin();
  await admin.connect();
  const [end] = await admin.fetchTopicOffsets(topic);
  const consumer = kafka.consumer({ groupId: `${topic}.test` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const values: string[] = [];
  await new Promise<void>((done) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value?.toString() ?? "");
        if (Number(message.offset) >= Number(end?.offset) - 1) done();
      },
    });
  });
  await consumer.disconnect();
  await admin.disconnect();
  return values;
}

describe("tidemark replay of a topic", () => {
  it("gives the verdicts that the live process gave, and joins no group", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "live", { partitions: 3 }); // the third stays empty
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
    });
    // both partitions speak before a window closes: a live process judges without one that it does not know of
    const shares = [0, 1].map((partition) => bytes.filter((_, index) => index % 2 === partition));
    for (const [partition, share] of shares.entries())
      await produce(brokers, topic, share.slice(0, 1), { partition });
    await assertConserved(running.url, "reco_user", rowsOf(messages.slice(0, 2)));
    for (const [partition, share] of shares.entries())
      await produce(brokers, topic, share.slice(1), { partition });
    await assertConserved(running.url, "reco_user", total);
    assert.equal(await running.stop(), 0, running.log());
    const live = (await readAll(brokers, `${topic}.verdicts`))
      .map((text) => (JSON.parse(text) as { data: JudgedWindow }).data)
      .filter(({ final }) => final);

    const admin = clientOf(brokers).admin();
    await admin.connect();
    const groups = async (): Promise<string[]> =>
      (await admin.listGroups()).groups.map(({ groupId }) => groupId).sort();
    const before = await groups();
    const out = join(dir, "out");
    assert.equal((await replay(out, brokers, ["--topic", topic, "--insufficient", "all"])).rows, total);
    assert.deepEqual(await groups(), before);
    await admin.disconnect();

    const placeOf = ({ window, segment }: { window?: unknown; segment?: unknown }): string =>
      JSON.stringify([window, segment]);
    const expected = live.flatMap((judged) =>
      judged.verdicts.filter(({ status }) => status !== "ok").map((each) => verdictLine(judged, each)),
    );
    const windows = new Set(
      live.map((judged) =>
        placeOf({
          window: {
            start: new Date(judged.window.start).toISOString(),
            end: new Date(judged.window.end).toISOString(),
          },
          segment: judged.segment,
        }),
      ),
    );
    assert.ok(windows.size > 300, `${windows.size} windows were closed live`);
    const sorted = (lines: readonly object[]): string[] => lines.map((line) => JSON.stringify(line)).sort();
    const replayed = linesOf(out, "verdicts.jsonl").filter((line) => windows.has(placeOf(line)));
    // line by line: the difference of two long lists is more than an assertion can show
    const [mine, theirs] = [sorted(replayed), sorted(expected)];
    const at = mine.findIndex((line, index) => line !== theirs[index]);
    assert.equal(mine[at], theirs[at]);
    assert.equal(mine.length, theirs.length);
    const [command] = /tidemark replay [^<]+/.exec(readFileSync(join(out, "report.html"), "utf8")) ?? [""];
    assert.match(command, /--topic \S+ --from 0:0,1:0,2:0 --to 0:\d+,1:\d+,2:0/);
  });

  it("reads the range that was asked for, and not a record more", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "range", { partitions: 2 });
    const kafka = clientOf(brokers);
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 }); // a retry must not send twice
    await producer.connect();
    const send = (
      partition: number,
      some: readonly { bytes: Uint8Array; from: number }[],
    ): Promise<unknown> =>
      producer.send({
        topic,
        messages: some.map(({ bytes: value, from }) => ({
          value: Buffer.from(value),
          partition,
          timestamp: String(from + recent),
        })),
      });
    const [even, odd] = [0, 1].map((rest) => messages.slice(0, 100).filter((_, at) => at % 2 === rest));
    await send(0, even ?? []);
    await send(1, odd ?? []);
    await producer.disconnect();
    const asked = async (...args: string[]): Promise<number> =>
      (await replay(join(dir, "out"), brokers, ["--topic", topic, ...args])).rows;
    const first100 = messages.slice(0, 100);

    assert.equal(await asked(), rowsOf(first100));
    assert.equal(
      await asked("--from", "0:10,1:5", "--to", "0:20,1:30"),
      rowsOf(even?.slice(10, 20) ?? []) + rowsOf(odd?.slice(5, 30) ?? []),
    );
    assert.equal(
      await asked("--from", "1:49"),
      rowsOf(odd?.slice(49) ?? []),
      "only partitions that are named",
    );
    const [at = 0, until = 0] = [30, 70].map((index) => (first100[index]?.from ?? 0) + recent);
    const between = first100.filter(({ from }) => from + recent >= at && from + recent < until);
    assert.equal(await asked("--from", new Date(at).toISOString(), "--to", String(until)), rowsOf(between));
    const none = await tidemark([
      ...["replay", ...spec, "--brokers", brokers, "--out", join(dir, "none"), "--topic", topic],
      ...["--from", "-2h"],
    ]);
    assert.equal(none.code, 2, "all of it is older than two hours");
    assert.match(none.stderr, /input\.empty\]\n.*the records' own timestamps/);
  });

  it("stops at the end of transactions, aborted batches, markers and an open transaction", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "transactions");
    const kafka = clientOf(brokers);
    const send = async (
      some: readonly { bytes: Uint8Array }[],
      end: "commit" | "abort" | undefined,
    ): Promise<() => Promise<void>> => {
      const producer = kafka.producer({
        transactionalId: `${topic}-${Math.random()}`,
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        messages: some.map(({ bytes: value }) => ({ value: Buffer.from(value) })),
      });
      if (end !== undefined) await transaction[end]();
      return async () => {
        if (end === undefined) await transaction.abort();
        await producer.disconnect();
      };
    };
    const parts = [0, 20, 40, 60, 80].map((from) => messages.slice(from, from + 20));
    const ends = ["commit", "abort", "commit", "abort", undefined] as const;
    const closes: (() => Promise<void>)[] = [];
    for (const [index, part] of parts.entries()) closes.push(await send(part, ends[index]));
    const committed = rowsOf([...(parts[0] ?? []), ...(parts[2] ?? [])]);
    const startedAt = Date.now();
    assert.equal((await replay(join(dir, "out"), brokers, ["--topic", topic])).rows, committed);
    assert.ok(Date.now() - startedAt < 20_000, "it waits for nothing that will not come");
    for (const close of closes) await close();
    // now the log ends with nothing but what was aborted, and markers
    assert.equal((await replay(join(dir, "out"), brokers, ["--topic", topic])).rows, committed);
  });

  it("ends on Ctrl-C with what was read until then, marked as partial", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "interrupt");
    const days = messagesOf(join(root, "replay-data/tensor-collapse/clean.arrow"));
    const daysTotal = days.reduce((sum, { rows }) => sum + rows, 0);
    await produce(
      brokers,
      topic,
      days.map((message) => message.bytes),
    );
    const out = join(dir, "out");
    const child = spawn(
      join(root, "bin/tidemark"),
      ["replay", ...spec, "--brokers", brokers, "--topic", topic, "--out", out, "--json"],
      { cwd: root, stdio: ["ignore", "pipe", "ignore"] },
    );
    const ended = new Promise<number | null>((done) => child.on("close", done));
    const profiles = join(out, "profiles.bin.partial");
    await eventually(60_000, "the first of 144 windows have closed", () =>
      existsSync(profiles) && statSync(profiles).size > 0 ? true : undefined,
    );
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
    assert.equal(summary.partial, true);
    assert.ok(summary.rows > 0 && summary.rows < daysTotal, `${summary.rows} rows`);
    assert.ok(readFileSync(join(out, "report.html"), "utf8").includes("interrupted"));
  });

  it("says what is wrong with a position, a partition, a topic and a broker", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "wrong");
    const cases: [string[], number, RegExp][] = [
      [["--topic", topic, "--from", "noon"], 2, /--from noon/],
      [["--topic", topic, "--from", "3:0"], 2, /no partition 3/],
      [["--topic", `${topic}-not`], 4, /no such topic/],
      [["--topic", topic, "--input", incidentFile], 2, /one of them/],
      [["--topic", topic], 2, /input\.empty/],
    ];
    for (const [args, code, message] of cases) {
      const ended = await tidemark([
        ...["replay", ...spec, "--brokers", brokers, "--out", join(dir, "out")],
        ...args,
      ]);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, message);
    }
    const nobody = await tidemark([
      ...["replay", ...spec, "--brokers", "127.0.0.1:1", "--out", join(dir, "out"), "--topic", topic],
    ]);
    assert.equal(nobody.code, 4, nobody.stderr);
    assert.match(nobody.stderr, /Kafka at 127\.0\.0\.1:1/);
  });
});
