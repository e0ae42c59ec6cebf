import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { startTidemark } from "../e2e/support.ts";
import { temporaryFolder } from "../services/process.ts";
import { eventually } from "../services/wait.ts";
import { inside } from "./inside.ts";

/** In every value of the redacted fields that the model does not know, and nowhere else. */
const secret = "s3cr3t";
const minute = 60_000;
const start = Date.parse("2026-03-03T00:00:00Z");

const specText = (redact: boolean): string => `
apiVersion: tidemark/v1
kind: FeatureView
name: customers
version: 1
source: { eventTime: at, requestId: id }
window: { size: 1m, lateness: 0s, minRows: 50 }
fields:
  email: { type: string, pattern: "@example[.]org$", redact: ${redact} }
  plan: { type: string, mapping: { values: [basic, pro], maxDefaultRate: 0.05 }, redact: ${redact} }
  visits: { type: int32 }
`;

interface Row {
  readonly at: number;
  readonly id: string;
  readonly email: string;
  readonly plan: string;
  readonly visits: number;
}

/** 100 rows a minute; from `wrongFrom` on plans that no model knows, and mails that are none. */
const rowsOf = (minutes: number, wrongFrom: number): Row[] =>
  Array.from({ length: minutes * 100 }, (_, row) => {
    const wrong = row >= wrongFrom * 100;
    return {
      at: start + row * (minute / 100),
      id: `r-${row}`,
      email: wrong && row % 3 === 0 ? `${secret}-${row}` : `${secret}-${row % 40}@example.org`,
      plan: wrong && row % 2 === 0 ? `${secret}-plan-${row % 4}` : row % 5 === 0 ? "pro" : "basic",
      visits: row % 7,
    };
  });

const linesOf = (rows: readonly Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** Plain columns for mails, a dictionary for plans. */
function arrowOf(rows: readonly Row[]): Uint8Array {
  const columns = tableFromArrays({
    at: BigInt64Array.from(rows, ({ at }) => BigInt(at)),
    id: rows.map(({ id }) => id),
    plan: rows.map(({ plan }) => plan),
    visits: Int32Array.from(rows, ({ visits }) => visits),
  });
  const email = tableFromArrays({ email: rows.map(({ email }) => email) });
  return tableToIPC(columns.assign(email), "file");
}

/** Every file below `dir` that holds the secret. */
const holders = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(secret))
    .map(({ name }) => name)
    .sort();

interface Outputs {
  /** Files of a replay and of a baseline that hold the secret. */
  readonly files: readonly string[];
  /** Commands and pages that said it. */
  readonly said: readonly string[];
  readonly alerts: readonly string[];
}

async function outputsOf(t: { after(fn: () => void): void }, redact: boolean): Promise<Outputs> {
  const cwd = temporaryFolder(t, "redact");
  const out = temporaryFolder(t, "redact-out");
  writeFileSync(join(cwd, "customers.yaml"), specText(redact));
  writeFileSync(join(cwd, "clean.jsonl"), linesOf(rowsOf(10, Number.POSITIVE_INFINITY)));
  writeFileSync(join(cwd, "day.arrow"), arrowOf(rowsOf(10, 5)));
  const said: string[] = [];
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await inside(args, { cwd });
    assert.ok(code < 2, stderr);
    if ((stdout + stderr).includes(secret)) said.push(args.slice(0, 2).join(" "));
    return stdout;
  };
  const baseline = join(out, "customers.baseline.json");
  const spec = join(cwd, "customers.yaml");
  const day = ["--input", join(cwd, "day.arrow")];
  await run("baseline", "build", "--spec", spec, "--input", join(cwd, "clean.jsonl"), "--out", baseline);
  await run("baseline", "show", baseline);
  await run("baseline", "diff", baseline, baseline);
  const replay = ["replay", "--spec", spec, "--baseline", baseline, ...day, "--out", join(out, "replay")];
  await run(...replay, "--format", "parquet,arrow", "--json");
  const alerts = readFileSync(join(out, "replay/alerts.jsonl"), "utf8").trim().split("\n");
  const told = alerts.map((line) => {
    const { time, field, statistic, status, observed } = JSON.parse(line);
    return [time, field, statistic, status, observed].join(" ");
  });
  assert.match(told.join(), /email pattern_rate firing.*plan default_rate firing/);
  for (const at of alerts.keys()) await run("explain", join(out, "replay"), String(at + 1));
  await run("explain", join(out, "replay"), "1", "--json");
  await run("validate", "--spec", spec, ...day, "--rejects", join(out, "rejects.jsonl"));
  await run("profile", join(out, "replay", "alerts.jsonl"));
  return { files: holders(out), said, alerts: told };
}

