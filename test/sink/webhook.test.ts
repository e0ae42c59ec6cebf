import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Sink } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createWebhooks, idempotencyKey } from "../../src/sink/webhook.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { alertOf, movedOf, noon } from "../pipeline/outcomes.ts";
import { bodyOf, startHttp } from "../services/http.ts";
import { eventually, listen } from "./support.ts";

interface Posted {
  readonly key: string;
  readonly alerts: { fingerprint: string; status: string; time: string }[];
}

/** An address that answers with the statuses in turn, the last one for ever. */
async function startHook(t: TestContext, ...statuses: readonly number[]) {
  const posted: Posted[] = [];
  const { url } = await startHttp(t, async (request) => {
    const { alerts } = JSON.parse(await bodyOf(request)) as Pick<Posted, "alerts">;
    posted.push({ key: String(request.headers["idempotency-key"]), alerts });
    return statuses[Math.min(posted.length, statuses.length) - 1] ?? 200;
  });
  return { url, posted };
}

/** @returns `told`: the keys that an address has taken, as the sink knows */
function sinkFor(t: TestContext, ...urls: readonly URL[]) {
  const heard = listen();
  const webhooks = urls.map(({ href }) => ({ url: href }));
  const told: string[] = [];
  const sink = createWebhooks(
    // none of these tests lives on an answer that is late: on a slow machine it would come twice
    { webhooks, timeoutMs: 600_000, random: () => 0, onTold: (change) => told.push(idempotencyKey(change)) },
    heard.reporting,
  );
  t.after(() => sink.close(AbortSignal.abort()));
  return { sink, told, ...heard };
}

const prints = (posted: readonly Posted[]): string[] =>
  posted.flatMap(({ alerts }) => alerts.map(({ fingerprint }) => fingerprint));
const changes = (count: number) =>
  Array.from({ length: count }, (_, index) => alertOf({ fingerprint: `p${index}` }));

const prints1005 = Array.from({ length: 1_005 }, (_, index) => `p${index}`);

describe("webhooks", () => {
  it("post each change of an alert once, in order, as the line of alerts.jsonl", async (t) => {
    const { url, posted } = await startHook(t, 204);
    const { sink } = sinkFor(t, url);
    const firing = alertOf();
    await sink.accept([movedOf("closed", "open", noon), firing], []);
    await sink.accept([firing, alertOf({ status: "resolved" })], []);
    await sink.close(AbortSignal.timeout(30_000));
    assert.deepEqual(
      posted.map(({ key, alerts }) => [key, alerts[0]?.status, alerts[0]?.time]),
      [
        [`f00d-${noon}-firing`, "firing", "2026-03-03T12:00:00.000Z"],
        [`f00d-${noon}-resolved`, "resolved", "2026-03-03T12:00:00.000Z"],
      ],
    );
  });

  it("try again with the same key until the address takes it, and only then go on", async (t) => {
    const { url, posted } = await startHook(t, 500, 429, 200);
    const { sink, failures, troubles } = sinkFor(t, url);
    await sink.accept(changes(2), []);
    await eventually("both are there", () => posted[3]);
    assert.deepEqual(prints(posted), ["p0", "p0", "p0", "p1"]);
    assert.equal(new Set(posted.slice(0, 3).map(({ key }) => key)).size, 1);
    assert.equal(failures().length, 2);
    await eventually("no trouble is left", () => (troubles().length === 0 ? true : undefined));
  });

  it("give up a change that the address refuses for good, and say so", async (t) => {
    const { url, posted } = await startHook(t, 404, 200);
    const { sink, said, troubles } = sinkFor(t, url);
    await sink.accept(changes(2), []);
    await eventually("the second", () => posted[1]);
    assert.deepEqual(prints(posted), ["p0", "p1"]);
    assert.match(said().join(), /refuses: .* 404/);
    await eventually("it stays known", () => troubles().find((text) => /1 changes/.test(text)));
  });

  it("do not wait for an address that hangs, and serve the others", { timeout: 60_000 }, async (t) => {
    const hanging = await startHttp(t, () => new Promise<number>(() => undefined));
    const good = await startHook(t);
    const { sink } = sinkFor(t, hanging.url, good.url);
    await sink.accept(changes(5), []); // which would be ten minutes if it waited
    await eventually("five at the good one", () => (good.posted.length === 5 ? true : undefined));
  });

  it("keep at most a thousand changes for an address that is slow: the newest", async (t) => {
    const { url, posted } = await startHook(t, 200);
    const { sink, said } = sinkFor(t, url);
    await sink.accept(changes(1_005), []); // the first is under way
    for (const count of [250, 500, 750, 1_001])
      await eventually(`${count} of them`, () => (posted.length >= count ? true : undefined));
    assert.deepEqual(prints(posted), ["p0", ...prints1005.slice(5)]);
    assert.equal(said().filter((line) => /the oldest are dropped/.test(line)).length, 1);
  });

  it("never tell path and query of an address, where secrets are", async (t) => {
    const { url } = await startHook(t, 500);
    [url.pathname, url.search] = ["/T024/s3cret", "?token=s3cret"];
    const { sink, said, troubles, failures } = sinkFor(t, url);
    await sink.accept(changes(1), []);
    await eventually("a failure", () => failures()[0]);
    assert.doesNotMatch([...said(), ...troubles(), ...failures()].join(), /s3cret/);
  });

  it("deliver after a crash what waited at the checkpoint, each address its own, with the same keys", async (t) => {
    const up = await startHook(t, 200);
    const down = { answer: () => new Promise<number>(() => undefined), keys: [] as string[] };
    const { url } = await startHttp(t, async (request) => {
      await bodyOf(request);
      down.keys.push(String(request.headers["idempotency-key"]));
      return down.answer();
    });
    const secret = new URL("?token=s3cret", url);
    const store = createMemoryStore();
    const monitorOf = (sink: Sink) =>
      createMonitor({
        ...{ views: [], limits: defaultLimits, sinks: [sink], store, idleAfterMs: 0 },
        clock: { now: () => noon, elapsed: () => 0 },
      });
    const first = sinkFor(t, up.url, secret);
    await first.sink.accept([...changes(2), alertOf({ fingerprint: "p0", status: "resolved" })], []);
    await eventually("one address has taken them", () => first.told[2]);
    await eventually("the other has the first and does not answer", () => down.keys[0]);
    await monitorOf(first.sink).checkpoint();
    await first.sink.close(AbortSignal.abort());
    assert.doesNotMatch(Buffer.from((await store.load("sink/webhook")) ?? []).toString(), /s3cret/);

    Object.assign(down, { answer: async () => 200, keys: [] });
    const second = sinkFor(t, up.url, secret);
    await monitorOf(second.sink).restore();
    await second.sink.accept([alertOf({ fingerprint: "p1" })], []); // found again in the log after the checkpoint
    await eventually("both addresses have taken them", () => second.told[3]);
    await second.sink.close(AbortSignal.timeout(30_000));
    assert.deepEqual(down.keys, [`p0-${noon}-firing`, `p1-${noon}-firing`, `p0-${noon}-resolved`]);
    assert.equal(
      up.posted.length,
      4,
      "what had been delivered there comes again only when it is found again",
    );
  });
});
