import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Float64, RecordBatchFileWriter, Table, Utf8, vectorFromArray } from "apache-arrow";
import { assertConserved, eventually, scratch, startTidemark } from "./support.ts";

const [rows, rowsPerBatch, windows, segments] = [40_000, 250, 4, 50];

/** Every value is new, in each of 100 open windows and 50 segments: state that grows with every row. */
function hungryInput(file: string): void {
  const noon = Date.parse("2026-03-03T12:00:00Z");
  const writer = new RecordBatchFileWriter();
  for (let from = 0; from < rows; from += rowsPerBatch) {
    const numbers = Array.from({ length: rowsPerBatch }, (_, at) => from + at);
    const texts = (of: (row: number) => string) => vectorFromArray(numbers.map(of), new Utf8());
    const value = (salt: number) => (row: number) =>
      `${(row * 2_654_435_761 + salt) % 2 ** 32}-${row}-${"some more text ".repeat(12)}`;
    const table = new Table({
      event_time: vectorFromArray(
        numbers.map((row) => noon + (row % windows) * 60_000),
        new Float64(),
      ),
      node: texts((row) => `n${Math.floor(row / windows) % segments}`),
      ...{ a: texts(value(1)), b: texts(value(2)), c: texts(value(3)), d: texts(value(4)) },
    });
    for (const batch of table.batches) writer.write(batch);
  }
  writer.finish();
  writeFileSync(file, writer.toUint8Array(true));
}

const spec = `apiVersion: tidemark/v1
kind: FeatureView
name: hungry
version: 1
source: { topic: features.hungry, eventTime: event_time }
window: { size: 1m, lateness: 3h, minRows: 50 }
segments: [node]
fields: { a: { type: string }, b: { type: string }, c: { type: string }, d: { type: string } }
`;

describe("a process that grows", () => {
  it("pauses, says so, ends with 70 and a checkpoint, and loses no row by it", async (t) => {
    const dir = scratch(t);
    mkdirSync(join(dir, "feature-specs"));
    writeFileSync(join(dir, "feature-specs", "hungry.yaml"), spec);
    hungryInput(join(dir, "hungry.arrow"));
    const args = ["--input", "hungry.arrow"];
    const small = await startTidemark(t, dir, { specs: "feature-specs", limits: { memory: "192MiB" } }, args);
    const ended = new Promise<number | null>((done) => small.child.once("close", done));
    const ask = async (path: string): Promise<string> => (await fetch(new URL(path, small.url))).text();
    await eventually(30_000, "it says that memory is short", async () =>
      /memory: .* of 192 MiB, above the soft limit: fetching is paused/.test(await ask("/health"))
        ? true
        : undefined,
    );
    const metrics = await ask("/metrics");
    assert.match(metrics, /^tidemark_troubles\{kind="memory"\} 1$/m);
    assert.match(metrics, /^tidemark_details_shed_total [1-9]/m);
    assert.match(metrics, /^tidemark_fetching_paused [01]$/m);
    assert.equal(await ended, 70, small.log());
    assert.match(small.log(), /"trouble":"memory".*fetching is paused, details are shed/);
    assert.match(small.log(), /the hard limit: a checkpoint, then the end/);
    assert.match(small.log(), /ended before the kernel would have \[memory\.limit\]/);

    const large = await startTidemark(t, dir, { specs: "feature-specs", limits: { memory: "4GiB" } }, args);
    const { profiled } = await assertConserved(large.url, "hungry", rows);
    assert.equal(profiled, rows, "each row once: before the end or after it");
    assert.equal(await large.stop(), 0);
  });
});
