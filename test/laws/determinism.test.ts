import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import type { Baseline } from "../../src/judge/baseline.ts";
import type { FeatureView } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Message } from "../../src/model/record.ts";
import { type Alert, type JudgedWindow, segmentKey } from "../../src/model/verdict.ts";
import { createJudgeLog, type JudgeLog } from "../../src/pipeline/judge-log.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import type { Sink, Store } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { encodeSignal, type Signal } from "../../src/pipeline/signal.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createRandom, type Random } from "../judge/random.ts";
import { cleanBaseline, createTold, type Log, logsOf, revising, type Told, topic, view } from "./logs.ts";

const noTrouble = (): void => undefined;
let baseline: Baseline;
before(async () => {
  baseline = await cleanBaseline();
});

/** A process that judges alone. */
function embedded(view: FeatureView, store: Store, told: Told): Monitor {
  return createMonitor({
    views: [{ view, baseline }],
    limits: defaultLimits,
    sinks: [told.sink],
    store,
    clock: { now: () => 0, elapsed: () => 0 },
    idleAfterMs: Number.POSITIVE_INFINITY,
  });
}

/** Of one log, each message in a fetch of its own, by a process that never ends; partitions in the order of their rows. */
async function readInOrder(view: FeatureView, logs: readonly Log[]): Promise<Told> {
  const told = createTold({ early: logs.length === 1 ? "same" : "any" });
  const monitor = embedded(view, createMemoryStore(), told);
  for (const { partition } of logs) await monitor.assigned(partition);
  const all = logs.flatMap(({ partition, messages }) => messages.map((message) => ({ partition, message })));
  all.sort((a, b) => (a.message.timestamp ?? 0) - (b.message.timestamp ?? 0));
  for (const { partition, message } of all) await monitor.receive(partition, [message]);
  return told;
}

/** What a source would deliver next: from an offset on, cut anywhere, and now and then some of it again. */
function nextFetch({ messages }: Log, position: number, { uniform }: Random): readonly Message[] {
  const at = messages.findIndex(({ offset }) => offset >= position);
  if (at < 0) return [];
  const from = uniform() < 0.2 ? Math.max(0, at - Math.floor(uniform() * 5)) : at;
  const size = uniform() < 0.1 ? messages.length : 1 + Math.floor(uniform() ** 3 * 40);
  return messages.slice(from, at + size);
}

const after = (fetch: readonly Message[]): number => (fetch.at(-1)?.offset ?? -1) + 1;

/** The same by a process that is killed again and again, with fetches cut anywhere and partitions in any order. */
async function readAnyhow(view: FeatureView, logs: readonly Log[], random: Random): Promise<Told> {
  const told = createTold({ early: logs.length === 1 ? "same" : "any" });
  const store = createMemoryStore();
  let monitor = embedded(view, store, told);
  let positions: number[] = [];
  const begin = async (): Promise<void> => {
    monitor = embedded(view, store, told);
    await monitor.restore();
    positions = [];
    for (const { partition } of logs) positions.push((await monitor.assigned(partition))?.offset ?? 0);
  };
  await begin();
  let crashes = 0;
  for (;;) {
    const left = logs.flatMap((log, at) =>
      (log.messages.at(-1)?.offset ?? 0) >= (positions[at] as number) ? [at] : [],
    );
    const at = left[Math.floor(random.uniform() * left.length)];
    if (at === undefined) return told;
    const log = logs[at] as Log;
    const fetch = nextFetch(log, positions[at] as number, random);
    await monitor.receive(log.partition, fetch);
    positions[at] = after(fetch);
    if (random.uniform() < 0.2) await monitor.tick();
    if (random.uniform() < 0.15) await monitor.checkpoint();
    if (random.uniform() < 0.1 && crashes < 30) {
      crashes += 1;
      await begin();
    }
  }
}

