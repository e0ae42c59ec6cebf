import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../cli/command.ts";
import { inside } from "../cli/inside.ts";

describe("docs/replay.md", () => {
  it("has commands that run as they stand, in their order", async (t) => {
    const text = readFileSync(`${root}docs/replay.md`, "utf8");
    const commands = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
      block.split("\n").filter((line) => line !== ""),
    );
    assert.ok(commands.length >= 7);
    const dir = mkdtempSync(join(tmpdir(), "tidemark-docs-"));
    t.after(() => rmSync(dir, { recursive: true }));
    for (const folder of ["feature-specs", "replay-data"])
      cpSync(`${root}${folder}`, join(dir, folder), { recursive: true });
    const told = new Map<string, string>();
    for (const command of commands) {
      const [name, ...args] = command.split(" ");
      assert.equal(name, "tidemark", command);
      const { code, stdout, stderr } = await inside(args, { cwd: dir });
      assert.equal(code, 0, `${command}\n${stderr}`);
      told.set(command, stdout);
    }
    assert.match(told.get("tidemark explain out 1") ?? "", /TidemarkDefaultCase .*United States/s);
    assert.match(told.get("tidemark replay --compare out out-6") ?? "", /only in out:/);
  });
});
