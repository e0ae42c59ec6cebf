import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root, tidemark } from "./command.ts";

describe("tidemark audit", () => {
  const dir = mkdtempSync(join(tmpdir(), "tidemark-audit-"));
  const write = (path: string, text: string): void => {
    mkdirSync(join(dir, path, ".."), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  before(() => {
    write("service/requirements.txt", "torch\n");
    write("service/Dockerfile", "FROM python:3.9\n");
    for (const skipped of ["node_modules/x", ".git", "venv", "env", "vendor/y"])
      write(`service/${skipped}/requirements.txt`, "torch\n");
    write("service/env/pyvenv.cfg", "");
    symlinkSync("..", join(dir, "service", "loop"));
    write("empty/notes.md", "torch\n");
  });
  after(() => rmSync(dir, { recursive: true }));

  it("finds nothing in tidemark itself", async () => {
    const { code, stdout } = await tidemark(["audit"], { cwd: root });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^\d+ files looked at: everything is bound\n$/);
  });

  it("prints findings alone as JSON and exits 1; what others wrote is not looked at", async () => {
    for (const flags of [["--format", "json"], ["--json"]]) {
      const { code, stdout, stderr } = await tidemark(["audit", "service", ...flags], { cwd: dir });
      assert.deepEqual([code, stderr], [1, ""]);
      const parsed = JSON.parse(stdout) as { findings: object[] };
      assert.deepEqual(Object.keys(parsed), ["findings"]);
      assert.deepEqual(
        parsed.findings.map((each) => Object.keys(each)),
        Array(2).fill(["file", "line", "column", "code", "severity", "message", "hint"]),
      );
      assert.deepEqual(parsed.findings[1], {
        file: "requirements.txt",
        line: 1,
        column: 1,
        code: "unpinned",
        severity: "error",
        message: "torch has no version",
        hint: "pin an exact version and commit a lock with hashes",
      });
    }
  });

  it("tells people file, line and column as they can open them", async () => {
    const { code, stdout } = await tidemark(["audit", "service"], { cwd: dir, env: { NO_COLOR: "1" } });
    assert.equal(code, 1);
    assert.match(stdout, /^service\/Dockerfile:1:6 error image-undigested image python:3\.9 .*\n/);
    assert.match(stdout, /^service\/requirements\.txt:1:1 error unpinned torch has no version \(.*\)$/m);
    assert.match(stdout, /\n2 files looked at: 2 errors, 0 warnings\n$/);
    const file = await tidemark(["audit", "service/requirements.txt"], { cwd: dir });
    assert.match(file.stdout, /^service\/requirements\.txt:1:1 /);
  });

  it("waits for a slow reader of a pipe: what is printed arrives whole", () => {
    write("many/requirements.txt", "package-with-a-name\n".repeat(3_000));
    const whole = JSON.stringify(Array.from({ length: 3_000 }, (_, at) => at + 1));
    const line = `'${root}bin/tidemark' audit many --json | (sleep 1; cat)`;
    const text = execFileSync("sh", ["-c", line], { cwd: dir, encoding: "utf8", maxBuffer: 1 << 26 });
    const { findings } = JSON.parse(text) as { findings: { line: number }[] };
    assert.equal(JSON.stringify(findings.map((each) => each.line)), whole);
  });

  it("exits 0 where nothing names dependencies, 2 for a format that is none, 4 for a path that is not there", async () => {
    const empty = await tidemark(["audit", "empty"], { cwd: dir });
    assert.deepEqual([empty.code, empty.stdout], [0, "empty: no file that names dependencies\n"]);
    assert.equal((await tidemark(["audit", "--format", "xml"], { cwd: dir })).code, 2);
    const missing = await tidemark(["audit", "nowhere"], { cwd: dir });
    assert.deepEqual([missing.code, missing.stdout], [4, ""]);
    assert.match(missing.stderr, /nowhere: no such file or directory/);
  });

  it("has every code in its documentation", () => {
    const codes =
      readFileSync(join(root, "src/audit/finding.ts"), "utf8").match(/(?<=^ {2}\| ")[\w-]+/gm) ?? [];
    const docs = readFileSync(join(root, "docs/audit.md"), "utf8");
    assert.ok(codes.length > 8);
    for (const code of codes) assert.ok(docs.includes(`\n### ${code}\n`), code);
  });
});
