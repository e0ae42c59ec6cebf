import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { eventually, scratch } from "./support.ts";

const bin = join(import.meta.dirname, "../../bin/tidemark");
const spec = `apiVersion: tidemark/v1
kind: FeatureView
name: counted
version: 1
source: { eventTime: event_time }
fields: { a: { type: string } }
`;

/** One exchange on a connection that is kept. */
function ask(agent: Agent, url: URL, body?: string): Promise<number> {
  return new Promise((done, failed) => {
    const asking = request(url, { agent, method: body === undefined ? "GET" : "POST" }, (response) => {
      response.resume().once("end", () => done(response.statusCode ?? 0));
    });
    asking.once("error", failed).end(body);
  });
}

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
});
