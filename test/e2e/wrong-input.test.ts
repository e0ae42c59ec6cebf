import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { tableFromIPC } from "apache-arrow";
import { startProxy } from "../faults/proxy.ts";
import { freePorts } from "../services/ports.ts";
import { broker, createTopic, startAlertmanager, startWebhookReceiver } from "../services/services.ts";
import {
  assertConserved,
  eventually,
  gateStatus,
  incidentFile,
  messagesOf,
  produce,
  scratch,
  specsWithTopic,
  startTidemark,
  streamOf,
  tidemark,
} from "./support.ts";

const view = "reco_user";
const run = promisify(execFile);
const switchAt = Date.parse("2026-03-03T04:14:00Z");
const messages = messagesOf(incidentFile);
const clean = messages.filter(({ to }) => to < switchAt);
const bad = messages.filter(({ from }) => from >= switchAt).slice(0, 6);
const rowsOf = (some: readonly { rows: number }[]): number => some.reduce((sum, { rows }) => sum + rows, 0);
const bytesOf = (some: readonly { bytes: Uint8Array }[]): readonly Uint8Array[] =>
  some.map(({ bytes }) => bytes);

/** The first batch of the incident without one of its columns. */
function without(column: string): { readonly bytes: Uint8Array; readonly rows: number } {
  const table = tableFromIPC(readFileSync(incidentFile));
  const names = table.schema.fields.map(({ name }) => name).filter((name) => name !== column);
  const [batch] = table.select(names).batches;
  assert(batch !== undefined);
  return { bytes: streamOf([batch]), rows: batch.numRows };
}

