import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { broker, createTopic } from "../services/services.ts";
import {
  eventually,
  gateStatus,
  incidentFile,
  messagesOf,
  produce,
  scratch,
  specsWithTopic,
  startTidemark,
  tidemark,
} from "./support.ts";

const view = "reco_user";
const switchAt = Date.parse("2026-03-03T04:14:00Z");
const messages = messagesOf(incidentFile);
const bad = messages.filter(({ from }) => from >= switchAt).slice(0, 40);

describe("tidemark breaker, against a process on a real broker", () => {
  it("opens and closes by hand through the log, and a mute outlives a restart and keeps alerts silent", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "by-hand");
    const tokenFile = join(dir, "token");
    writeFileSync(tokenFile, "s3cret\n");
    const config = {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
      http: { port: 0, tokenFile },
    };
    let running = await startTidemark(t, dir, config);
    const breaker = (...args: readonly string[]): ReturnType<typeof tidemark> =>
      tidemark(["breaker", ...args, "--url", running.url.href]);
    const ordered = (...args: readonly string[]): ReturnType<typeof tidemark> =>
      breaker(...args, "--token-file", tokenFile);

    const fine = await breaker("status", view);
    assert.equal(fine.code, 0, fine.stderr);
    assert.match(fine.stdout, /^reco_user: closed\n/);
    assert.equal((await breaker("open", view, "--reason", "upstream is wrong")).code, 2, "no token");
    const opened = await ordered("open", view, "--reason", "upstream is wrong");
    assert.equal(opened.code, 0, opened.stderr);
    await eventually(20_000, "the gate is shut by hand", async () =>
      (await gateStatus(running.url, view)) === 503 ? true : undefined,
    );
    const status = await breaker("status", view);
    assert.equal(status.code, 1);
    assert.match(status.stdout, /because opened by hand: upstream is wrong/);

    await ordered("close", view, "--mute", "1h", "--reason", "known release");
    await eventually(20_000, "the gate is open by hand", async () =>
      (await gateStatus(running.url, view)) === 200 ? true : undefined,
    );
    assert.equal(await running.stop(), 0);
    running = await startTidemark(t, dir, config);
    await produce(
      brokers,
      topic,
      bad.map(({ bytes }) => bytes),
    );
    const silenced = await eventually(30_000, "alerts are silenced", async () => {
      const { stdout } = await breaker("status", view, "--json");
      const { hold } = JSON.parse(stdout);
      return hold?.silenced > 0 ? hold : undefined;
    });
    assert.equal(silenced.reason, "known release");
    assert.equal(await gateStatus(running.url, view), 200);
    assert.deepEqual(await (await fetch(new URL("v1/alerts", running.url))).json(), []);
    assert.equal(await running.stop(), 0);
  });
});