/** A cluster in one thread: any number of processes, each killed or robbed of a partition at any moment; one log of signals. */
async function readTogether(view: FeatureView, logs: readonly Log[], random: Random): Promise<Told> {
  const { uniform } = random;
  const told = createTold({ early: logs.length === 1 ? "same" : "any" });
  const store = createMemoryStore();
  const signals: Message[] = [];
  let now = 0;
  const say = (signal: Signal): void => {
    const { value, headers } = encodeSignal(signal);
    const body = { kind: "bytes", bytes: value } as const;
    signals.push({
      offset: signals.length,
      timestamp: now,
      headers: new Map(Object.entries(headers)),
      body,
    });
  };
  const writes: Sink = {
    name: "signals",
    async accept(outcomes) {
      for (const outcome of outcomes) {
        if (outcome.kind === "signal") say(outcome.signal);
        if (outcome.kind !== "profile") continue;
        const { partition, profile, partial = false } = outcome;
        say({ kind: "closed", partition: `${partition.topic}-${partition.partition}`, profile, partial });
      }
    },
    close: async () => undefined,
  };
  const process = (processId: string): Monitor =>
    createMonitor({
      views: [{ view, baseline }],
      limits: defaultLimits,
      sinks: [told.sink, writes],
      store,
      clock: { now: () => now, elapsed: () => now },
      idleAfterMs: Number.POSITIVE_INFINITY,
      relay: { processId, judging: () => undefined, ready: () => true },
    });
  const count = 1 + Math.floor(uniform() * 3);
  const processes = Array.from({ length: count }, (_, at) => process(String(at)));
  const positions: number[] = [];
  const owners: Monitor[] = [];
  /** Who has lost a partition and does not know yet. */
  let zombie: { readonly monitor: Monitor; readonly log: Log; position: number } | undefined;
  const assign = async (at: number, to: Monitor): Promise<void> => {
    owners[at] = to;
    positions[at] = (await to.assigned((logs[at] as Log).partition))?.offset ?? 0;
    await to.counted(topic, logs.length);
  };
  for (const at of logs.keys()) await assign(at, processes[at % count] as Monitor);

  let judge: JudgeLog | undefined;
  let judged = 0;
  const lead = async (): Promise<void> => {
    judge = createJudgeLog({
      views: [{ view, baseline }],
      ...{ store, trouble: noTrouble, handover: undefined, announce: noTrouble },
      speaks: { durable: [told.sink], told: [], ahead: { outcomes: 0, bytes: 0 } },
    });
    const extent = { low: 0, high: signals.length };
    judged = (await judge.assigned({ topic: "signals", partition: 0 }, extent))?.offset ?? 0;
  };
  await lead();
  const judgeOn = async (size: number): Promise<void> => {
    const fetch = signals.slice(judged, judged + size);
    await judge?.receive({ topic: "signals", partition: 0 }, fetch);
    judged += fetch.length;
  };

  for (;;) {
    now += Math.floor(uniform() * 400);
    const left = logs.flatMap((log, at) =>
      (log.messages.at(-1)?.offset ?? 0) >= (positions[at] as number) ? [at] : [],
    );
    const at = left[Math.floor(uniform() * left.length)];
    if (at === undefined) break;
    const log = logs[at] as Log;
    const owner = owners[at] as Monitor;
    const fetch = nextFetch(log, positions[at] as number, random);
    await owner.receive(log.partition, fetch);
    positions[at] = after(fetch);
    if (uniform() < 0.3) await owner.tick();
    if (uniform() < 0.15) await owner.checkpoint();
    if (zombie !== undefined) {
      const again = nextFetch(zombie.log, zombie.position, random);
      await zombie.monitor.receive(zombie.log.partition, again);
      zombie.position = after(again);
      await zombie.monitor.tick();
      if (uniform() < 0.5) {
        if (uniform() < 0.5) await zombie.monitor.checkpoint(); // over what its successor has saved
        zombie = undefined;
      }
    }
    if (uniform() < 0.06) {
      // killed, or not heard of for long enough: another one goes on, or one that has just begun
      const next = uniform() < 0.5 ? process(`more ${now}`) : (processes[0] as Monitor);
      if (next !== owner) {
        if (uniform() < 0.5) zombie = { monitor: owner, log, position: positions[at] as number };
        else await owner.revoked(log.partition);
        await assign(at, next);
      }
    }
    await judgeOn(Math.floor(uniform() ** 2 * 60));
    if (uniform() < 0.05) await judge?.checkpoint();
    if (uniform() < 0.03) await lead();
  }
  await judgeOn(signals.length);
  return told;
}

const seeds = fc.noShrink(fc.integer({ min: 0, max: 1_000_000 }));
const entries = (map: ReadonlyMap<string, string>): string[] =>
  [...map].sort().map((entry) => entry.join(" "));

/** Line by line: of two long texts an assertion shows too much. */
function assertSame(found: readonly string[], expected: readonly string[], what: string): void {
  const at = expected.findIndex((line, index) => line !== found[index]);
  assert.equal(found[at]?.slice(0, 2_000), expected[at]?.slice(0, 2_000), what);
  assert.equal(found.length, expected.length, `${what}: how many`);
}

function assertAsMuch(expected: Told): void {
  const { profiles, verdicts, changes, deadLetters } = expected;
  const sizes = [profiles, verdicts, changes, deadLetters].map(({ size }) => size);
  assert.ok(profiles.size > 30 && verdicts.size > 30 && changes.size > 6, sizes.join());
}

const runs = { numRuns: 5, endOnFailure: true };

