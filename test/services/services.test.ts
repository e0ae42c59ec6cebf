import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { freePorts } from "./ports.ts";
import { startAlertmanager, startBroker, startPrometheus } from "./services.ts";
import { eventually } from "./wait.ts";

const here = import.meta.dirname;

/** Runs a script that says one line of JSON and then stays, and kills it with -9 once it has spoken. */
async function killAfterSpeaking(script: string): Promise<unknown> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", `${script}; setInterval(() => {}, 1000);`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGKILL");
  await once(child, "close");
  return JSON.parse(said.toString());
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

describe("servers for tests", () => {
  it("do not outlive a test process that is killed", async () => {
    const ports = (await killAfterSpeaking(`
      import { startAlertmanager, startBroker } from ${JSON.stringify(join(here, "services.ts"))};
      const forever = { after() {} };
      const { url } = await startAlertmanager(forever);
      const { brokers } = await startBroker(forever);
      console.log(JSON.stringify([url.port, brokers.split(":")[1]].map(Number)));
    `)) as [number, number];
    for (const port of ports) await eventually(async () => !(await isOpen(port)));
    const folder = join(tmpdir(), `tidemark-kafka-${ports[1]}`);
    await eventually(() => !existsSync(folder)); // its data are gone
  });

  it("keep their port when they are started again", async (t) => {
    const manager = await startAlertmanager(t);
    const { port } = manager.url;
    await manager.kill();
    assert.equal(await isOpen(Number(port)), false);
    await manager.restart();
    assert.equal((await fetch(new URL("/-/ready", manager.url))).status, 200);
  });

  it("scrape each other", async (t) => {
    const manager = await startAlertmanager(t);
    const { url } = await startPrometheus(t, { targets: [manager.url], alertmanagers: [manager.url] });
    await eventually(async () => {
      const response = await fetch(new URL("/api/v1/query?query=up", url));
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1] === "1";
    });
  });

  it("say why they did not start", async () => {
    const scope = { after: () => undefined };
    const port = await freePorts(1);
    await assert.rejects(startBroker(scope, { nodes: 1, port: port + 50_000 }), /Invalid|invalid|range|port/);
  });
});

describe("free ports", () => {
  it("are no other process's, while that lives", async () => {
    const ours = new Set<number>();
    for (let index = 0; index < 20; index++) ours.add(await freePorts(10));
    const starts = [...ours].flatMap((start) => Array.from({ length: 10 }, (_, index) => start + index));
    assert.equal(new Set(starts).size, 200, "runs do not overlap");
    const script = `
      import { freePort } from ${JSON.stringify(join(here, "ports.ts"))};
      const found = [];
      for (let index = 0; index < 300; index++) found.push(await freePort());
      console.log(JSON.stringify(found));`;
    const theirs = (await killAfterSpeaking(script)) as number[];
    assert.deepEqual(
      theirs.filter((port) => starts.includes(port)),
      [],
    );
  });
});