describe("a field whose values are redacted", () => {
  it("shows none of them in what commands say and write, and is judged as it was", async (t) => {
    const open = await outputsOf(t, false);
    for (const name of [
      "customers.baseline.json",
      "profiles.bin",
      "report.html",
      "alerts.jsonl",
      "rejects.jsonl",
    ])
      assert.ok(open.files.includes(name), `without redact ${name} has it: ${open.files.join()}`);
    assert.ok(open.said.includes("baseline show") && open.said.some((line) => line.startsWith("explain")));
    assert.deepEqual(await outputsOf(t, true), { files: [], said: [], alerts: open.alerts });
  });

  it("is not judged against a baseline that holds its values, nor the other way", async (t) => {
    const dir = temporaryFolder(t, "redact-moved");
    const file = (name: string): string => join(dir, name);
    writeFileSync(file("clean.jsonl"), linesOf(rowsOf(5, Number.POSITIVE_INFINITY)));
    const input = ["--input", file("clean.jsonl"), "--out"];
    for (const redact of [true, false]) {
      writeFileSync(file(`${redact}.yaml`), specText(redact));
      await inside(["baseline", "build", "--spec", file(`${redact}.yaml`), ...input, file(`${redact}.json`)]);
    }
    const replay = (spec: boolean, baseline: boolean) =>
      inside([
        ...["replay", "--spec", file(`${spec}.yaml`), "--baseline", file(`${baseline}.json`)],
        ...[...input, file("out")],
      ]);
    assert.equal((await replay(true, true)).code, 0);
    const bare = await replay(true, false);
    assert.equal(bare.code, 2);
    assert.match(bare.stderr, /email: the baseline holds its values \[baseline\.mismatch\]\n.*build it anew/);
    assert.match((await replay(false, true)).stderr, /was built when its values were redacted/);
  });

  it("shows none of them in what a process serves, logs and stores", async (t) => {
    const dir = temporaryFolder(t, "redact-live");
    const specs = join(dir, "specs");
    mkdirSync(specs);
    writeFileSync(join(specs, "customers.yaml"), specText(true));
    const clean = join(dir, "clean.jsonl");
    writeFileSync(clean, linesOf(rowsOf(10, Number.POSITIVE_INFINITY)));
    const baseline = join(specs, "customers.baseline.json");
    const built = await inside([
      ...["baseline", "build", "--spec", join(specs, "customers.yaml"), "--input", clean, "--out", baseline],
    ]);
    assert.equal(built.code, 0, built.stderr);
    writeFileSync(join(dir, "day.arrow"), arrowOf(rowsOf(10, 5)));
    const state = join(dir, "state");
    const running = await startTidemark(t, dir, { specs, state: { dir: state } }, ["--input", "day.arrow"]);
    const textOf = async (path: string, init?: RequestInit): Promise<string> =>
      (await fetch(new URL(path, running.url), init)).text();
    await eventually(async () => /"email"/.test(await textOf("/v1/alerts")));
    const paths = [
      "/",
      "/metrics",
      "/health",
      "/v1/alerts",
      "/v1/feature-views",
      "/v1/verdicts",
      "/v1/gate/customers",
    ];
    for (const path of paths) assert.ok(!(await textOf(path)).includes(secret), path);
    const [row] = rowsOf(1, 0);
    const refused = await textOf("/v1/validate/customers", { method: "POST", body: JSON.stringify(row) });
    assert.match(refused, /"pointer":"\/plan"/);
    assert.ok(!refused.includes(secret), refused);
    assert.equal(await running.stop(), 0);
    assert.match(running.log(), /TidemarkDefaultCase/);
    assert.ok(!running.log().includes(secret), running.log());
    assert.deepEqual(holders(state), []);
  });
});