describe("one log", () => {
  for (const [how, of] of [
    ["", view],
    [", also when late rows revise what was judged", revising],
  ] as const)
    it(`gives the same profiles, verdicts, alerts and breakers to the bit, wherever fetches are cut and whoever dies${how}`, async () => {
      let revised = 0;
      const property = fc.asyncProperty(seeds, async (seed) => {
        const logs = logsOf(seed, 1);
        const expected = await readInOrder(of, logs);
        assertAsMuch(expected);
        revised += revisions(expected);
        const found = await readAnyhow(of, logs, createRandom(seed));
        assertSame(entries(found.profiles), entries(expected.profiles), "profiles");
        assertSame(entries(found.verdicts), entries(expected.verdicts), "verdicts");
        assertSame([...found.changes.values()], [...expected.changes.values()], "alerts and breakers");
        assertSame(entries(found.deadLetters), entries(expected.deadLetters), "dead letters");
      });
      await fc.assert(property, runs);
      assert.equal(revised > 10, of === revising, `${revised} revisions`);
    });
});

const revisions = ({ verdicts }: Told): number =>
  [...verdicts.keys()].filter((key) => !key.endsWith("|0")).length;

/**
 * Which alert is first and what it says hangs on how far each partition had come when an open window was looked at: that is no
 * function of the logs. But a breach of a closed window has its alert, and the breaker is where they leave it.
 */
function assertAlerted({ verdicts, changes }: Told): void {
  const told = [...changes.values()].map((text) => JSON.parse(text));
  const alerts = told.filter(({ fingerprint }) => fingerprint !== undefined) as Alert[];
  const judged = [...verdicts.values()].map(
    (text) => JSON.parse(text.slice(0, text.lastIndexOf(" "))) as JudgedWindow,
  );
  let breaches = 0;
  for (const { verdicts: all, segment, window } of judged)
    for (const { field, statistic, status } of segment === null ? all : []) {
      if (status !== "critical") continue;
      breaches += 1;
      const own = alerts.filter(
        (alert) => alert.field === field && alert.statistic === statistic && alert.segment === null,
      );
      const fires = own.filter(({ status: is, startsAt }) => is === "firing" && startsAt <= window.end);
      const isOver = (startsAt: number): boolean =>
        own.some(
          (alert) => alert.status === "resolved" && alert.startsAt === startsAt && alert.time < window.end,
        );
      assert.ok(
        fires.some(({ startsAt }) => !isOver(startsAt)),
        `${field} ${statistic} of the window from ${window.start}: no alert`,
      );
    }
  assert.ok(breaches > 2, `${breaches} breaches`);
  const moves = told.filter(({ transition, segment }) => transition !== undefined && segment === null);
  assert.equal(moves.at(-1).state, "closed");
}

describe("several partitions", () => {
  for (const [how, read] of [
    ["one process that is killed again and again", readAnyhow],
    ["a cluster whose members and judge come and go", readTogether],
  ] as const)
    it(`give ${how} the same profiles and verdicts to the bit, and an alert for each breach`, async () => {
      const property = fc.asyncProperty(seeds, async (seed) => {
        const logs = logsOf(seed, 3);
        const expected = await readInOrder(view, logs);
        assertAsMuch(expected);
        const found = await read(view, logs, createRandom(seed));
        assertSame(entries(found.profiles), entries(expected.profiles), "profiles");
        assertSame(entries(found.verdicts), entries(expected.verdicts), "verdicts");
        assertAlerted(found);
        assertSame(entries(found.deadLetters), entries(expected.deadLetters), "dead letters");
      });
      await fc.assert(property, runs);
    });

  it("are, where late rows revise what was judged, the same in the end", async () => {
    const property = fc.asyncProperty(seeds, async (seed) => {
      const logs = logsOf(seed, 3);
      const expected = lastOf(await readInOrder(revising, logs));
      for (const read of [readAnyhow, readTogether])
        assertSame(lastOf(await read(revising, logs, createRandom(seed))), expected, "merged profiles");
    });
    await fc.assert(property, { ...runs, numRuns: 3 });
  });
});

/** The profile of each window with all its rows: how often it was judged before hangs on who came when. */
function lastOf({ verdicts }: Told): string[] {
  const last = new Map<string, { readonly rows: number; readonly text: string }>();
  for (const value of verdicts.values()) {
    const at = value.lastIndexOf(" ");
    const { window, segment, rows } = JSON.parse(value.slice(0, at)) as JudgedWindow;
    const place = `${window.start} ${segmentKey(segment)}`;
    if (rows >= (last.get(place)?.rows ?? 0)) last.set(place, { rows, text: value.slice(at) });
  }
  return [...last].map(([place, { text }]) => place + text).sort();
}