describe("wrong input", () => {
  it("costs its own message and nothing else: truncated, foreign, without event time", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "wrong");
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
    });
    const [first, second] = [clean.slice(0, 10), clean.slice(10, 20)];
    const whole = first[0]?.bytes ?? new Uint8Array();
    const poison = [
      whole.subarray(0, whole.length - 100),
      Buffer.from("neither Arrow nor JSON"),
      Buffer.from('{"user_location": "US"'),
      without("event_time").bytes,
      Buffer.from("ARROW1 but no more"),
    ];
    await produce(brokers, topic, [...bytesOf(first), ...poison, ...bytesOf(second)]);
    const sent = rowsOf(first) + rowsOf(second);
    const records = await assertConserved(running.url, view, sent + poison.length);
    assert.deepEqual(records, { profiled: sent, late: 0, rejected: 0, deadLettered: poison.length });

    const { stdout } = await run("kcat", [
      ...["-C", "-b", brokers, "-t", `${topic}.dead-letters`, "-e", "-q"],
      ...["-f", "%k %h\\n"],
    ]);
    const letters = stdout.trim().split("\n");
    assert.equal(letters.length, poison.length);
    for (const [index, letter] of letters.entries()) {
      assert.match(letter, new RegExp(`^${topic}-0@${first.length + index} `));
      assert.match(letter, /__dlq\.errors\.topic=/);
      assert.match(letter, /__dlq\.errors\.offset=/);
      assert.match(letter, /__dlq\.errors\.[a-z.]*reason=(truncated|format|malformed|schema)/);
    }
    const metrics = await (await fetch(new URL("/metrics", running.url))).text();
    assert.match(metrics, /tidemark_dead_letters_total\{[^}]*reason="schema"[^}]*\} 1/);
    assert.equal(await running.stop(), 0);
  });

  it("opens the breaker when a field is missing, and says which", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "missing");
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
    });
    const { bytes, rows } = without("session_seconds");
    await produce(brokers, topic, [bytes]);
    await assertConserved(running.url, view, rows);
    await eventually(10_000, "the gate answers 503", async () =>
      (await gateStatus(running.url, view)) === 503 ? true : undefined,
    );
    const gate = (await (await fetch(new URL(`/v1/gate/${view}`, running.url))).json()) as object;
    assert.match(JSON.stringify(gate), /session_seconds/);
    assert.equal(await running.stop(), 0);
  });

  it("pages when Alertmanager comes back that was down from the start", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "pager-down");
    const receiver = await startWebhookReceiver(t);
    const alertmanager = await startAlertmanager(t, { webhookUrl: receiver.url });
    await alertmanager.kill();
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
      alertmanager: { urls: [alertmanager.url], resendEvery: "1s" },
    });
    await produce(brokers, topic, bytesOf([...clean, ...bad]));
    await assertConserved(running.url, view, rowsOf(clean) + rowsOf(bad));
    await eventually(10_000, "the gate does not wait for the pager", async () =>
      (await gateStatus(running.url, view)) === 503 ? true : undefined,
    );
    await eventually(10_000, "the failures are counted", async () => {
      const text = await (await fetch(new URL("/metrics", running.url))).text();
      return /tidemark_alert_delivery_failures_total\{[^}]*\} [1-9]/.test(text) ? true : undefined;
    });
    const health = await fetch(new URL("/health", running.url));
    assert.match(await health.text(), /alertmanager/i, "/health says what is wrong");
    await alertmanager.restart();
    await eventually(30_000, "the page arrives", () =>
      receiver.alerts().find(({ labels }) => labels["alertname"] === "TidemarkDefaultCase"),
    );
    const pages = receiver
      .alerts()
      .filter(({ labels, status }) => labels["alertname"] === "TidemarkDefaultCase" && status === "firing");
    assert.equal(
      new Set(pages.map(({ fingerprint }) => fingerprint)).size,
      pages.length,
      "one page for one place",
    );
    assert.equal(await running.stop(), 0);
  });

  it("waits at the start for brokers that are away for a while", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "away");
    const wire = await startProxy(t, Number(brokers.split(":")[1]));
    wire.cut();
    const config = {
      kafka: { brokers: [`127.0.0.1:${wire.port}`], groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
    };
    const starting = startTidemark(t, dir, config, [], { timeoutMs: 60_000 });
    // kafkajs itself tries five times
    await eventually(60_000, "it tries again", () => (wire.refused() > 6 ? true : undefined));
    wire.mend();
    const running = await starting;
    const readers = await eventually(20_000, "health knows both readers", async () => {
      const { checks } = (await (await fetch(new URL("/health", running.url))).json()) as {
        checks: Record<string, number>;
      };
      const { sourceAgeMs, judgeAgeMs } = checks;
      return sourceAgeMs === undefined || judgeAgeMs === undefined ? undefined : [sourceAgeMs, judgeAgeMs];
    });
    assert.ok(Math.max(...readers) < 30_000, String(readers));
    assert.match(running.log(), /Kafka at 127\.0\.0\.1:\d+: .*; tried again for \d+ s more/);
    assert.equal(await running.stop(), 0);
  });

  it("is named at the start: broker down, no Kafka there, unknown key, taken port", async (t) => {
    const dir = scratch(t);
    const down = `127.0.0.1:${await freePorts(1)}`;
    const unreachable = await tidemark(["run", "--brokers", down], { cwd: dir });
    assert.equal(unreachable.code, 4, unreachable.stderr);
    assert.match(unreachable.stderr, /specs|ECONNREFUSED|feature-specs/);

    const specs = specsWithTopic(dir, "reco");
    const refused = await tidemark(["run", "--brokers", down, "--specs", specs], {
      cwd: dir,
      env: { TIDEMARK_KAFKA_CONNECT_WITHIN: "1s" },
    });
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, new RegExp(`${down}.*ECONNREFUSED.*tried again for 1 s more`));
    assert.match(refused.stderr, new RegExp(`^tidemark: .*${down}.*ECONNREFUSED`, "m"));

    const rows = join(dir, "rows.jsonl");
    writeFileSync(rows, "{}\n");
    const follow = await tidemark(["run", "--specs", specs, "--port", "0", "--input", rows, "--follow"], {
      cwd: dir,
    });
    assert.equal(follow.code, 2, follow.stderr);
    assert.match(follow.stderr, /--follow: .*rows\.jsonl has no batches/);

    const unknown = await tidemark(["run", "--specs", specs], {
      cwd: dir,
      env: { TIDEMARK_KAFKA_BROKER: "x:1" },
    });
    assert.equal(unknown.code, 2, unknown.stderr);
    assert.match(unknown.stderr, /TIDEMARK_KAFKA_BROKER\b.*TIDEMARK_KAFKA_BROKERS/s);

    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, "127.0.0.1", done));
    t.after(() => holder.close());
    const address = holder.address();
    assert(typeof address === "object" && address !== null);
    const taken = await tidemark(["run", "--specs", specs, "--port", String(address.port)], { cwd: dir });
    assert.equal(taken.code, 4, taken.stderr);
    assert.match(taken.stderr, new RegExp(`${address.port}`));
  });
});
