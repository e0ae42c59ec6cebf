import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { commands } from "../../src/cli/commands.ts";
import { temporaryFolder } from "../services/process.ts";
import { inside } from "./inside.ts";

const run = promisify(execFile);

describe("tidemark completion", () => {
  it("completes commands, subcommands, flags and files in a real bash", async (t) => {
    const dir = temporaryFolder(t, "completion");
    const script = join(dir, "tidemark.bash");
    writeFileSync(script, (await inside(["completion", "bash"])).stdout);
    writeFileSync(join(dir, "day.arrow"), "");
    const complete = async (...words: readonly string[]): Promise<string[]> => {
      const line = ["tidemark", ...words].map((word) => `'${word}'`).join(" ");
      const ask = `source '${script}'; COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _tidemark; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await run("bash", ["--norc", "-c", ask], { cwd: dir });
      return stdout.split("\n").filter((word) => word !== "");
    };
    const names = commands.map(({ name }) => name);
    assert.deepEqual((await complete("")).filter((word) => !word.startsWith("-")).sort(), names.toSorted());
    assert.deepEqual(await complete("rep"), ["replay"]);
    assert.deepEqual(await complete("baseline", "b"), ["build"]);
    assert.deepEqual(await complete("replay", "--from-t"), ["--from-time"]);
    assert.deepEqual(await complete("baseline", "build", "--spec", "x.yaml", "--exc"), ["--exclude"]);
    assert.deepEqual(await complete("replay", "--input", "da"), ["day.arrow"]);
  });

  it("speaks zsh and fish of every command too, and says what there is for others", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { code, stdout } = await inside(["completion", shell]);
      assert.equal(code, 0);
      for (const { name } of commands) assert.ok(stdout.includes(name), `${shell}: ${name}`);
    }
    const other = await inside(["completion", "csh"]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /no such shell.*\n.*there are bash, zsh, fish/);
  });
});
