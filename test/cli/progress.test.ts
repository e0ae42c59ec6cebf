import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Io } from "../../src/cli/io.ts";
import { createProgress } from "../../src/cli/progress.ts";
import { root } from "./command.ts";

const at = Date.parse("2026-03-03T04:14:00Z");

function drawn(isTTY: boolean, share: number | undefined): string {
  let [said, now] = ["", 0];
  const io: Io = {
    stdout: () => undefined,
    stderr: (text) => {
      said += text;
    },
    env: { NO_COLOR: "1" },
    isTTY,
    cwd: "/",
    signal: new AbortController().signal,
    flushed: async () => undefined,
    takeSignals: () => undefined,
    kill: () => undefined,
    now: () => now,
  };
  const progress = createProgress(io, "replaying");
  now = 10_000;
  progress.update(() => ({ rows: 50_000, eventTime: at, share }));
  return said;
}

/**
 * Runs a replay in a terminal (util-linux' `script` opens one) and sends what a person types once rows are read.
 * @param day  of the incident
 */
async function inTerminal(t: TestContext, day: "incident" | "clean", typed: string | undefined) {
  const out = mkdtempSync(join(tmpdir(), "tidemark-terminal-"));
  t.after(() => rmSync(out, { recursive: true }));
  const replay = [
    ...["bin/tidemark", "replay", "--spec", "feature-specs/reco_user.yaml"],
    ...["--baseline", "feature-specs/reco_user.baseline.json"],
    ...["--input", `replay-data/tensor-collapse/${day}.arrow`, "--out", out],
  ];
  const child = spawn("script", ["-qec", replay.join(" "), "/dev/null"], {
    cwd: root,
    env: { ...process.env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  let asked = typed === undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (asked || typed === undefined || !/ [1-9][\d,]* rows/.test(said)) return;
    asked = true;
    child.stdin.write(typed);
  });
  const code = await new Promise<number | null>((done) => child.on("close", done));
  return { code, said, out };
}

describe("the progress of a replay", () => {
  it("is a bar with rows, speed, event time and what is left; nothing where nobody looks", () => {
    const line = drawn(true, 0.25);
    assert.ok(
      line.includes(
        "replaying ━━━━━─────────────── 25% · 50,000 rows · 5,000 rows/s · 2026-03-03 04:14:00 · 30 s left",
      ),
    );
    assert.ok(!drawn(true, undefined).includes("left"));
    assert.equal(drawn(false, 0.25), "");
  });

  it("is drawn in a terminal, and wiped before the summary", async (t) => {
    const { code, said } = await inTerminal(t, "incident", undefined);
    assert.equal(code, 0, said);
    assert.match(
      said,
      /replaying ━+─* \d+% · [\d,]+ rows · [\d,]+ rows\/s · 2026-03-03 \d\d:\d\d:\d\d · .* left/,
    );
    assert.ok(said.includes("\r\u001b[2K  events    5,204 read"));
  });

  it("ends at Ctrl-C with exit code 130 and what was read until then, marked partial", async (t) => {
    const { code, said, out } = await inTerminal(t, "clean", "\u0003"); // days, so that it is read long after the keys were hit
    assert.equal(code, 130, said);
    const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
    assert.equal(summary.partial, true);
    assert.ok(summary.rows > 0 && summary.rows < 26_182, `${summary.rows} rows`);
    for (const name of ["report.html", "verdicts.jsonl", "profiles.bin"])
      assert.ok(existsSync(join(out, name)), name);
  });
});
