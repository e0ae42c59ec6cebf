import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Kafka, logLevel } from "kafkajs";
import { Fault } from "../../src/model/fault.ts";
import { createHandover } from "../../src/pipeline/handover.ts";
import { createOutbox } from "../../src/pipeline/outbox.ts";
import type { Outcome, Sink } from "../../src/pipeline/ports.ts";
import { createAlertmanager } from "../../src/sink/alertmanager.ts";
import { createDeadLetterFile } from "../../src/sink/dead-letters.ts";
import { createKafkaSink } from "../../src/sink/kafka.ts";
import { createLogSink } from "../../src/sink/log.ts";
import { createReportFiles } from "../../src/sink/report-files.ts";
import { createWebhooks } from "../../src/sink/webhook.ts";
import { readAll } from "../faults/truth.ts";
import { alertOf, judgedOf, movedOf, verdictOf, viewOf } from "../pipeline/outcomes.ts";
import { bodyOf, startHttp } from "../services/http.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually, listen } from "../sink/support.ts";

/** A sink and what it has done to the world outside, each effect by its name, as often as it was done. */
interface World {
  readonly sink: Sink;
  effects(): Promise<readonly string[]>;
  /** Nothing gets through from now on, and everything does again; absent where what does not get through ends the process. */
  readonly wire?: { block(): void; unblock(): void };
}

const clock = { now: () => Date.now(), elapsed: () => performance.now() };

/** Every sink. A new one is a line here. */
const worlds: Readonly<Record<string, (t: TestContext) => Promise<World>>> = {
  alertmanager: async (t) => {
    const peer = await startPeer(t);
    const firing = new Set<string>();
    const changes: string[] = [];
    peer.hear((body) => {
      for (const { labels, endsAt } of body as { labels: Record<string, string>; endsAt: string }[]) {
        const field = labels["field"] ?? "";
        const isFiring = Date.parse(endsAt) > Date.now();
        if (isFiring === firing.has(field)) continue; // an alert is its labels
        changes.push(`${field} ${isFiring ? "fires" : "is over"}`);
        if (isFiring) firing.add(field);
        else firing.delete(field);
      }
    });
    const sink = createAlertmanager(
      { urls: [peer.url], resendEveryMs: 60_000, timeoutMs: 60_000, views: [viewOf("a")], random: () => 0 },
      { clock, ...listen().reporting },
    );
    return { wire: peer, sink, effects: async () => changes };
  },
  webhook: async (t) => {
    const peer = await startPeer(t);
    const keys = new Set<string>();
    peer.hear((_, request) => void keys.add(String(request.headers["idempotency-key"])));
    const sink = createWebhooks(
      { webhooks: [{ url: peer.url }], timeoutMs: 60_000, random: () => 0 },
      listen().reporting,
    );
    return { wire: peer, sink, effects: async () => [...keys] };
  },
  kafka: async (t) => {
    const brokers = await broker();
    const prefix = await createTopic(brokers, "laws");
    const client = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
    const sink = await createKafkaSink({
      client,
      topicPrefix: prefix,
      source: "laws",
      handover: createHandover("laws"),
    });
    t.after(() => sink.close(AbortSignal.abort()));
    const names = ["profiles", "verdicts", "breakers", "dead-letters"];
    const effects = async (): Promise<string[]> => {
      const records = await Promise.all(
        names.map(async (name) =>
          (await readAll(client, `${prefix}.${name}`)).map(({ key }) => `${name} ${key}`),
        ),
      );
      return [...new Set(records.flat())]; // whoever reads goes by the key
    };
    let isBlocked = false;
    return {
      sink: { ...sink, accept: (...given) => (isBlocked ? refuse() : sink.accept(...given)) },
      effects,
      wire: {
        block() {
          isBlocked = true;
        },
        unblock() {
          isBlocked = false;
        },
      },
    };
  },
  "dead-letters": async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "tidemark-laws-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const inside = join(dir, "letters");
    const sink = createDeadLetterFile({ dir: inside });
    t.after(() => sink.close(AbortSignal.abort()));
    const effects = async (): Promise<string[]> => {
      const lines = readFileSync(join(inside, "dead-letters.jsonl"), "utf8").trim().split("\n");
      const letters = lines.map((line) => JSON.parse(line) as { partition: number; offset: number });
      return [...new Set(letters.map(({ partition, offset }) => `${partition}@${offset}`))];
    };
    return {
      sink,
      effects,
      wire: {
        block: () => writeFileSync(inside, "a file stands where the directory should"),
        unblock: () => rmSync(inside),
      },
    };
  },
  log: async () => {
    const heard = listen();
    const sink = createLogSink({ log: heard.reporting.log, clock });
    return {
      sink,
      effects: async () => heard.lines().map(({ event, field, msg }) => `${event} ${field} ${msg}`),
    };
  },
  "report files": async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "tidemark-laws-"));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const sink = await createReportFiles({ dir });
    const effects = async (): Promise<string[]> =>
      ["alerts", "verdicts", "breaker"].flatMap((name) =>
        readFileSync(join(dir, `${name}.jsonl`), "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => `${name} ${line}`),
      );
    return { sink, effects };
  },
};

