import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { broker, createTopic } from "../services/services.ts";
import { requireTool, tools } from "../services/tools.ts";
import { eventually, recordsOf, scratch } from "./support.ts";

const bin = join(import.meta.dirname, "../../bin/tidemark");
/** @throws Error naming what is missing and the command that installs it */
function faketimeLibrary(): string {
  requireTool(tools.faketime);
  const [library] = globSync("/usr/{lib,lib64,local/lib}/**/faketime/libfaketimeMT.so.1");
  assert(library !== undefined, "faketime is here and libfaketimeMT.so.1 is not: reinstall libfaketime");
  return library;
}

describe("a process whose wall clock is set back by an hour", () => {
  it("stays in its group, counts each row once, and takes it for no silence", async (t) => {
    const faketime = faketimeLibrary();
    const brokers = await broker(t);
    const topic = await createTopic(brokers, "jumped");
    const dir = scratch(t);
    mkdirSync(join(dir, "specs"));
    writeFileSync(
      join(dir, "specs", "jumped.yaml"),
      `apiVersion: tidemark/v1\nkind: FeatureView\nname: jumped\nversion: 1\nsource: { topic: ${topic}, eventTime: at }\nfields: { x: { type: float64 } }\n`,
    );
    const kafkaConfig = { brokers: [brokers], groupId: topic, topicPrefix: topic };
    const config = { http: { port: 0 }, specs: "specs", kafka: kafkaConfig };
    writeFileSync(join(dir, "tidemark.yaml"), JSON.stringify(config));
    const wall = join(dir, "wall");
    writeFileSync(wall, "+0\n");
    const env = {
      ...process.env,
      ...{ LD_PRELOAD: faketime, FAKETIME_TIMESTAMP_FILE: wall, FAKETIME_NO_CACHE: "1" },
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    const child = spawn(bin, ["run", "--config", "tidemark.yaml"], { cwd: dir, env });
    t.after(() => void child.kill("SIGKILL"));
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
    const url = new URL(await eventually(30_000, "it serves", () => /"url":"(http:[^"]+)"/.exec(said)?.[1]));

    const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
    const [producer, admin] = [kafka.producer(), kafka.admin()];
    await Promise.all([producer.connect(), admin.connect()]);
    t.after(() => Promise.all([producer.disconnect(), admin.disconnect()]));
    let sent = 0;
    const counted = async (): Promise<void> => {
      await producer.send({ topic, messages: [{ value: JSON.stringify({ x: 1, at: Date.now() }) }] });
      sent += 1;
      await eventually(20_000, `row ${sent}`, async () =>
        (await recordsOf(url, "jumped")).profiled >= sent ? true : undefined,
      );
      assert.equal((await recordsOf(url, "jumped")).profiled, sent);
    };
    await counted();
    for (const jump of ["-3600", "+3600"]) {
      writeFileSync(wall, `${jump}\n`);
      await new Promise((done) => setTimeout(done, 13_000)); // twice a session timeout
      const { groups } = await admin.describeGroups([topic]);
      assert.deepEqual(
        groups.map(({ members }) => members.length),
        [1],
        `${jump}: it is a member`,
      );
      await counted();
    }
    const alerts = (await (await fetch(new URL("/v1/alerts", url))).json()) as unknown[];
    assert.deepEqual(alerts, []);
    child.kill("SIGTERM");
    await eventually(20_000, "it ends", () => child.exitCode ?? undefined);
    assert.equal(child.exitCode, 0, said);
  });
});
