import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { root } from "./command.ts";
import { inside } from "./inside.ts";

const clean = `${root}replay-data/tensor-collapse/clean.arrow`;
const incident = `${root}replay-data/tensor-collapse/incident.arrow`;

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-spec-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe("tidemark spec and baseline", () => {
  it("take a stranger from bare data to the incident, with no line written by hand", async (t) => {
    const cwd = scratch(t);
    const made = await inside(
      [
        "spec",
        "init",
        "--input",
        clean,
        "--name",
        "reco",
        "--event-time",
        "event_time",
        "--window",
        "20m",
        "--out",
        "reco.yaml",
      ],
      { cwd },
    );
    assert.equal(made.code, 0, made.stderr);
    const checked = await inside(["spec", "check", "reco.yaml", "--json"], { cwd });
    assert.equal(checked.code, 0, checked.stdout);
    const [{ ok, fingerprint }] = JSON.parse(checked.stdout);
    assert.equal(ok, true);

    const built = await inside(
      ["baseline", "build", "--spec", "reco.yaml", "--input", clean, "--out", "reco.baseline.json"],
      { cwd },
    );
    assert.equal(built.code, 0, built.stderr);
    const shown = await inside(["baseline", "show", "reco.baseline.json", "--json"], { cwd });
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, new RegExp(fingerprint));

    const replayed = await inside(
      [
        "replay",
        "--spec",
        "reco.yaml",
        "--baseline",
        "reco.baseline.json",
        "--input",
        incident,
        "--out",
        "out",
        "--json",
        "--fail-on",
        "critical",
      ],
      { cwd },
    );
    assert.equal(replayed.code, 1, replayed.stderr);
    const summary = JSON.parse(replayed.stdout);
    assert.equal(summary.fields.user_location.status, "critical");
    assert.equal(summary.fields.user_embedding.status, "critical");
    assert(summary.breaker.openedAt >= "2026-03-03T04:14:00.000Z", summary.breaker.openedAt);
    const alerts = readFileSync(join(cwd, "out/alerts.jsonl"), "utf8");
    assert.match(alerts, /"alertname":"TidemarkDefaultCase"/, "codes are inferred as a mapping");
  });

  it("build the same baseline from the same data, byte for byte", async (t) => {
    const cwd = scratch(t);
    const spec = `${root}feature-specs/reco_user.yaml`;
    for (const out of ["a.json", "b.json"]) {
      const { code, stderr } = await inside(
        ["baseline", "build", "--spec", spec, "--input", clean, "--out", out],
        { cwd },
      );
      assert.equal(code, 0, stderr);
    }
    const text = readFileSync(join(cwd, "a.json"), "utf8");
    assert.equal(text, readFileSync(join(cwd, "b.json"), "utf8"));
    const { code, stdout } = await inside(["baseline", "diff", "a.json", "b.json"], { cwd });
    assert.equal(code, 0, stdout);
  });

  it("say what is wrong by file, line and column, and exit with 2", async (t) => {
    const cwd = scratch(t);
    const text = readFileSync(`${root}feature-specs/reco_user.yaml`, "utf8").replace(
      "file: mappings/iso3166.csv",
      "values: [US]",
    );
    writeFileSync(join(cwd, "good.yaml"), text);
    writeFileSync(join(cwd, "bad.yaml"), text.replace("nullable: false", "nulable: false"));
    const { code, stdout } = await inside(["spec", "check", "good.yaml", "bad.yaml"], { cwd });
    assert.equal(code, 2);
    assert.match(stdout, /^good\.yaml: ok, reco_user v4/m);
    assert.match(
      stdout,
      /^bad\.yaml:\d+:5 spec\.unknown-key fields\.user_location\.nulable.*did you mean "nullable"/m,
    );
    const missing = await inside(["spec", "check", "none.yaml"], { cwd });
    assert.equal(missing.code, 4);
    assert.match(missing.stderr, /none\.yaml: no such file/);
  });

  it("print a JSON Schema that is an object of the keys of the contract", async () => {
    const { code, stdout } = await inside(["spec", "schema"]);
    assert.equal(code, 0);
    const schema = JSON.parse(stdout);
    for (const key of [
      "apiVersion",
      "kind",
      "name",
      "version",
      "owner",
      "models",
      "source",
      "window",
      "segments",
      "fields",
      "drift",
      "breaker",
    ])
      assert(key in schema.properties, key);
    assert.equal(schema.additionalProperties, false);
  });

  it("refuse data without the event-time column, naming those that there are", async (t) => {
    const cwd = scratch(t);
    const { code, stderr } = await inside(
      ["spec", "init", "--input", clean, "--name", "reco", "--event-time", "event_tme"],
      { cwd },
    );
    assert.equal(code, 2);
    assert.match(stderr, /event_tme.*event_time/s);
  });
});

describe("tidemark doctor", () => {
  it("finds a checkout without a cluster well, and warns of what is missing", async () => {
    const { code, stdout } = await inside(["doctor", "--json"]);
    assert.equal(code, 0, stdout);
    const findings: { check: string; status: string }[] = JSON.parse(stdout);
    const of = (check: string): string | undefined => findings.find((each) => each.check === check)?.status;
    assert.equal(of("specs"), "ok");
    assert.equal(of("kafka"), "ok");
    assert.equal(of("alertmanager"), "warn");
  });

  it("says of brokers that do not answer what to do, and exits with 4", async () => {
    const { code, stdout } = await inside(["doctor", "--brokers", "127.0.0.1:1"]);
    assert.equal(code, 4);
    assert.match(stdout, /^fail +kafka +.*127\.0\.0\.1:1.*ECONNREFUSED/m);
    assert.match(stdout, /→ is the broker up/);
  });
});
