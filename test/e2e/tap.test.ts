import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../cli/command.ts";
import { inside } from "../cli/inside.ts";
import { broker, createTopic } from "../services/services.ts";
import { eventually, incidentFile, messagesOf, produce } from "./support.ts";

const [good, bad] = [0, Number.POSITIVE_INFINITY].map((from) => {
  const all = messagesOf(incidentFile);
  return from === 0 ? all[0] : all.find((message) => message.from >= Date.parse("2026-03-03T05:00Z"));
});
const spec = ["--spec", "feature-specs/reco_user.yaml"];

interface Line {
  readonly position: string;
  readonly time: string;
  readonly row: number;
  readonly record: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly field: string; readonly code: string }[];
  readonly undecodable?: string;
}
const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("tidemark tap", () => {
  it("shows rows with their places, what a spec has against them, and messages that nobody can read", async (t) => {
    assert.ok(good !== undefined && bad !== undefined);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "tap", { partitions: 2 });
    await produce(brokers, topic, [good.bytes, new TextEncoder().encode("{ no JSON")], { partition: 0 });
    await produce(brokers, topic, [bad.bytes], { partition: 1 });
    const from = ["tap", "--topic", topic, "--brokers", brokers, "--from", "earliest"];
    const range = [...from, "--to", "latest"];

    const all = await inside([...range, "--json"]);
    assert.equal(all.code, 0, all.stderr);
    const lines = linesOf(all.stdout);
    assert.equal(lines.length, good.rows + bad.rows + 1);
    assert.equal(lines.filter(({ position }) => position === `${topic}-0@0`).length, good.rows);
    assert.deepEqual(
      lines.filter(({ undecodable }) => undecodable !== undefined).map(({ position }) => position),
      [`${topic}-0@1`],
    );
    const last = lines.findLast(({ position }) => position === `${topic}-1@0`);
    assert.equal(last?.row, bad.rows - 1);
    assert.ok(typeof last?.record["user_location"] === "string" && last.errors === undefined);

    const broken = await inside([...range, ...spec, "--broken", "--fields", "user_location", "--json"]);
    const rows = linesOf(broken.stdout).filter(({ undecodable }) => undecodable === undefined);
    const unknown = rows.filter(({ errors = [] }) => errors.some(({ code }) => code === "default"));
    assert.ok(unknown.length > bad.rows * 0.9, String(unknown.length));
    assert.ok(rows.every(({ record }) => Object.keys(record).join() === "user_location"));

    const text = await inside([...range, ...spec, "--limit", "3", "--fields", "user_location", "device"]);
    assert.equal(text.code, 0);
    assert.equal(text.stdout.split("\n").filter((line) => line.includes("user_location=")).length, 3);
    assert.match(text.stderr, /^3 rows, \d break the spec of reco_user\n$/);
  });

  it("goes on with what comes, until Ctrl-C", async (t) => {
    assert.ok(good !== undefined);
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "tap-on");
    await produce(brokers, topic, [good.bytes]);
    const flags = ["tap", "--topic", topic, "--brokers", brokers, "--from", "earliest", "--json"];
    const child = spawn(join(root, "bin/tidemark"), flags, { stdio: ["ignore", "pipe", "pipe"] });
    t.after(() => void child.kill("SIGKILL"));
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    const ended = new Promise<number | null>((done) => child.on("close", done));
    const rows = (): number => said.split("\n").length - 1;
    await eventually(30_000, "what is there", () => (rows() === good.rows ? true : undefined));
    await produce(brokers, topic, [good.bytes]);
    await eventually(30_000, "what has come", () => (rows() === 2 * good.rows ? true : undefined));
    assert.ok(
      linesOf(said)
        .slice(good.rows)
        .every(({ position }) => position === `${topic}-0@1`),
    );
    child.kill("SIGINT");
    assert.equal(await ended, 130);
  });

  it("says what is wrong", async () => {
    const ask = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await inside(["tap", "--topic", "t", ...args]);
      return `${code} ${stderr}`;
    };
    assert.match(await ask("--broken"), /^2 tidemark: --broken without --spec/);
    assert.match(await ask("--limit", "0"), /^2 tidemark: --limit 0: a whole number from 1/);
    assert.match(await ask(), /^2 tidemark: --topic t: no brokers/);
    assert.match(
      await ask("--from", "yesterday", "--brokers", "127.0.0.1:9"),
      /^2 tidemark: --from yesterday: no position/,
    );
  });
});
