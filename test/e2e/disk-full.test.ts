import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { decodeLane } from "../../src/pipeline/checkpoint.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createDeadLetterFile } from "../../src/sink/dead-letters.ts";
import { smallDisk } from "../services/small-disk.ts";
import { eventually, incidentFile, recordsOf, scratch, startTidemark, tidemark } from "./support.ts";

const lane = "lane/counted/gate:counted-0";

const spec = `apiVersion: tidemark/v1
kind: FeatureView
name: counted
version: 1
source: { eventTime: event_time }
fields: { a: { type: string } }
`;

/** Rows of the gate's partition in the checkpoint. */
function savedRows(stateDir: string): number {
  const database = new DatabaseSync(join(stateDir, "state.sqlite"), { readOnly: true });
  try {
    const value = database.prepare("SELECT value FROM state WHERE key = ?").get(lane)?.["value"];
    return value instanceof Uint8Array ? decodeLane(value).counts.profiled : 0;
  } finally {
    database.close();
  }
}

async function post(url: URL, rows: number): Promise<void> {
  const row = { event_time: Date.now(), a: "x" };
  const response = await fetch(new URL("/v1/validate/counted", url), {
    method: "POST",
    body: JSON.stringify(Array.from({ length: rows }, () => row)),
  });
  assert.equal(response.status, 200, await response.text());
}

describe("a full disk", () => {
  it("keeps the last good state, is told of, loses no count, and is over when there is room", async (t) => {
    const disk = smallDisk(t, 2_048);
    const dir = scratch(t);
    mkdirSync(join(dir, "specs"));
    writeFileSync(join(dir, "specs", "counted.yaml"), spec);
    const config = { specs: join(dir, "specs"), state: { dir: disk.dir } };
    const first = await startTidemark(t, join(dir, "first"), config);
    await post(first.url, 10);
    await eventually(15_000, "a checkpoint", () => (savedRows(disk.dir) === 10 ? true : undefined));
    disk.fill();
    await post(first.url, 20);
    const health = async () =>
      (await fetch(new URL("/health", first.url))).json() as Promise<{ reasons: string[] }>;
    await eventually(15_000, "it says so", async () =>
      (await health()).reasons.some((reason) => /^store: .*full/.test(reason)) ? true : undefined,
    );
    const metrics = await (await fetch(new URL("/metrics", first.url))).text();
    assert.match(metrics, /^tidemark_troubles\{kind="store"\} 1$/m);
    assert.match(first.log(), /"trouble":"store"/);
    assert.equal(savedRows(disk.dir), 10, "the last good state");
    await post(first.url, 5);
    assert.equal((await recordsOf(first.url, "counted")).profiled, 35, "it goes on counting");
    disk.free();
    await eventually(15_000, "it has recovered", () => (savedRows(disk.dir) === 35 ? true : undefined));
    await eventually(2_000, "and says so", () => (/store: well again/.test(first.log()) ? true : undefined));
    await first.kill();
    const second = await startTidemark(t, join(dir, "second"), config);
    await post(second.url, 1);
    assert.equal((await recordsOf(second.url, "counted")).profiled, 36, "each row once, over a crash");
  });

  it("holds the checkpoint back for dead letters, which are whole lines or not there", async (t) => {
    const disk = smallDisk(t, 256);
    const letter = (offset: number): Outcome => ({
      kind: "dead-letter",
      deadLetter: {
        ...{ partition: { topic: "t", partition: 0 }, offset, reason: "malformed", message: "no" },
        ...{ bytes: new Uint8Array(10_000), key: undefined, headers: new Map() },
      },
    });
    const sink = createDeadLetterFile({ dir: disk.dir });
    const lines = (): number[] =>
      readFileSync(join(disk.dir, "dead-letters.jsonl"), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => (JSON.parse(line) as { offset: number }).offset);
    await sink.accept([letter(0)], []);
    disk.fill();
    await assert.rejects(sink.accept([letter(1), letter(2)], []), { code: "store.full", retryable: true });
    assert.deepEqual(lines(), [0], "no half a line");
    disk.free();
    await sink.accept([letter(1), letter(2)], []);
    assert.deepEqual(lines(), [0, 1, 2]);
    await sink.close(AbortSignal.abort());
  });

  it("ends a replay with exit code 4, and names the directory and what to do", async (t) => {
    const disk = smallDisk(t, 64);
    const specs = join(import.meta.dirname, "../../feature-specs/reco_user");
    const out = join(disk.dir, "out");
    const files = [
      "--spec",
      `${specs}.yaml`,
      "--baseline",
      `${specs}.baseline.json`,
      "--input",
      incidentFile,
    ];
    const { code, stderr } = await tidemark(["replay", ...files, "--out", out]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /out: ENOSPC.*\[store\.full\]\n {2}free some space, or choose another --out/);
  });
});
