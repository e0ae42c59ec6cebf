import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { root } from "../cli/command.ts";
import { temporaryFolder } from "../services/process.ts";

const run = promisify(execFile);
const script = 'const c = await import("tidemark/client"); console.log(Object.keys(c).sort().join())';

describe("tidemark/client", () => {
  it("is what package.json exports, with every value that the sources export", async () => {
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: root });
    const source = { ...(await import("../../src/client/client.ts")) };
    assert.equal(stdout.trim(), Object.keys(source).sort().join());
  });

  it("is in the package that npm packs, built anew, and so is the command", async (t) => {
    const dir = temporaryFolder(t, "pack");
    await run("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: root });
    const { version, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    await run("tar", ["xzf", `tidemark-${version}.tgz`], { cwd: dir });
    const packed = join(dir, "package");
    assert.ok(!existsSync(join(packed, "src")), "else the sources would be what runs");
    assert.ok(existsSync(join(packed, exports["./client"].types)), "types");
    assert.ok(existsSync(join(packed, "docs/runbook.md")), "what alerts point to");
    symlinkSync(join(root, "node_modules"), join(packed, "node_modules")); // as installed
    mkdirSync(join(dir, "node_modules"));
    symlinkSync(packed, join(dir, "node_modules/tidemark"));
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: dir });
    assert.equal(
      stdout.trim(),
      Object.keys({ ...(await import("../../src/client/client.ts")) })
        .sort()
        .join(),
    );
    assert.equal((await run(join(packed, "bin/tidemark"), ["--version"])).stdout.trim(), version);
  });
});
