import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "./command.ts";
import { inside } from "./inside.ts";

const spec = "feature-specs/reco_user.yaml";
const whole = `${root}feature-specs/reco_user.baseline.json`;
const clean = "replay-data/tensor-collapse/clean.arrow";
const incident = "replay-data/tensor-collapse/incident.arrow";
const noon = "2026-03-01T12:00Z";

type Line = {
  field: string | null;
  movedSd: number | null;
  statistics: { statistic: string; shift: number }[];
};

describe("the life of a baseline", () => {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-baseline-"));
  const [first, second, merged, drifted] = ["first", "second", "merged", "drifted"].map((name) =>
    join(dir, `${name}.json`),
  ) as [string, string, string, string];
  const told = new Map<string, string>();
  const build = async (out: string, input: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await inside([
      "baseline",
      "build",
      "--spec",
      spec,
      "--input",
      input,
      "--out",
      out,
      ...args,
    ]);
    assert.equal(code, 0, stderr);
    told.set(out, stderr);
  };
  const diff = async (a: string, b: string): Promise<Line[]> =>
    JSON.parse((await inside(["baseline", "diff", a, b, "--json"])).stdout);
  before(async () => {
    await build(first, clean, "--to-time", noon);
    await build(second, clean, "--from-time", noon);
    await build(drifted, incident);
    const { code, stderr } = await inside(["baseline", "merge", second, first, "--out", merged]);
    assert.equal(code, 0, stderr);
  });
  after(() => rmSync(dir, { recursive: true }));

  it("merges periods to what a build over all of them gives, as far as a judge can tell", async () => {
    const [a, b] = [whole, merged].map((file) => JSON.parse(readFileSync(file, "utf8")));
    for (const key of ["rows", "windows", "from", "to", "spec", "windowMs"])
      assert.deepEqual(b[key], a[key], key);
    assert.equal(b.periods.length, 2);
    assert.deepEqual(Object.keys(b.fields), Object.keys(a.fields));
    for (const [name, field] of Object.entries<Record<string, unknown>>(b.fields)) {
      for (const key of ["rows", "nulls", "mappingHits", "mappingMisses", "vectors", "trues"])
        assert.deepEqual(field[key], a.fields[name][key], `${name}.${key}`);
    }
    for (const { field, movedSd } of await diff(whole, merged))
      assert.ok((movedSd ?? 9) < 0.15, `${field} moved by ${movedSd} SD`);
  });

  it("judges by a merged baseline as by the whole one: nothing on clean days, the incident at the same event", async () => {
    const run = async (baseline: string, input: string) => {
      const out = join(dir, "out");
      const args = [
        "replay",
        "--spec",
        spec,
        "--baseline",
        baseline,
        "--input",
        input,
        "--out",
        out,
        "--json",
      ];
      const { code, stdout, stderr } = await inside(args);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const { alerts, breaker } = await run(merged, incident);
    const expected = await run(whole, incident);
    assert.deepEqual(breaker, expected.breaker);
    assert.equal(alerts.critical, expected.alerts.critical);
    assert.deepEqual((await run(merged, clean)).alerts, { warning: 0, critical: 0 });
  });

  it("refuses to merge what overlaps, what is of another spec, and what is alone", async () => {
    const other = join(dir, "other.json");
    writeFileSync(
      other,
      readFileSync(first, "utf8").replace(/"spec": "sha256:\w{4}/, '"spec": "sha256:0000'),
    );
    for (const [files, message] of [
      [[whole, first], /overlap.*count twice/s],
      [[merged, second], /overlap/],
      [[second, other], /spec is sha256:.* in .*second\.json/],
      [[first], /two or more/],
    ] as const) {
      const { code, stderr } = await inside(["baseline", "merge", ...files, "--out", join(dir, "no.json")]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
  });

  it("warns of drift in the data it is built of, names when, and is quiet when that is left out", async () => {
    const said = told.get(drifted) ?? "";
    assert.match(
      said,
      /the data drift: user_location pattern_rate, 2026-03-03 04:[24]0 to 2026-03-03 08:[02]0: 9\d/,
    );
    assert.match(said, /--exclude/);
    assert.ok(!/user_location/.test(told.get(first) ?? ""));
    const shown = await inside(["baseline", "show", drifted]);
    assert.match(shown.stdout, /! the data drift: user_location/);
    const { drifts } = JSON.parse((await inside(["baseline", "show", drifted, "--json"])).stdout);
    assert.ok(
      drifts.some(
        ({ field, kind }: Record<string, string>) => field === "user_location" && kind === "episode",
      ),
    );
    const without = join(dir, "without.json");
    await build(without, incident, "--exclude", "2026-03-03T04:00Z..2026-03-03T10:00Z");
    assert.doesNotMatch(told.get(without) ?? "", /user_location|user_embedding|result_count|ready_ms/);
  });

  it("tells of fields that no row has, and learns nothing of data that have none of them", async () => {
    const header = "event_time,user_location,session_seconds";
    const rows = Array.from(
      { length: 90 },
      (_, at) => `2026-03-01T00:${String(Math.floor(at / 2)).padStart(2, "0")}:00Z,US,${at}`,
    );
    const [some, none] = ["some.csv", "none.csv"].map((name) => join(dir, name)) as [string, string];
    writeFileSync(some, [header, ...rows].join("\n"));
    writeFileSync(none, [header.replace("user_location,session", "country,seconds"), ...rows].join("\n"));
    const run = (...args: string[]) =>
      inside(["baseline", "build", "--spec", spec, "--out", join(dir, "few.json"), ...args]);
    assert.match(
      (await run("--input", some)).stderr,
      /no row has a column for device, app_version, .*nothing is known of them/,
    );
    const { code, stderr } = await run("--input", none);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /no row has any field of the spec: user_location, .*\n.*another view/);
  });

  it("says which rows were left when none is", async () => {
    const run = async (...args: string[]): Promise<string> =>
      (
        await inside([
          "baseline",
          "build",
          "--spec",
          spec,
          "--input",
          clean,
          "--out",
          join(dir, "no.json"),
          ...args,
        ])
      ).stderr;
    assert.match(
      await run("--from-time", "2030-01-01"),
      /none of 26182 rows lies in a whole window of 20m from 2030-01-01T00:00:00.000Z \[input\.empty\]/,
    );
    assert.match(
      await run("--exclude", "2026-01-01..2027-01-01"),
      /no row to learn from .*\n.*--exclude leaves out all/,
    );
  });

  it("shows instants as days", async () => {
    const { stdout } = await inside(["baseline", "show", first]);
    assert.match(stdout, /last_purchase_at +timestamp .* 202[56]-\d\d-\d\d … 2026-\d\d-\d\d … 2026-/);
  });

  it("says what moved, of every kind of field and the farthest first", async () => {
    const lines = await diff(whole, drifted);
    const moved = lines.map(({ movedSd }) => movedSd ?? Number.POSITIVE_INFINITY);
    assert.deepEqual(
      moved,
      moved.toSorted((a, b) => b - a),
    );
    const of = (field: string) => lines.find((line) => line.field === field)?.statistics ?? [];
    assert.equal(of("user_embedding")[0]?.statistic, "centroid");
    const location = of("user_location");
    assert.ok(location.slice(0, 2).every(({ shift }) => shift > 10));
    assert.ok(location.some(({ statistic }) => statistic === "default_rate"));
    assert.ok(location.some(({ statistic, shift }) => statistic === "categories" && shift > 0.3));
    assert.ok(of("ready_ms").some(({ statistic, shift }) => statistic === "spread" && shift > 0.5));
    assert.ok(of("is_member").some(({ statistic }) => statistic === "true_rate"));
    assert.ok(of("language").some(({ statistic }) => statistic === "null_rate"));
    assert.ok(lines.some(({ field, statistics }) => field === null && statistics[0]?.statistic === "volume"));
    const parsed = JSON.parse(readFileSync(drifted, "utf8"));
    delete parsed.fields.device;
    const lacking = join(dir, "lacking.json");
    writeFileSync(lacking, JSON.stringify(parsed));
    const { stdout } = await inside(["baseline", "diff", whole, lacking]);
    assert.match(stdout.split("\n")[1] ?? "", /^device .*absent/);
  });

  it("shows pictures that fit the terminal, in colour only where that is wanted", async () => {
    const parsed = JSON.parse(readFileSync(merged, "utf8"));
    const values = Array.from(
      { length: 24 },
      (_, hour) => Math.round(100 * Math.sin((hour / 24) * 2 * Math.PI)) / 100,
    );
    parsed.fields.session_seconds.tracks.location.season = { kind: "profile", cycle: "day", values };
    const seasonal = join(dir, "seasonal.json");
    writeFileSync(seasonal, JSON.stringify(parsed));
    const { stdout: plain } = await inside(["baseline", "show", seasonal]);
    assert.match(plain, /^price_sensitivity .* [▁-█]{24} /m);
    assert.match(plain, /^session_seconds +location +day +[▁-█]{24}$/m);
    assert.match(plain, /^ {2}2026-03-01T00:00:10\.406Z to .*: [\d,]+ rows$/m);
    for (const columns of [120, 80, 60]) {
      const { stdout } = await inside(["baseline", "show", seasonal], { columns, env: { NO_COLOR: "1" } });
      const table = stdout.slice(stdout.indexOf("\nfield"));
      const longest = Math.max(...table.split("\n").map((line) => line.length));
      assert.ok(longest <= columns, `${longest} of ${columns}`);
      assert.ok(!stdout.includes("\u001b"));
    }
    assert.ok((await inside(["baseline", "show", seasonal], { columns: 80 })).stdout.includes("\u001b[1m"));
    const { fields } = JSON.parse((await inside(["baseline", "show", seasonal, "--json"])).stdout);
    const line = fields.find(({ field }: { field: string }) => field === "session_seconds");
    assert.equal(line.patterns[0].hours.length, 24);
    assert.ok(
      Math.abs(line.distribution.reduce((sum: number, share: number) => sum + share, 0) - 0.98) < 0.02,
    );
  });
});
