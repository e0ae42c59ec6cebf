import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { root, tidemark } from "./command.ts";

describe("tidemark demo", () => {
  it("--once --json prints the summary and nothing else, and exits 0", async () => {
    const { code, stdout, stderr } = await tidemark(["demo", "--once", "--json"]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const summary = JSON.parse(stdout);
    assert.equal(summary.rows, summary.profiled + summary.late + summary.rejected + summary.deadLettered);
    assert.equal(summary.breaker.state, "closed");
    assert.match(summary.breaker.openedAt, /^2026-03-03T04:1\d:\d\d\.\d{3}Z$/);
    assert.equal(summary.breaker.reasons[0].field, "user_location");
    assert.ok(summary.alerts.critical > 0);
    assert.equal(summary.fields.user_location.status, "critical");
    assert.ok(summary.eventsUntilOpen <= 30, `${summary.eventsUntilOpen} events`);
  });

  it("--once tells the story in plain text and ends", async () => {
    const { code, stdout, stderr } = await tidemark(["demo", "--once"]);
    assert.equal(code, 0, stderr);
    const places = [
      "nothing moves",
      "United States",
      "BREAKER OPEN",
      "TidemarkDefaultCase",
      "500",
      "breaker closed",
    ];
    let at = 0;
    for (const text of places) {
      const found = stderr.indexOf(text, at);
      assert.ok(found >= at, `"${text}" is told after what went before`);
      at = found;
    }
    assert.match(stdout, /opened 2026-03-03 04:1/);
    assert.ok(!`${stdout}${stderr}`.includes("\u001b"), "no colours without a terminal");
    const long = stderr.split("\n").filter((line) => line.length > 112);
    assert.deepEqual(long, []);
  });

  it("serves the gate while it plays, and ends on Ctrl-C", async (t) => {
    const child = spawn(`${root}bin/tidemark`, ["demo", "--port", "0"], { cwd: root });
    t.after(() => child.kill("SIGKILL"));
    const ended = once(child, "exit");
    const url = await new Promise<string>((found) => {
      let text = "";
      child.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const gate = /gate\s+(http:\S+)/.exec(text);
        if (gate?.[1] !== undefined) found(gate[1]);
      });
    });
    const response = await fetch(url);
    assert.equal(response.status, 200);
    await response.arrayBuffer();
    child.kill("SIGINT");
    assert.deepEqual(await ended, [130, null]);
  });

  it("names a port that is taken, and what to do", async (t) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    t.after(() => taken.close());
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, stderr } = await tidemark(["demo", "--port", String(port)]);
    assert.equal(code, 4);
    assert.match(stderr, new RegExp(`port ${port} .*taken`));
    assert.match(stderr, /--port/);
  });

  it("rejects a port that is none", async () => {
    assert.equal((await tidemark(["demo", "--port", "http"])).code, 2);
  });
});
