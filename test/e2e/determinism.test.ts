import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type RecordBatch, tableFromIPC } from "apache-arrow";
import { Kafka, logLevel } from "kafkajs";
import { readViews } from "../../src/cli/views.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import { partitionKey } from "../../src/model/record.ts";
import { type JudgedWindow, segmentKey } from "../../src/model/verdict.ts";
import type { MonitoredView } from "../../src/pipeline/cell.ts";
import { createJudging } from "../../src/pipeline/judging.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { encodeSignal, kindHeader } from "../../src/pipeline/signal.ts";
import { verdictLine } from "../../src/sink/report-files.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { broker, createTopic } from "../services/services.ts";
import {
  eventually,
  incidentFile,
  type Running,
  scratch,
  specsWithTopic,
  startTidemark,
  streamOf,
  tidemark,
} from "./support.ts";

const partitions = 4;
/** Of the incident's record batches: six hours, in the middle of which the breaker opens. */
const part = [150, 410] as const;
/** The pace of the producer: about 8 s in all, which is as long as the group takes to miss whoever was killed. */
const roundEveryMs = 60;
/** How long what must come may take on a machine with much else to do. */
const comesWithinMs = 120_000;

/** What each partition is sent in one round: every partition a few rows of the same minutes, the last rows all of them. */
function roundsOf(file: string): readonly (readonly Buffer[])[] {
  const batches = tableFromIPC(readFileSync(file)).batches.slice(...part);
  const share = (rows: number, part: number): number => Math.round((rows * part) / partitions);
  const partOf = (batch: RecordBatch, number: number): RecordBatch =>
    batch.slice(share(batch.numRows, number), share(batch.numRows, number + 1));
  const toEach = (messageTo: (part: number) => Uint8Array): readonly Buffer[] =>
    Array.from({ length: partitions }, (_, part) => Buffer.from(messageTo(part)));
  const rounds = batches.flatMap((_, at) => {
    const some = at % 2 === 0 ? batches.slice(at, at + 2) : [];
    return some.length === 0 ? [] : [toEach((part) => streamOf(some.map((batch) => partOf(batch, part))))];
  });
  // the partitions end at the same time, so that none of them is behind the others
  return [...rounds, toEach(() => streamOf(batches.slice(-1)))];
}

/** What is found by whoever reads every partition in order and never ends. */
interface Expected {
  /** Value of each closed window of a partition, by the key of its record. */
  readonly profiles: ReadonlyMap<string, string>;
  readonly judged: readonly JudgedWindow[];
}

async function readInOrder(
  monitored: MonitoredView,
  topic: string,
  rounds: readonly (readonly Buffer[])[],
): Promise<Expected> {
  const profiles = new Map<string, string>();
  const judging = createJudging(monitored.view, monitored.baseline);
  const take = (outcome: Outcome): void => {
    if (outcome.kind !== "profile") return;
    const { profile, partial = false } = outcome;
    const partition = partitionKey(outcome.partition);
    judging.add(partition, profile, partial);
    const { key, value } = encodeSignal({ kind: "closed", partition, profile, partial });
    profiles.set(key, `${partial} ${Buffer.from(value).toString("base64")}`);
  };
  const monitor = createMonitor({
    views: [monitored],
    limits: defaultLimits,
    sinks: [
      { name: "test", accept: async (outcomes) => outcomes.forEach(take), close: async () => undefined },
    ],
    store: createMemoryStore(),
    clock: { now: () => 0, elapsed: () => 0 },
    idleAfterMs: Number.POSITIVE_INFINITY,
    relay: { processId: "test", judging: () => undefined, ready: () => true },
  });
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  for (const partition of all) await monitor.assigned(partition);
  for (const [offset, round] of rounds.entries())
    for (const partition of all) {
      const bytes = round[partition.partition] ?? new Uint8Array();
      const message = { offset, timestamp: sentAt(offset), headers: new Map() };
      await monitor.receive(partition, [{ ...message, body: { kind: "bytes", bytes } }]);
    }
  const outcomes = judging.close(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  return {
    profiles,
    judged: outcomes.flatMap((outcome) => (outcome.kind === "judged" ? [outcome.judged] : [])),
  };
}

/** Of any year: nothing may hang on it. */
const sentAt = (round: number): number => Date.parse("2026-03-04T00:00Z") + round;

interface Kept {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: ReadonlyMap<string, string>;
}

/** Follows a topic from its first record on. */
async function follow(
  t: { after(fn: () => Promise<unknown>): void },
  brokers: string,
  topic: string,
): Promise<readonly Kept[]> {
  const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `${topic}.test` });
  t.after(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const kept: Kept[] = [];
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers = {} } }) => {
      const texts = Object.entries(headers).map(([name, text]) => [name, String(text)] as const);
      kept.push({ key: String(key), value: value ?? Buffer.of(), headers: new Map(texts) });
    },
  });
  return kept;
}

