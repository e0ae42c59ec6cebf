import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { sampleOf } from "../../src/cli/explanation.ts";
import { inside } from "./inside.ts";

const spec = [
  "--spec",
  "feature-specs/reco_user.yaml",
  "--baseline",
  "feature-specs/reco_user.baseline.json",
];
const incident = "replay-data/tensor-collapse/incident.arrow";

describe("what if", () => {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-what-if-"));
  const [narrow, wide] = ["narrow", "wide"].map((name) => join(dir, name)) as [string, string];
  before(async () => {
    for (const [out, sigma] of [
      [narrow, "2"],
      [wide, "6"],
    ] as const) {
      const ended = await inside(["replay", ...spec, "--input", incident, "--sigma", sigma, "--out", out]);
      assert.equal(ended.code, 0, ended.stderr);
    }
  });
  after(() => rmSync(dir, { recursive: true }));

  it("judges stored profiles as the replay judged them, for every value and without the rows", async () => {
    const labels = join(dir, "labels.json");
    const [start, end] = ["2026-03-03T04:14:00Z", "2026-03-03T08:14:00Z"];
    writeFileSync(
      labels,
      JSON.stringify([
        { start, end, fields: ["user_location"] },
        { start, end, fields: ["device"] },
      ]),
    );
    const args = [
      "replay",
      ...spec,
      "--out",
      narrow,
      "--sweep",
      "sigma=2..6:2",
      "--json",
      "--labels",
      labels,
    ];
    const { code, stdout, stderr } = await inside(args);
    assert.equal(code, 0, stderr);
    const { values, windows } = JSON.parse(stdout) as {
      windows: number;
      values: { sigma: number; alerts: number; openings: number; recall: number; delaySeconds: number }[];
    };
    assert.equal(windows, 36);
    assert.deepEqual(
      values.map(({ sigma }) => sigma),
      [2, 4, 6],
    );
    const fired = (out: string): number =>
      JSON.parse(readFileSync(join(out, "summary.json"), "utf8")).alerts.critical;
    assert.equal(values[0]?.alerts, fired(narrow));
    assert.equal(values[2]?.alerts, fired(wide));
    assert.ok(values.every(({ openings, recall }) => openings === 1 && recall === 0.5));
    assert.ok((values[0]?.delaySeconds ?? 0) <= 20 * 60);
    assert.deepEqual(JSON.parse(readFileSync(join(narrow, "sweep.json"), "utf8")), JSON.parse(stdout));
  });

  it("refuses a sweep that is none, and profiles that are not there", async () => {
    for (const [sweep, out, code, message] of [
      ["sigma=4..1:1", narrow, 2, /no sweep/],
      ["sigma=1..9:0.001", narrow, 2, /at most 200/],
      ["sigma=1..2:1", join(dir, "nowhere"), 4, /profiles\.bin/],
    ] as const) {
      const ended = await inside(["replay", ...spec, "--out", out, "--sweep", sweep]);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr, message);
    }
  });

  it("lays two runs side by side: what both found, and what only one did", async () => {
    const { code, stdout, stderr } = await inside(["replay", "--compare", narrow, wide, "--json"]);
    assert.equal(code, 0, stderr);
    const { a, b, onlyA, onlyB, both } = JSON.parse(stdout);
    assert.ok(a.summary.alerts.critical > b.summary.alerts.critical);
    const placesOf = (out: string): number =>
      new Set(readFileSync(join(out, "alerts.jsonl"), "utf8").match(/"fingerprint":"\w+"/g)).size;
    assert.equal(onlyA.length + both.length, placesOf(narrow));
    assert.equal(onlyB.length + both.length, placesOf(wide));
    assert.ok(onlyA.length > 0);
    const text = await inside(["replay", "--compare", narrow, wide]);
    assert.match(text.stdout, /only in .*narrow:/);
    const same = JSON.parse((await inside(["replay", "--compare", narrow, narrow, "--json"])).stdout);
    assert.deepEqual([same.onlyA, same.onlyB, same.fields], [[], [], []]);
  });

  it("prints sweep, comparison and explanation as Markdown for a ticket, and no other format", async () => {
    const print = (...args: readonly string[]) => inside([...args, "--format", "markdown"]);
    const sweep = await print("replay", ...spec, "--out", narrow, "--sweep", "sigma=2..6:4");
    assert.match(sweep.stdout, /^\| sigma \| alerts \|.*\n\| --: \| --: \|.*\n\| 2 \| .*\n\| 6 \| .*\n$/);
    const compared = (await print("replay", "--compare", narrow, wide)).stdout;
    assert.match(compared, /^# .*narrow and .*wide\n/);
    assert.match(compared, /\| breaker at the end \| closed \| closed \|/);
    assert.match(compared, /## Only in .*narrow\n\n\| time \| alert \| what was seen \|\n/);
    const told = (await print("explain", narrow, "1")).stdout;
    assert.match(
      told,
      /^# TidemarkDefaultCase \(critical\) `\w+`\n\n\*\*19\.4% of user_location are outside/,
    );
    assert.match(told, /\| United States \| 0% \| [\d.]+% \| \+[\d.]+ points \| not in the mapping \|/);
    assert.match(told, /\| node:node-09 \|/);
    for (const [args, message] of [
      [["explain", narrow, "1", "--format", "html"], /explain has json and markdown/],
      [["replay", "--compare", narrow, wide, "--format", "parquet"], /--compare has json and markdown/],
      [["explain", narrow, "1", "--format", "markdown,json"], /explain prints one thing/],
      [["explain", narrow, "1", "--format", "markdown", "--json"], /explain prints one thing/],
    ] as const) {
      const ended = await inside(args);
      assert.equal(ended.code, 2, args.join(" "));
      assert.match(ended.stderr, message);
    }
  });

  it("explains an alert by fingerprint, by its beginning and by line: how far, made of what, since when, which rows", async () => {
    const [line = ""] = readFileSync(join(narrow, "alerts.jsonl"), "utf8").split("\n");
    const alert = JSON.parse(line);
    const { code, stdout, stderr } = await inside(["explain", narrow, alert.fingerprint, "--json"]);
    assert.equal(code, 0, stderr);
    const told = JSON.parse(stdout);
    for (const key of Object.keys(alert)) assert.deepEqual(told.alert[key], alert[key], key);
    assert.equal(told.alert.statistic, "default_rate");
    const digest = createHash("sha256")
      .update(readFileSync("feature-specs/reco_user.baseline.json"))
      .digest("hex");
    assert.equal(told.baseline.digest, `sha256:${digest}`);
    const states = told.contributions.find(({ what }: { what: string }) => what === "United States");
    assert.ok(states.unknown && states.before === 0 && states.change > 0.05);
    assert.equal(told.history.length, 36);
    assert.ok(told.segments.some(({ segment }: { segment: string }) => segment === "node:node-09"));
    assert.ok(told.samples.every(({ requestId }: { requestId: string }) => /^[0-9a-f-]+$/.test(requestId)));
    assert.equal(told.firstMover, null);
    assert.deepEqual(told.notes, []);

    const byPrefix = await inside(["explain", narrow, alert.fingerprint.slice(0, 6)]);
    const byLine = await inside(["explain", narrow, "1"]);
    assert.equal(byPrefix.stdout, byLine.stdout);
    assert.match(byLine.stdout, /United States +0% .* not in the mapping/);
    const later = readFileSync(join(narrow, "alerts.jsonl"), "utf8")
      .split("\n")
      .findIndex((text) => text.includes("nonfinite"));
    const mover = JSON.parse(
      (await inside(["explain", narrow, String(later + 1), "--json"])).stdout,
    ).firstMover;
    assert.equal(mover.fingerprint, alert.fingerprint, "the country codes moved first");
    const none = await inside(["explain", narrow, "ffffffffffff"]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no such alert.*there are/s);
  });
});

describe("a sample of a row", () => {
  it("comes with the kcat line that shows it, where it is in Kafka", () => {
    const at = (position: string): string | null => sampleOf({ value: "x", position }, "kafka:9092").kcat;
    assert.equal(
      at("features.reco-user-3@1204"),
      "kcat -C -b kafka:9092 -t features.reco-user -p 3 -o 1204 -c 1 -e -q",
    );
    assert.equal(at("files-0@12"), null);
    assert.equal(at("gate:reco_user-0@12"), null);
  });
});
