import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "./command.ts";
import { inside } from "./inside.ts";

const suite = `${root}test/spec/fixtures/foreign/suite-1.x.json`;

describe("tidemark spec import and export", () => {
  it("write a spec that spec check accepts, and say on stderr what was not carried", async (t) => {
    const cwd = mkdtempSync(join(tmpdir(), "tidemark-foreign-"));
    t.after(() => rmSync(cwd, { recursive: true }));
    const out = join(cwd, "reco.yaml");
    const from = ["spec", "import", "--from", "great-expectations", suite];
    const made = await inside([...from, "--name", "reco", "--event-time", "event_time", "--out", out]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(made.stdout, "");
    assert.match(made.stderr, /reco, 2 fields\nnot carried over:\n/);
    assert.match(
      made.stderr,
      /session_seconds: expect_column_values_to_be_between: .*row_condition.*\(line 31\)/,
    );
    const checked = await inside(["spec", "check", out]);
    assert.equal(checked.code, 0, checked.stdout);

    const odcs = join(cwd, "reco.odcs.yaml");
    const exported = await inside(["spec", "export", "--to", "odcs", out, "--out", odcs]);
    assert.equal(exported.code, 0, exported.stderr);
    assert.match(exported.stderr, /source\.eventTime event_time: no key for it/);
    assert.match(readFileSync(odcs, "utf8"), /^# Written by tidemark\. Not carried over:\n/);
  });

  it("give spec and losses as JSON", async () => {
    const { code, stdout } = await inside([
      "spec",
      "import",
      "--from",
      "great-expectations",
      suite,
      "--json",
    ]);
    assert.equal(code, 0);
    const { format, name, fields, out, text, notCarried } = JSON.parse(stdout);
    assert.deepEqual([format, name, fields, out], ["great-expectations", "reco_schema", 3, null]);
    assert.match(text, /^# Imported from suite-1\.x\.json/);
    assert.deepEqual(notCarried.at(-1), {
      field: "session_seconds",
      rule: "expect_column_values_to_be_between",
      reason: "holds for some rows only (row_condition)",
      line: 31,
    });
  });

  it("exit 2 for the wrong file and the wrong format, 4 for no file", async () => {
    const wrong = await inside(["spec", "import", "--from", "odcs", suite]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /suite-1\.x\.json:1:1 import\.wrong-format .*--from great-expectations/);
    const unknown = await inside(["spec", "import", "--from", "panderra", suite]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /did you mean pandera\?/);
    const missing = await inside(["spec", "import", "--from", "odcs", "no-such.yaml"]);
    assert.equal(missing.code, 4);
    const only = await inside(["spec", "export", "--to", "tfdv", `${root}feature-specs/reco_user.yaml`]);
    assert.equal(only.code, 2);
  });
});
