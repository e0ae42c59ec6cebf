import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type Segment, segmentKey } from "../../src/model/verdict.ts";
import { createTally } from "../../src/pipeline/summary.ts";
import { createReportFiles } from "../../src/sink/report-files.ts";
import { alertOf, breakerOf, judgedOf, movedOf, noon, verdictOf, viewOf } from "../pipeline/outcomes.ts";

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-report-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const linesOf = (dir: string, name: string): Record<string, unknown>[] =>
  readFileSync(join(dir, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

const summary = createTally(viewOf("user_location")).summarize({
  counts: { read: 0, profiled: 0, late: 0, rejected: 0, deadLettered: 0 },
  breaker: breakerOf("closed"),
  segments: new Map(),
});

describe("report files", () => {
  it("write an alert as the contract has it: these keys, in this order, times in ISO 8601", async (t) => {
    const dir = join(folderFor(t), "new", "out");
    const files = await createReportFiles({ dir });
    await files.accept([alertOf({ shift: Number.POSITIVE_INFINITY })], []);
    await files.finish(summary, new Map([["report.html", "<!doctype html>"]]));
    const [line] = linesOf(dir, "alerts.jsonl");
    assert.deepEqual(
      Object.keys(line ?? {}).join(" "),
      "time status severity alertname featureView field statistic segment window rows observed expected unit shift " +
        "evidence summary fingerprint",
    );
    assert.equal(line?.time, "2026-03-03T12:00:00.000Z");
    assert.deepEqual(line?.window, { start: "2026-03-03T12:00:00.000Z", end: "2026-03-03T12:01:00.000Z" });
    assert.equal(line?.shift, Number.MAX_VALUE);
    assert.deepEqual(
      JSON.parse(readFileSync(join(dir, "summary.json"), "utf8")),
      JSON.parse(JSON.stringify(summary)),
    );
    assert.equal(readFileSync(join(dir, "report.html"), "utf8"), "<!doctype html>");
  });

  it("keep verdicts that are not ok, of closed windows", async (t) => {
    const dir = folderFor(t);
    const files = await createReportFiles({ dir });
    const critical = verdictOf("a", { status: "critical" });
    const insufficient = verdictOf("b", { status: "insufficient", example: { value: "x", eventTime: noon } });
    await files.accept([judgedOf(0, [critical], { final: false })], []);
    await files.accept(
      [judgedOf(0, [critical, insufficient, verdictOf("c")]), movedOf("closed", "open", noon)],
      [],
    );
    await files.close(AbortSignal.timeout(1_000));
    const verdicts = linesOf(dir, "verdicts.jsonl");
    assert.deepEqual(
      verdicts.map(({ field, status }) => [field, status]),
      [
        ["a", "critical"],
        ["b", "insufficient"],
      ],
    );
    assert.deepEqual(verdicts[1]?.example, { value: "x", eventTime: "2026-03-03T12:00:00.000Z" });
    assert.equal(linesOf(dir, "breaker.jsonl")[0]?.to, "open");
    assert.equal(existsSync(join(dir, "summary.json")), false, "a run that did not end has no summary");
  });

  for (const [insufficient, told] of [
    ["first", ["null 0", "node:a7 0", "null 1", "node:b2 1", "null 2", "node:a7 4"]],
    ["all", ["null 0", "node:a7 0", "null 1", "node:a7 1", "node:b2 1", "null 2", "node:a7 2", "node:a7 4"]],
  ] as const) {
    it(`tell of a segment with too few rows: ${insufficient} of a stretch; of the whole view in every window`, async (t) => {
      const dir = folderFor(t);
      const files = await createReportFiles({ dir, insufficient });
      const thin = [verdictOf("a", { status: "insufficient" })];
      const [a7, b2] = ["a7", "b2"].map((value) => ({ segment: { field: "node", value } }));
      await files.accept([judgedOf(0, thin), judgedOf(0, thin, a7)], []);
      await files.accept([judgedOf(1, thin), judgedOf(1, thin, a7), judgedOf(1, thin, b2)], []);
      await files.accept([judgedOf(2, thin), judgedOf(2, thin, a7), judgedOf(2, [], b2)], []);
      await files.accept([judgedOf(3, [verdictOf("a")]), judgedOf(3, [verdictOf("a")], a7)], []);
      await files.accept([judgedOf(4, [verdictOf("a")]), judgedOf(4, thin, a7)], []);
      await files.close(AbortSignal.timeout(1_000));
      const lines = linesOf(dir, "verdicts.jsonl") as {
        segment: Segment | null;
        window: { start: string };
      }[];
      assert.deepEqual(
        lines.map(({ segment, window }) => {
          const place = segment === null ? "null" : segmentKey(segment);
          return `${place} ${(Date.parse(window.start) - noon) / 60_000}`;
        }),
        told,
      );
    });
  }

  it("write an outcome that is handed over twice once", async (t) => {
    const dir = folderFor(t);
    const files = await createReportFiles({ dir });
    const alert = alertOf();
    await files.accept([alert], []);
    await files.accept([alert, alertOf({ fingerprint: "beef" })], []);
    await files.close(AbortSignal.timeout(1_000));
    assert.equal(linesOf(dir, "alerts.jsonl").length, 2);
  });

  it("replace those of an earlier run", async (t) => {
    const dir = folderFor(t);
    const gone = ["summary.json", "report.html", "profiles.parquet", "verdicts.arrow"];
    for (const name of [...gone, "alerts.jsonl"]) writeFileSync(join(dir, name), "old\n");
    const files = await createReportFiles({ dir });
    await files.close(AbortSignal.timeout(1_000));
    for (const name of gone) assert.equal(existsSync(join(dir, name)), false, name);
    assert.deepEqual(linesOf(dir, "alerts.jsonl"), []);
  });

  it("name the directory that cannot be written", async (t) => {
    const dir = folderFor(t);
    writeFileSync(join(dir, "file"), "");
    await assert.rejects(createReportFiles({ dir: join(dir, "file", "out") }), { code: "sink.rejected" });
  });
});
