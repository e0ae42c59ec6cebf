import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import type { Baseline } from "../../src/judge/baseline.ts";
import type { FeatureView } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Message } from "../../src/model/record.ts";
import type { JudgedWindow } from "../../src/model/verdict.ts";
import type { Trouble } from "../../src/pipeline/cell.ts";
import { createJudgeLog } from "../../src/pipeline/judge-log.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import type { Outcome, Sink, Store } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { encodeSignal, type Signal } from "../../src/pipeline/signal.ts";
import { createKafkaClient } from "../../src/source/kafka-client.ts";
import { openKafkaStore } from "../../src/store/kafka.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { broker } from "../services/services.ts";
import { cleanBaseline, type Log, logsOf, topic, view } from "./logs.ts";

const dir = mkdtempSync(join(tmpdir(), "tidemark-laws-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const name = (): string => randomBytes(5).toString("hex");

/** Where a process keeps its state; each opens it anew. */
const places: Readonly<Record<string, () => Promise<() => Promise<Store>>>> = {
  sqlite: async () => {
    const file = join(dir, name(), "state.sqlite");
    return async () => openSqliteStore({ file });
  },
  kafka: async () => {
    const brokers = (await broker()).split(",");
    const options = { brokers, clientId: "laws", ssl: undefined, sasl: undefined };
    const client = createKafkaClient(options, undefined);
    const checkpoints = `laws.${name()}.checkpoints`;
    return () => openKafkaStore({ client, topic: checkpoints, processId: name() });
  },
};

/** The next version of the spec: its model knows one country more. */
const next: FeatureView = {
  ...view,
  version: view.version + 1,
  fields: view.fields.map((field) =>
    field.name === "country" && field.mapping !== undefined
      ? { ...field, mapping: { ...field.mapping, values: [...field.mapping.values, "United States"] } }
      : field,
  ),
  fingerprint: "sha256:next",
};
let baseline: Baseline;
before(async () => {
  baseline = await cleanBaseline();
});

const clock = { now: () => 0, elapsed: () => 0 };
const common = { limits: defaultLimits, clock, idleAfterMs: Number.POSITIVE_INFINITY };
const sinkOf = (take: (outcome: Outcome) => void): Sink => ({
  name: "test",
  accept: async (outcomes) => outcomes.forEach(take),
  close: async () => undefined,
});

/**
 * A process that reads on where the one before stood, up to `share` of each log (of each next one a tenth less, so that the judge has
 * windows that wait), and is gone after a checkpoint. One that `dies` takes over with what is judged from one checkpoint to the
 * next as little as can be: there is a judge for every step.
 */
type Life = (of: FeatureView, store: Store, share: number, dies?: "often") => Promise<void>;

async function readOn(monitor: Monitor, logs: readonly Log[], share: number): Promise<void> {
  const all = logs.flatMap(({ partition, messages }, at) =>
    messages
      .slice(0, messages.length * (share < 1 ? share - 0.1 * at : 1))
      .map((message) => ({ partition, message })),
  );
  all.sort((a, b) => (a.message.timestamp ?? 0) - (b.message.timestamp ?? 0));
  for (const { partition } of logs) await monitor.assigned(partition);
  await monitor.counted(topic, logs.length);
  for (const { partition, message } of all) await monitor.receive(partition, [message]);
}

/** A record of the log of signals. */
function messageOf(signal: Signal, offset: number): Message {
  const { value, headers } = encodeSignal(signal);
  const record = { offset, timestamp: 0, headers: new Map(Object.entries(headers)) };
  return { ...record, body: { kind: "bytes", bytes: value } };
}

function closedOf({ partition, profile, partial = false }: Extract<Outcome, { kind: "profile" }>): Signal {
  return { kind: "closed", partition: `${partition.topic}-${partition.partition}`, profile, partial };
}

/** One process that judges, and one that profiles beside one that judges what it says. */
const kinds: Readonly<Record<string, (logs: readonly Log[], take: (outcome: Outcome) => void) => Life>> = {
  embedded: (logs, take) => async (of, store, share, dies) => {
    const begin = async (): Promise<Monitor> => {
      const views = [{ view: of, baseline }];
      const monitor = createMonitor({ ...common, views, sinks: [sinkOf(take)], store });
      await monitor.restore();
      return monitor;
    };
    for (const count of dies === undefined ? [] : logs.keys()) {
      const monitor = await begin();
      for (const { partition } of logs.slice(0, count)) await monitor.assigned(partition);
      await monitor.checkpoint();
    }
    const monitor = await begin();
    await readOn(monitor, logs, share);
    await monitor.checkpoint();
    assert.deepEqual([...monitor.board.troubles().keys()], [], "what was changed is no trouble any more");
  },
  cluster: (logs, take) => {
    const signals: Message[] = [];
    const say = (signal: Signal): void => void signals.push(messageOf(signal, signals.length));
    const tell = (outcome: Outcome): void => {
      if (outcome.kind === "signal") say(outcome.signal);
      if (outcome.kind === "profile") say(closedOf(outcome));
    };
    return async (of, store, share, dies) => {
      const views = [{ view: of, baseline }];
      const relay = { processId: "one", judging: () => undefined, ready: () => true };
      const monitor = createMonitor({ ...common, views, sinks: [sinkOf(tell)], store, relay });
      const log = { topic: "signals", partition: 0 };
      const judgeOn = async (size: number): Promise<boolean> => {
        const troubles = new Set<string>();
        const trouble: Trouble = (name, text) =>
          void (text === undefined ? troubles.delete(name) : troubles.add(name));
        const judge = createJudgeLog({
          ...{ views, store, trouble, handover: undefined, announce: () => undefined },
          speaks: { durable: [sinkOf(take)], told: [], ahead: { outcomes: 0, bytes: 0 } },
        });
        const from = (await judge.assigned(log, { low: 0, high: signals.length }))?.offset ?? 0;
        await judge.receive(log, signals.slice(from, from + size));
        await judge.checkpoint();
        if (judge.caughtUp()) assert.deepEqual([...troubles], []);
        return from + size < signals.length;
      };
      await readOn(monitor, logs, share);
      await monitor.checkpoint();
      const size = dies === undefined ? signals.length : 1;
      while (await judgeOn(size));
    };
  },
};

/** Closed windows of the whole view under one spec, each as it was judged last, by its start. */
function lastOf(judged: readonly JudgedWindow[], spec: string): ReadonlyMap<number, JudgedWindow> {
  const own = judged.filter((each) => each.final && each.segment === null && each.spec === spec);
  return new Map(own.map((each) => [each.window.start, each]));
}

/** How often a window has been judged hangs on where the judges died. */
const withoutRevisions = (judged: ReadonlyMap<number, JudgedWindow>): readonly object[] =>
  [...judged.values()].map(({ revision: _, ...rest }) => rest);

for (const [storeName, place] of Object.entries(places))
  for (const [kind, live] of Object.entries(kinds))
    describe(`a spec that is replaced, ${kind} on ${storeName}`, () => {
      const opened = async (t: TestContext, open: () => Promise<Store>): Promise<Store> => {
        const store = await open();
        t.after(() => store.close());
        return store;
      };

      it("has its open windows judged by itself, as partial ones; the next begins its own", async (t) => {
        const open = await place();
        const logs = logsOf(7, 2);
        const judged: JudgedWindow[] = [];
        let profiled = 0;
        const life = live(logs, (outcome) => {
          if (outcome.kind === "judged") judged.push(outcome.judged);
        });
        await life(view, await opened(t, open), 0.55);
        const before = lastOf(judged, view.fingerprint);
        assert.ok(before.size > 3 && [...before.values()].every(({ partial }) => partial !== true));
        await life(next, await opened(t, open), 0.55); // nothing new to read
        const old = lastOf(judged, view.fingerprint);
        const late = [...old].filter(([start]) => !before.has(start));
        assert.ok(late.length > 0, "windows were open");
        for (const [start, { partial, verdicts }] of late) {
          assert.equal(partial, true, `${start}`);
          assert.ok(verdicts.length > 5);
        }
        for (const [start, window] of before) assert.deepEqual(old.get(start), window, "is judged once");
        await life(next, await opened(t, open), 1);
        const own = lastOf(judged, next.fingerprint);
        const shared = [...own.keys()].filter((start) => old.has(start));
        assert.deepEqual(
          [...own.values()].flatMap(({ partial, window }) => (partial === true ? [window.start] : [])),
          shared,
          "a window that lacks the rows of before says so, and no other does",
        );
        assert.ok(own.size > 4);
        assert.deepEqual(lastOf(judged, view.fingerprint), old);

        // every row is in one window of one spec
        const whole: JudgedWindow[] = [];
        await live(logs, (outcome) => {
          if (outcome.kind === "judged") whole.push(outcome.judged);
        })(view, await opened(t, await place()), 1);
        for (const [start, { rows }] of lastOf(whole, view.fingerprint)) {
          profiled += rows;
          assert.equal((old.get(start)?.rows ?? 0) + (own.get(start)?.rows ?? 0), rows, `${start}`);
        }
        assert.ok(profiled > 500);
      });

      it("has them judged the same, with every row, though the judge dies at each step of the way", async (t) => {
        const logs = logsOf(7, 2);
        const judgedBy = async (dies?: "often"): Promise<readonly JudgedWindow[]> => {
          const open = await place();
          const judged: JudgedWindow[] = [];
          const life = live(logs, (outcome) => {
            if (outcome.kind === "judged") judged.push(outcome.judged);
          });
          await life(view, await opened(t, open), 0.55);
          const before = lastOf(judged, view.fingerprint).size;
          await life(next, await opened(t, open), 0.55, dies);
          assert.ok(lastOf(judged, view.fingerprint).size > before + 1, "windows waited");
          await life(next, await opened(t, open), 1, dies);
          return judged;
        };
        const [calm, troubled] = [await judgedBy(), await judgedBy("often")];
        for (const spec of [view.fingerprint, next.fingerprint]) {
          const expected = lastOf(calm, spec);
          assert.ok(expected.size > 4);
          for (const [start, { rows }] of expected)
            assert.equal(lastOf(troubled, spec).get(start)?.rows, rows, `rows of ${start}`);
          assert.deepEqual(withoutRevisions(lastOf(troubled, spec)), withoutRevisions(expected));
        }
      });

      it("is refused with what to do where a newer tidemark has saved its state", async (t) => {
        const open = await place();
        const logs = logsOf(7, 1);
        const life = live(logs, () => undefined);
        const store = await opened(t, open);
        await life(view, store, 0.3);
        const keys = [`lane/${view.name}/${topic}-0`, `judge/${view.name}`];
        for (const key of keys) {
          const saved = await store.load(key);
          assert(saved !== undefined);
          const newer = Uint8Array.from(saved);
          newer[0] = 99;
          await store.save(new Map([[key, newer]]));
          await assert.rejects(life(view, store, 0.6), {
            code: "store.version",
            message: /version 99/,
            hint: /run the newer tidemark that wrote it, or point state at a new place/,
          });
          await store.save(new Map([[key, saved]]));
        }
        await life(view, store, 0.6);
      });
    });

describe("a group that is upgraded one process after the other", () => {
  it("has every row judged once, by the spec that its process had", async (t) => {
    const logs = logsOf(7, 2);
    const store = createMemoryStore();
    t.after(() => store.close());
    const told: { readonly at: number; readonly signal: Signal }[] = [];
    for (const [of, log] of [view, next].map((spec, at) => [spec, logs[at] as Log] as const)) {
      let at = 0;
      const say = (signal: Signal): void => void told.push({ at, signal });
      const sink = sinkOf((outcome) => {
        if (outcome.kind === "signal") say(outcome.signal);
        if (outcome.kind === "profile") say(closedOf(outcome));
      });
      const relay = { processId: of.fingerprint, judging: () => undefined, ready: () => true };
      const views = [{ view: of, baseline }];
      const monitor = createMonitor({ ...common, views, sinks: [sink], store: createMemoryStore(), relay });
      await monitor.assigned(log.partition);
      await monitor.counted(topic, 2);
      for (const message of log.messages) {
        at = message.timestamp ?? 0;
        await monitor.receive(log.partition, [message]);
      }
    }
    told.sort((a, b) => a.at - b.at);
    const signals = told.map(({ signal }, offset) => messageOf(signal, offset));

    const judged: JudgedWindow[] = [];
    const judgeWith = async (of: FeatureView, from: number, to: number): Promise<number> => {
      const views = [{ view: of, baseline }];
      const judge = createJudgeLog({
        ...{ views, store, trouble: () => undefined, handover: undefined, announce: () => undefined },
        speaks: {
          durable: [sinkOf((outcome) => void (outcome.kind === "judged" && judged.push(outcome.judged)))],
          ...{ told: [], ahead: { outcomes: 0, bytes: 0 } },
        },
      });
      const log = { topic: "signals", partition: 0 };
      const at = (await judge.assigned(log, { low: 0, high: signals.length }))?.offset ?? 0;
      assert.equal(at, from);
      await judge.receive(log, signals.slice(from, to));
      await judge.checkpoint();
      return to;
    };
    // the judge is upgraded last, and dies on the way
    let at = await judgeWith(view, 0, Math.floor(signals.length * 0.3));
    at = await judgeWith(view, at, Math.floor(signals.length * 0.6));
    await judgeWith(next, at, signals.length);

    const closed = told.flatMap(({ signal }) => (signal.kind === "closed" ? [signal.profile] : []));
    assert.ok(closed.some(({ spec }) => spec === next.fingerprint));
    for (const spec of [view.fingerprint, next.fingerprint]) {
      const seen = lastOf(judged, spec);
      for (const { window, rows, segment, ...profile } of closed) {
        if (profile.spec !== spec || segment !== null) continue;
        assert.equal(seen.get(window.start)?.rows, rows, `${spec} ${window.start}`);
      }
    }
  });
});
