import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { startProxy } from "../faults/proxy.ts";
import { freePorts } from "../services/ports.ts";
import { createTopic, startBroker } from "../services/services.ts";
import { assertConserved, eventually, produce, scratch, startTidemark } from "./support.ts";

const bin = join(import.meta.dirname, "../../bin/tidemark");
const spec = `apiVersion: tidemark/v1
kind: FeatureView
name: counted
version: 1
source: { eventTime: event_time }
fields: { a: { type: string } }
`;

/** One exchange on a connection that is kept. */
async function ask(agent: Agent, url: URL, body?: string): Promise<number> {
  return (await exchange(agent, url, body)).status;
}

function exchange(agent: Agent, url: URL, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((done, failed) => {
    const asking = request(url, { agent, method: body === undefined ? "GET" : "POST" }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.once("end", () => done({ status: response.statusCode ?? 0, text }));
    });
    asking.once("error", failed).end(body);
  });
}

const run = promisify(execFile);

/** Of a process that is running: below its lowest free descriptor nothing more is opened, and what is open stays. */
const limitTo = (pid: number | undefined, files: number): Promise<unknown> =>
  run("prlimit", ["--pid", String(pid), `--nofile=${files}:`]);

describe("a process that may open few files", () => {
  it("keeps them for its state and its callers when others take all connections, and serves again when they go", async (t) => {
    const dir = scratch(t);
    mkdirSync(join(dir, "specs"));
    writeFileSync(join(dir, "specs", "counted.yaml"), spec);
    writeFileSync(
      join(dir, "tidemark.yaml"),
      JSON.stringify({ http: { port: 0 }, specs: "specs", state: { dir: "state" } }),
    );
    const child = spawn("bash", ["-c", `ulimit -n 80; exec ${bin} run --config tidemark.yaml`], { cwd: dir });
    t.after(() => void child.kill("SIGKILL"));
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
    const url = await eventually(20_000, "it serves", () => /"url":"(http:[^"]+)"/.exec(said)?.[1]);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal(await ask(agent, new URL("/healthz", url)), 200);

    const crowd = Array.from({ length: 200 }, () =>
      connect(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined),
    );
    t.after(() => crowd.forEach((socket) => void socket.destroy()));
    await eventually(10_000, "it says that there are too many", () => /over 40 connections/.exec(said)?.[0]);
    const row = JSON.stringify({ event_time: Date.now(), a: "x" });
    assert.equal(await ask(agent, new URL("/v1/validate/counted", url), row), 200, "who is in is served");
    await new Promise((done) => setTimeout(done, 6_000)); // a checkpoint in between
    assert.equal(await ask(agent, new URL("/health", url)), 200, `nothing is wrong with its state: ${said}`);
    for (const socket of crowd) socket.destroy();
    await eventually(10_000, "others are served again", async () =>
      (await fetch(new URL("/readyz", url)).catch(() => undefined))?.status === 200 ? true : undefined,
    );
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    assert.equal(code, 0, said);
  });

  it("that has lost its brokers and may open no more says so, reads on when it may again, and counts each row once", async (t) => {
    const dir = scratch(t);
    const port = await freePorts(10);
    const { brokers } = await startBroker(t, { port, proxied: true });
    const wire = await startProxy(t, port + 3, port + 4);
    const topic = await createTopic(brokers, "counted", { partitions: 2 });
    mkdirSync(join(dir, "specs"));
    writeFileSync(
      join(dir, "specs", "counted.yaml"),
      spec.replace("source: {", `source: { topic: ${topic}, format: json,`),
    );
    const running = await startTidemark(
      t,
      dir,
      { kafka: { brokers: [`127.0.0.1:${wire.port}`] }, specs: "specs", state: { dir: "state" } },
      [],
      { timeoutMs: 60_000 },
    );
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const health = async (): Promise<{ status: string; reasons: string[] }> =>
      JSON.parse((await exchange(agent, new URL("/health", running.url))).text);
    const send = async (rows: number): Promise<void> => {
      const row = JSON.stringify(Array.from({ length: rows }, () => ({ event_time: Date.now(), a: "x" })));
      for (const partition of [0, 1]) await produce(brokers, topic, [Buffer.from(row)], { partition });
    };
    await send(10);
    await assertConserved(running.url, "counted", 20);
    await eventually(60_000, "all is well", async () =>
      (await health()).status === "ok" ? true : undefined,
    );

    await limitTo(running.child.pid, 3);
    wire.cut();
    wire.mend();
    await send(7);
    await eventually(90_000, "it says that it cannot reach its brokers", async () =>
      (await health()).reasons.find((reason) => /Kafka|kafka/.test(reason)),
    );
    assert.equal(await ask(agent, new URL("/metrics", running.url)), 200, running.log());
    assert.equal(running.child.exitCode, null, running.log());
    await limitTo(running.child.pid, 1_024);
    await eventually(90_000, "all is well again", async () =>
      (await health()).status === "ok" ? true : undefined,
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(await health())}\n${running.log()}`);
    });
    await assertConserved(running.url, "counted", 34);
    assert.equal(await running.stop(), 0, running.log());
  });

  it("that cannot open the file of its dead letters passes none of them, and writes them when it can", async (t) => {
    const dir = scratch(t);
    const script = new URL("./exhausted-dead-letters.ts", import.meta.url).pathname;
    const { stdout } = await run("bash", ["-c", `ulimit -n 100; exec ${process.execPath} ${script} ${dir}`]);
    assert.deepEqual(JSON.parse(stdout), {
      refused: [{ code: "store.failed", retryable: true, says: "EMFILE" }],
      offsets: [0, 1],
    });
  });
});