const placeOf = ({ window, segment, revision = 0 }: JudgedWindow): string =>
  `${window.start}|${segmentKey(segment)}|${revision}`;

/** Line by line: of two long lists an assertion shows too much. */
function assertSame(found: readonly string[], expected: readonly string[], what: string): void {
  const [mine, theirs] = [found.toSorted(), expected.toSorted()];
  const at = theirs.findIndex((line, index) => line !== mine[index]);
  assert.equal(mine[at]?.slice(0, 2_000), theirs[at]?.slice(0, 2_000), what);
  assert.equal(mine.length, theirs.length, `${what}: how many`);
}

describe("three processes in one group", () => {
  it("leave the profiles and verdicts of one that reads alone and of a replay, though the one that judges is killed", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "shared", { partitions });
    const specs = specsWithTopic(dir, topic);
    const { views } = readViews(specs);
    const monitored = views.find(({ view }) => view.name === "reco_user");
    assert(monitored !== undefined);
    const rounds = roundsOf(incidentFile);
    const expected = await readInOrder(monitored, topic, rounds);
    const places = new Set(expected.judged.map(placeOf));
    assert.ok(places.size > 150 && expected.profiles.size > 600, `${places.size} ${expected.profiles.size}`);

    const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
    const [admin, producer] = [kafka.admin(), kafka.producer({ idempotent: true, maxInFlightRequests: 1 })];
    t.after(() => Promise.all([admin.disconnect(), producer.disconnect()]));
    await Promise.all([admin.connect(), producer.connect()]);
    const logs: string[] = [];
    const start = async (name: string): Promise<Running> => {
      const home = join(dir, name);
      mkdirSync(home, { recursive: true });
      return await startTidemark(
        t,
        home,
        {
          kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic, clientId: name },
          specs,
          state: { dir: join(home, "state") },
        },
        [],
        { timeoutMs: comesWithinMs },
      );
    };
    const names = ["one", "two", "three"] as const;
    const running = new Map(await Promise.all(names.map(async (name) => [name, await start(name)] as const)));
    /** Members of a group with something assigned, by client id. */
    const ownersIn = async (groupId: string): Promise<readonly string[]> => {
      const { groups } = await admin.describeGroups([groupId]);
      return (groups[0]?.members ?? []).flatMap(({ clientId, memberAssignment }) =>
        memberAssignment.length > 30 ? [clientId] : [],
      );
    };
    await eventually(comesWithinMs, "every process has partitions and one judges", async () => {
      const [owners, judges] = [await ownersIn(topic), await ownersIn(`${topic}.judge`)];
      return owners.length === 3 && judges.length === 1 ? true : undefined;
    });
    const [told, profiles] = await Promise.all([
      follow(t, brokers, `${topic}.verdicts`),
      follow(t, brokers, `${topic}.profiles`),
    ]);
    const judged = (): JudgedWindow[] =>
      told
        .map(({ value }) => (JSON.parse(value.toString()) as { data: JudgedWindow }).data)
        .filter(({ final }) => final);

    const killing = Math.floor(rounds.length / 3);
    let restarted: Promise<void> | undefined;
    for (const [offset, round] of rounds.entries()) {
      const messages = round.map((value, partition) => ({
        ...{ value, partition },
        timestamp: String(sentAt(offset)),
      }));
      await Promise.all([producer.send({ topic, acks: -1, messages }), sleep(roundEveryMs)]);
      if (offset !== killing) continue;
      await eventually(comesWithinMs, "windows are judged", () => (judged().length > 50 ? true : undefined));
      const [judge] = await ownersIn(`${topic}.judge`);
      assert.ok(judge !== undefined);
      const victim = running.get(judge as (typeof names)[number]);
      logs.push(victim?.log() ?? "");
      await victim?.kill();
      restarted = start(judge).then((next) => void running.set(judge as (typeof names)[number], next));
    }
    await restarted;
    await eventually(comesWithinMs, "everything is judged", () => {
      const found = new Set(judged().map(placeOf));
      return [...places].every((place) => found.has(place)) ? true : undefined;
    });
    for (const process of running.values()) {
      assert.equal(await process.stop(), 0, process.log());
      logs.push(process.log());
    }
    const ends = await Promise.all(
      [`${topic}.verdicts`, `${topic}.profiles`].map(
        async (name) => (await admin.fetchTopicOffsets(name))[0],
      ),
    );
    await eventually(comesWithinMs, "all of it is read", () =>
      told.length >= Number(ends[0]?.high) && profiles.length >= Number(ends[1]?.high) ? true : undefined,
    );

    // profiles: each key once or more, and always the same bytes
    const closed = new Map<string, string>();
    for (const { key, value, headers } of profiles.filter(
      ({ headers }) => headers.get(kindHeader) === "closed",
    )) {
      const text = `${headers.get("tidemark.partial") === "true"} ${value.toString("base64")}`;
      assert.equal(text, closed.get(key) ?? text, `${key} is told again, and otherwise`);
      closed.set(key, text);
    }
    assertSame(
      [...closed].map((entry) => entry.join(" ")),
      [...expected.profiles].map((entry) => entry.join(" ")),
      "closed windows of partitions",
    );

    // verdicts: told again after the kill, and the same
    const verdicts = new Map<string, string>();
    for (const window of judged()) {
      const text = JSON.stringify(window);
      assert.equal(text, verdicts.get(placeOf(window)) ?? text, "is judged again, and otherwise");
      verdicts.set(placeOf(window), text);
    }
    assertSame(
      [...verdicts.values()],
      expected.judged.map((window) => JSON.stringify(window)),
      "judged windows",
    );
    const out = join(dir, "out");
    const replayed = await tidemark([
      ...[
        "replay",
        "--spec",
        join(specs, "reco_user.yaml"),
        "--baseline",
        join(specs, "reco_user.baseline.json"),
      ],
      ...["--brokers", brokers, "--topic", topic, "--out", out, "--json", "--insufficient", "all"],
    ]);
    assert.equal(replayed.code, 0, replayed.stderr);
    const linesIn = (name: string): Record<string, unknown>[] =>
      readFileSync(join(out, name), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    const whereOf = ({ window, segment }: Record<string, unknown>): string =>
      JSON.stringify([window, segment]);
    const mine = [...verdicts.values()]
      .map((text) => JSON.parse(text) as JudgedWindow)
      .flatMap((window) =>
        window.verdicts
          .filter(({ status }) => status !== "ok")
          .map((verdict) => verdictLine(window, verdict)),
      )
      .map((line) => JSON.stringify(line));
    const live = new Set(
      expected.judged.map(({ window: { start, end }, segment }) =>
        whereOf({
          window: { start: new Date(start).toISOString(), end: new Date(end).toISOString() },
          segment,
        }),
      ),
    );
    // a replay also judges the windows that its range ends in
    const theirs = linesIn("verdicts.jsonl").filter((line) => live.has(whereOf(line)));
    assertSame(
      mine,
      theirs.map((line) => JSON.stringify(line)),
      "verdicts",
    );

    // an early look may raise an alert, and when it is taken is no function of the logs; but every breach has its alert
    const breaches = expected.judged.flatMap(({ segment, verdicts: all }) =>
      segment === null ? all.filter(({ status }) => status === "critical") : [],
    );
    assert.ok(breaches.length > 10, `${breaches.length} breaches`);
    const placesOf = (alerts: readonly Record<string, unknown>[]): Set<string> =>
      new Set(
        alerts
          .filter(
            ({ status, segment, segments }) => status === "firing" && !segment && segments === undefined,
          )
          .map(({ field, statistic }) => `${field} ${statistic}`),
      );
    const paged = placesOf(
      logs
        .flatMap((log) => log.split("\n"))
        .filter((line) => line.includes('"event":"alert"'))
        .map((line) => JSON.parse(line)),
    );
    const raised = placesOf(linesIn("alerts.jsonl"));
    for (const place of new Set(breaches.map(({ field, statistic }) => `${field} ${statistic}`))) {
      assert.ok(paged.has(place), `${place}: nobody was told`);
      assert.ok(raised.has(place), `${place}: not in the replay`);
    }
  });
});
