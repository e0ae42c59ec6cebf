import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { inside } from "./inside.ts";

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-init-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

const minuteOf = (row: number): string => new Date(Date.UTC(2026, 2, 3) + row * 500).toISOString();

/** 2 rows a second for an hour; in its second half a country is spelled out. */
function writeOrders(file: string): void {
  const rows = Array.from({ length: 7_200 }, (_, row) => {
    const country = row % 3 === 0 ? (row < 3_600 ? "US" : "United States") : "DE";
    return `${minuteOf(row)},${country},${(row % 97) / 10},${row % 50 === 0 ? "" : row % 7}`;
  });
  writeFileSync(file, ["created_at,country,price,items", ...rows].join("\n"));
}

describe("tidemark spec init", () => {
  it("reads the clean range only, and its spec serves baseline and replay, which find the fault", async (t) => {
    const cwd = scratch(t);
    writeOrders(join(cwd, "orders.csv"));
    const init = ["spec", "init", "--input", "orders.csv", "--name", "orders", "--event-time", "created_at"];
    const until = "2026-03-03T00:30:00Z";
    const made = await inside([...init, "--to-time", until, "--out", "orders.yaml"], { cwd });
    assert.equal(made.code, 0, made.stderr);
    const spec = readFileSync(join(cwd, "orders.yaml"), "utf8");
    assert.match(spec, /window: \{ size: 1m, lateness: 30s, minRows: 50 \}/);
    assert.match(spec, /country: \{ type: string, nullable: false, mapping: \{ values: \[DE, US\]/);
    assert.match(spec, /items: \{ type: int\d+, range: \[0, /);
    const build = ["baseline", "build", "--spec", "orders.yaml", "--input", "orders.csv", "--to-time", until];
    assert.equal((await inside([...build, "--out", "b.json"], { cwd })).code, 0);
    const replay = ["replay", "--spec", "orders.yaml", "--baseline", "b.json", "--input", "orders.csv"];
    const found = await inside([...replay, "--from-time", until, "--out", "out", "--json"], { cwd });
    const { breaker, fields } = JSON.parse(found.stdout);
    assert.equal(breaker.state, "open", found.stderr);
    assert.equal(fields.country.status, "critical");
    assert.notEqual(fields.price.status, "critical");
  });

  it("finds the event time when only one column holds times, and asks when it can't", async (t) => {
    const cwd = scratch(t);
    writeOrders(join(cwd, "orders.csv"));
    const { stdout, code } = await inside(["spec", "init", "--input", "orders.csv", "--name", "o"], {
      cwd,
    });
    assert.equal(code, 0);
    assert.match(stdout, /eventTime: created_at/);
    writeFileSync(join(cwd, "two.csv"), `a,b\n${minuteOf(0)},${minuteOf(1)}\n`);
    const asked = await inside(["spec", "init", "--input", "two.csv", "--name", "o"], { cwd });
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /name one of a, b by --event-time/);
    const wrong = await inside(
      ["spec", "init", "--input", "orders.csv", "--name", "o", "--event-time", "x"],
      {
        cwd,
      },
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /no such column/);
  });
});
