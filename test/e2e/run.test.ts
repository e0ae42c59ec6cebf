import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { broker, createTopic, startAlertmanager, startWebhookReceiver } from "../services/services.ts";
import {
  assertConserved,
  eventually,
  gateStatus,
  incidentFile,
  messagesOf,
  produce,
  recordsOf,
  scratch,
  specsWithTopic,
  startTidemark,
} from "./support.ts";

const view = "reco_user";
const switchAt = Date.parse("2026-03-03T04:14:00Z");
const recoveredAt = Date.parse("2026-03-03T08:14:00Z");
const messages = messagesOf(incidentFile);
const clean = messages.filter(({ to }) => to < switchAt);
const bad = messages.filter(({ from }) => from >= switchAt).slice(0, 6);
const recovered = messages.filter(({ from }) => from >= recoveredAt);
const rowsOf = (some: readonly { rows: number }[]): number => some.reduce((sum, { rows }) => sum + rows, 0);
const bytesOf = (some: readonly { bytes: Uint8Array }[]): readonly Uint8Array[] =>
  some.map(({ bytes }) => bytes);

describe("tidemark run on a real broker", () => {
  it("pages within 5 s of the first bad batch, closes the gate, and makes both good again", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "reco-user");
    const receiver = await startWebhookReceiver(t);
    const alertmanager = await startAlertmanager(t, { webhookUrl: receiver.url });
    const specs = specsWithTopic(dir, topic);
    const running = await startTidemark(t, dir, {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs,
      state: { dir: join(dir, "state") },
      alertmanager: { urls: [alertmanager.url] },
    });
    const notified = (status: string): object | undefined =>
      receiver
        .received()
        .flatMap(({ alerts }: { alerts: { status: string; labels: Record<string, string> }[] }) => alerts)
        .find(
          ({ status: is, labels }: { status: string; labels: Record<string, string> }) =>
            is === status &&
            labels["alertname"] === "TidemarkDefaultCase" &&
            labels["field"] === "user_location",
        );

    await produce(brokers, topic, bytesOf(clean));
    let sent = rowsOf(clean);
    await assertConserved(running.url, view, sent);
    assert.equal(await gateStatus(running.url, view), 200);
    assert.equal(notified("firing"), undefined, "clean traffic pages nobody");

    const startedAt = Date.now();
    await produce(brokers, topic, bytesOf(bad));
    sent += rowsOf(bad);
    await eventually(5_000, "TidemarkDefaultCase for user_location reaches the pager", () =>
      notified("firing"),
    );
    t.diagnostic(`first bad batch to page: ${Date.now() - startedAt} ms`);
    assert.equal(await gateStatus(running.url, view), 503);
    const metrics = await (await fetch(new URL("/metrics", running.url))).text();
    assert.match(metrics, /tidemark_breaker_state\{[^}]*feature_view="reco_user"[^}]*\} 2/);
    const ratio = /tidemark_default_case_ratio\{[^}]*field="user_location"[^}]*\} ([\d.]+)/.exec(
      metrics,
    )?.[1];
    assert.ok(Number(ratio) > 0.2, `default-case ratio ${ratio}`);
    await assertConserved(running.url, view, sent);

    await produce(brokers, topic, bytesOf(recovered));
    sent += rowsOf(recovered);
    await eventually(20_000, "the alert resolves", () => notified("resolved"));
    assert.equal(await gateStatus(running.url, view), 200);
    const records = await assertConserved(running.url, view, sent);
    assert.equal(records.profiled, sent, "nothing was late, rejected or dead-lettered");
    assert.equal(await running.stop(), 0);
  });

  it("counts every row once over SIGTERM, kill -9 and poison", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "restart");
    const config = {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
    };
    const [first, second, third] = [clean.slice(0, 40), clean.slice(40, 80), clean.slice(80)];
    const poison = first[0]?.bytes.subarray(0, 900) ?? new Uint8Array();

    let running = await startTidemark(t, dir, config);
    await produce(brokers, topic, bytesOf(first));
    await assertConserved(running.url, view, rowsOf(first));
    assert.equal(await running.stop(), 0, running.log());

    await produce(brokers, topic, [...bytesOf(second), poison]);
    running = await startTidemark(t, dir, config);
    await assertConserved(running.url, view, rowsOf(first) + rowsOf(second) + 1);
    await running.kill();

    await produce(brokers, topic, bytesOf(third));
    running = await startTidemark(t, dir, config);
    const sent = rowsOf(clean) + 1;
    await assertConserved(running.url, view, sent);
    // nothing more comes: what was counted stays as it is
    await new Promise((done) => setTimeout(done, 500));
    const records = await recordsOf(running.url, view);
    assert.deepEqual(records, { profiled: sent - 1, late: 0, rejected: 0, deadLettered: 1 });
    assert.equal(await running.stop(), 0, running.log());
  });
});
