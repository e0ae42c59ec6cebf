import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { broker, createTopic } from "../services/services.ts";
import {
  eventually,
  incidentFile,
  messagesOf,
  produce,
  scratch,
  specsWithTopic,
  startTidemark,
  tidemark,
} from "./support.ts";

const run = promisify(execFile);
/** An hour before the incident, and as long as its first alerts fire. */
const [begins, ends] = ["2026-03-03T03:20:00Z", "2026-03-03T05:10:00Z"].map(Date.parse) as [number, number];
const messages = messagesOf(incidentFile).filter(({ from }) => from >= begins && from < ends);

type Sample = { value: string; position: string; kcat: string };

describe("tidemark explain of a running process", () => {
  it("says what an alert is made of, for which nodes, since when, and the kcat line shows the rows", async (t) => {
    const dir = scratch(t);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "explain");
    const config = {
      kafka: { brokers: brokers.split(","), groupId: topic, topicPrefix: topic },
      specs: specsWithTopic(dir, topic),
      state: { dir: join(dir, "state") },
    };
    const running = await startTidemark(t, dir, config, [], { timeoutMs: 60_000 });
    await produce(
      brokers,
      topic,
      messages.map(({ bytes }) => bytes),
    );
    type Alert = { statistic: string; segment: unknown; fingerprint: string };
    const alert = await eventually(120_000, "the country codes' alert fires", async () => {
      const alerts = (await (await fetch(new URL("v1/alerts", running.url))).json()) as Alert[];
      return alerts.find(({ statistic, segment }) => statistic === "default_rate" && segment === null);
    });
    const explain = async (...args: string[]) =>
      tidemark(["explain", running.url.href, alert.fingerprint.slice(0, 8), "--brokers", brokers, ...args]);
    const told = await eventually(90_000, "its window has closed", async () => {
      const { code, stdout, stderr } = await explain("--json");
      assert.equal(code, 0, stderr);
      const explanation = JSON.parse(stdout);
      return /^made of/.test(explanation.notes[0]) ? explanation : undefined;
    });
    const states = told.contributions.find(({ what }: { what: string }) => what === "United States");
    assert.ok(states.unknown && states.before === 0 && states.change > 0.03);
    assert.ok(told.segments.some(({ segment }: { segment: string }) => segment === "node:node-09"));
    assert.ok(told.models.some((model: string) => /^model_version:v4\.1 \(\d+ rows\)$/.test(model)));
    assert.equal(told.sigma, 2);
    assert.equal(told.baseline.rows, 26_182);
    assert.ok(told.history.length >= 3, `${told.history.length} windows`);
    assert.ok(told.history.some(({ status }: { status: string }) => status === "critical"));
    assert.ok(told.samples.length >= 2);
    for (const { value, position, kcat } of told.samples.slice(0, 3) as Sample[]) {
      assert.match(position, new RegExp(`^${topic}-0@\\d+$`));
      const [command = "", ...args] = kcat.split(" ");
      const { stdout } = await run(command, args);
      assert.ok(stdout.includes(value), `${kcat} shows ${value}`);
    }
    const { stdout } = await explain();
    assert.match(stdout, /United States +0% .* not in the mapping/);
    assert.match(stdout, /history of the shift/);
    assert.equal(await running.stop(), 0, running.log());
  });
});