const letter = (offset: number): Outcome => ({
  kind: "dead-letter",
  deadLetter: {
    partition: { topic: "t", partition: 3 },
    offset,
    reason: "truncated",
    message: "it ends in the middle",
    bytes: Uint8Array.of(1),
    key: undefined,
    headers: new Map(),
  },
});
const startsAt = Date.now() - 1_000;
const alert = (name: string): Extract<Outcome, { kind: "alert" }> => {
  const outcome = alertOf({ field: name, fingerprint: name, startsAt });
  assert(outcome.kind === "alert");
  return outcome;
};

/** One step of a judge: a window, a breaker, two alerts that fire, and poison. Made anew each time: a crash keeps no object. */
const step = (): readonly Outcome[] => [
  judgedOf(0, [verdictOf("a", { status: "critical" })]),
  movedOf("closed", "open", 1),
  alert("a"),
  alert("b"),
  letter(7),
  letter(8),
];
const active = [alert("a").alert, alert("b").alert];

for (const [name, world] of Object.entries(worlds)) {
  describe(`sink ${name}`, () => {
    /** What it has done in the end: it may tell the world after `accept`, but not after `close`. */
    const done = async ({ sink, effects }: World): Promise<readonly string[]> => {
      await sink.close(AbortSignal.timeout(60_000));
      return (await effects()).toSorted();
    };
    /** Who reads goes by the names: what another process has told again is the same thing. */
    const named = (effects: readonly string[]): readonly string[] => [...new Set(effects)].toSorted();
    const once = async (t: TestContext): Promise<readonly string[]> => {
      const calm = await world(t);
      await calm.sink.accept(step(), active);
      const effects = await done(calm);
      assert.notDeepEqual(effects, []);
      return effects;
    };

    it("does once what it is handed twice, by the same process or the next", async (t) => {
      const expected = await once(t);
      const one = await world(t);
      await one.sink.accept(step(), active);
      if (one.wire !== undefined)
        await eventually("it has told the world", async () =>
          isDeepStrictEqual(named(await one.effects().catch(() => [])), expected) ? true : undefined,
        );
      const given = step();
      await one.sink.accept(given, active);
      await one.sink.accept(given, active);
      assert.deepEqual(named(await done(one)), expected);
    });

    it("does once what it is handed again because another sink could not take it", async (t) => {
      const expected = await once(t);
      const one = await world(t);
      let refusals = 3;
      const other: Sink = {
        name: "another",
        accept: () => (refusals-- > 0 ? refuse() : Promise.resolve()),
        close: async () => undefined,
      };
      const outbox = createOutbox({
        sinks: [one.sink, other],
        active: () => active,
        trouble: () => undefined,
      });
      await outbox.emit(step());
      while (refusals > 0) await outbox.flush();
      await outbox.settle();
      assert.deepEqual(await done(one), expected);
    });

    // what report files cannot write ends a replay, and the log's stream blocks
    if (name === "log" || name === "report files") return;
    it("loses nothing to a time when nothing gets through", async (t) => {
      const expected = await once(t);
      const harmed = await world(t);
      assert(harmed.wire !== undefined);
      const outbox = createOutbox({ sinks: [harmed.sink], active: () => active, trouble: () => undefined });
      harmed.wire.block();
      await outbox.emit(step());
      for (let turn = 0; turn < 3; turn++) {
        await outbox.flush();
        await new Promise((next) => setTimeout(next, 50));
      }
      harmed.wire.unblock();
      await outbox.settle();
      assert.deepEqual(await done(harmed), expected);
    });
  });
}

/** Somebody who takes JSON by HTTP, or answers 503. */
async function startPeer(t: TestContext) {
  let isBlocked = false;
  let listener: (body: unknown, request: IncomingMessage) => void = () => undefined;
  const server = await startHttp(t, async (request) => {
    const body = await bodyOf(request);
    if (isBlocked) return 503;
    listener(JSON.parse(body), request);
    return 200;
  });
  return {
    url: server.url.href,
    hear(hears: typeof listener) {
      listener = hears;
    },
    block() {
      isBlocked = true;
    },
    unblock() {
      isBlocked = false;
    },
  };
}

async function refuse(): Promise<never> {
  throw new Fault("sink.unreachable", "blocked", { retryable: true });
}
