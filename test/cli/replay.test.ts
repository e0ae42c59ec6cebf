import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { type Ended, tidemark } from "./command.ts";
import { inside } from "./inside.ts";

const spec = [
  "--spec",
  "feature-specs/reco_user.yaml",
  "--baseline",
  "feature-specs/reco_user.baseline.json",
];
const incident = "replay-data/tensor-collapse/incident.arrow";
const clean = "replay-data/tensor-collapse/clean.arrow";

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-replay-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

const linesOf = (dir: string, name: string): Record<string, unknown>[] =>
  readFileSync(join(dir, name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("tidemark replay", () => {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-replay-"));
  /** Of the whole incident, for tests that only read what came of it. */
  let whole: Ended;
  before(async () => {
    const args = ["replay", ...spec, "--input", incident, "--out", dir, "--json"];
    whole = await inside([...args, "--insufficient", "first", "--fail-on", "critical"]);
  });
  after(() => rmSync(dir, { recursive: true }));

  it("writes its files, and the same ones when it is run again", async (t) => {
    const out = scratch(t);
    const event = "2026-03-03T04:14:00.000Z=deploy of 'v4.1'";
    const args = [
      ...["replay", ...spec, "--input", incident, "--format", "json,markdown", "--event", event],
      ...["--out", out, "--json"],
    ];
    const { code, stdout, stderr } = await tidemark(args);
    assert.equal(code, 0, stderr);
    const names = ["alerts.jsonl", "verdicts.jsonl", "breaker.jsonl", "summary.json", "report.html"];
    names.push("report.md", "report.json");
    const first = names.map((name) => readFileSync(join(out, name), "utf8"));
    assert.deepEqual(JSON.parse(stdout), JSON.parse(readFileSync(join(out, "summary.json"), "utf8")));
    const alerts = linesOf(out, "alerts.jsonl");
    const fired = alerts.filter(({ status }) => status === "firing");
    const { alerts: counted, breaker } = JSON.parse(stdout);
    assert.equal(fired.length, counted.critical + counted.warning);
    assert.ok(
      fired.some(({ alertname, field }) => alertname === "TidemarkDefaultCase" && field === "user_location"),
    );
    assert.equal(
      linesOf(out, "breaker.jsonl").find(({ segment }) => segment === null)?.time,
      breaker.openedAt,
    );
    assert.ok(linesOf(out, "verdicts.jsonl").every(({ status }) => status !== "ok"));
    assert.match(first[4] ?? "", /^<!doctype html>/i);
    assert.match(first[5] ?? "", /^# reco_user: the breaker opened, and closed again\n/);
    const report = JSON.parse(first[6] ?? "");
    assert.deepEqual(report.summary, JSON.parse(stdout));
    assert.deepEqual(report.events, [{ time: "2026-03-03T04:14:00.000Z", text: "deploy of 'v4.1'" }]);
    const quoted = `'${event.replaceAll("'", "'\\''")}'`;
    const again = args.slice(0, -1).map((arg) => (arg === event ? quoted : arg));
    assert.equal(report.command, ["tidemark", ...again].join(" "), "the command makes it again");
    const side = (segment: string, field: string): number =>
      report.segments.find((each: { segment: string }) => each.segment === segment).fields[field].shift;
    assert.ok(side("model_version:v4.1", "ready_ms") > 10 && side("model_version:v4.0", "ready_ms") < 1);
    assert.ok(side("node:node-07", "ready_ms") > 10 && side("node:node-01", "ready_ms") < 1);
    await inside(args);
    for (const [index, name] of names.entries())
      assert.equal(readFileSync(join(out, name), "utf8"), first[index], `${name} is the same`);
  });

  it("tells of thin segments once a stretch, so that nobody takes them for well nor wades through them", async (t) => {
    const args = ["replay", ...spec, "--input", incident, "--json"];
    const of = (out: string, { stdout }: Ended) => {
      const lines = linesOf(out, "verdicts.jsonl");
      const thin = lines.filter(({ status }) => status === "insufficient");
      const places = thin.map(({ segment, field, statistic }) => JSON.stringify([segment, field, statistic]));
      return {
        counts: JSON.parse(stdout).verdicts,
        others: lines.filter((line) => !thin.includes(line)),
        places,
      };
    };
    const out = scratch(t);
    const all = of(out, await inside([...args, "--out", out, "--insufficient", "all"]));
    const first = of(dir, whole);
    assert.deepEqual(first.counts, all.counts);
    assert.equal(all.places.length, all.counts.insufficient);
    assert.deepEqual([...new Set(first.places)].sort(), [...new Set(all.places)].sort());
    assert.ok(first.places.length * 10 < all.places.length, `${first.places.length} of ${all.places.length}`);
    assert.deepEqual(first.others, all.others);
    assert.equal(first.others.length, first.counts.critical + first.counts.warning);
    assert.equal((await inside([...args, "--out", scratch(t), "--insufficient", "none"])).code, 2);
  });

  it("exits 1 with --fail-on when something was found, 0 when nothing was", async (t) => {
    assert.equal(whole.code, 1);
    const calm = ["--input", clean, "--to-time", "2026-03-01T08:00Z", "--json"];
    const { code, stdout } = await inside([
      ...["replay", ...spec, "--out", scratch(t)],
      ...["--fail-on", "critical", ...calm],
    ]);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).windows, 24);
  });

  it("judges only the rows of [--from-time, --to-time)", async (t) => {
    const out = scratch(t);
    const args = ["replay", ...spec, "--input", incident, "--out", out, "--json"];
    const { rows } = JSON.parse(whole.stdout);
    const at = "2026-03-03T04:00:00Z";
    const early = JSON.parse((await inside([...args, "--to-time", at])).stdout);
    const late = JSON.parse((await inside([...args, "--from-time", at])).stdout);
    assert.equal(early.rows + late.rows, rows);
    assert.ok(early.to < at && late.from >= at.replace("Z", ".000Z"));
    assert.equal(early.breaker.openedAt, null);
    assert.equal(early.windows, 12);
    const none = await inside([...args, "--from-time", "2027-01-01"]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /input\.empty/);
  });

  it("opens later, or not, at a wider line for drift", async (t) => {
    const args = ["replay", ...spec, "--input", incident, "--out", scratch(t), "--json"];
    const narrow = JSON.parse(whole.stdout);
    const wide = JSON.parse((await inside([...args, "--sigma", "1000"])).stdout);
    assert.ok(wide.alerts.critical < narrow.alerts.critical);
    assert.equal((await inside([...args, "--sigma", "0"])).code, 2);
  });

  it("says why rows were rejected, and where the first is", async (t) => {
    const out = scratch(t);
    const rows = Array.from({ length: 60 }, (_, at) => ({
      event_time: at === 7 ? "yesterday" : `2026-03-03T04:14:${10 + (at % 50)}Z`,
      request_id: `r${at}`,
    }));
    const input = join(out, "rows.jsonl");
    writeFileSync(input, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const { code, stdout, stderr } = await inside(["replay", ...spec, "--input", input, "--out", out]);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr + stdout,
      /rejected {2}1\.667% of rows, the first: no event time, request r7, at files-0@0\n/,
    );
    assert.deepEqual(JSON.parse(readFileSync(join(out, "summary.json"), "utf8")).rejectedExample, {
      value: "no event time",
      requestId: "r7",
      position: "files-0@0",
    });
  });

  it("says what is wrong with what it was given, in one line and with the right exit code", async (t) => {
    const dir = scratch(t);
    const empty = join(dir, "empty.arrow");
    const text = join(dir, "text.arrow");
    const cut = join(dir, "cut.arrow");
    writeFileSync(empty, "");
    writeFileSync(text, "this is no arrow file at all, whatever its name says\n".repeat(40));
    writeFileSync(cut, readFileSync(incident).subarray(0, 100_000));
    const out = join(dir, "out");
    const cases: [string[], number, RegExp][] = [
      [["--input", empty], 2, /empty\.arrow.*input\.empty/],
      [["--input", text], 2, /text\.arrow/],
      [["--input", cut], 2, /cut\.arrow/],
      [["--input", "nowhere/*.arrow"], 4, /nowhere.*input\.missing/],
      [["--input", incident, "--fail-on", "often"], 2, /--fail-on often/],
      [["--input", incident, "--to-time", "noon"], 2, /--to-time noon/],
      [[], 2, /--input/],
    ];
    for (const [args, code, message] of cases) {
      const ended = await inside(["replay", ...spec, "--out", out, ...args]);
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}`);
      assert.match(ended.stderr, message);
      assert.ok(!ended.stderr.includes("    at "), `no stack: ${ended.stderr}`);
      assert.equal(existsSync(join(out, "summary.json")), false);
    }
  });
});
