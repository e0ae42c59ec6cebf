import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
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

  it("is in the package that npm packs, built anew, and so is the command, installed in a fresh folder", async (t) => {
    const dir = temporaryFolder(t, "pack");
    await run("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: root });
    const { version, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    const tarball = `tidemark-${version}.tgz`;
    writeFileSync(
      join(dir, "package.json"),
      JSON.stringify({ dependencies: { tidemark: `file:${tarball}` } }),
    );
    writeFileSync(join(dir, "package-lock.json"), JSON.stringify(lockFor(dir, tarball)));
    const ci = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    // what `npm ci` has brought here lies in its cache
    await run("npm", [...ci, "--offline"], { cwd: dir }).catch(() => run("npm", ci, { cwd: dir }));

    const installed = join(dir, "node_modules/tidemark");
    assert.ok(!lstatSync(installed).isSymbolicLink(), "it is a copy of its own");
    assert.ok(!existsSync(join(installed, "src")), "else the sources would be what runs");
    assert.ok(!existsSync(join(dir, "node_modules/typescript")), "nor what only developers need");
    assert.ok(existsSync(join(installed, exports["./client"].types)), "types");
    assert.ok(existsSync(join(installed, "docs/runbook.md")), "what alerts point to");
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: dir });
    const source = { ...(await import("../../src/client/client.ts")) };
    assert.equal(stdout.trim(), Object.keys(source).sort().join());
    const required = 'console.log(Object.keys(require("tidemark/client")).sort().join())';
    const common = await run(process.execPath, ["--input-type=commonjs", "-e", required], { cwd: dir });
    assert.equal(common.stdout, stdout, "CommonJS asks for it too");
    const command = join(dir, "node_modules/.bin/tidemark");
    assert.equal((await run(command, ["--version"], { cwd: dir })).stdout.trim(), version);
    assert.match(
      (await run(command, ["--help"], { cwd: dir })).stdout,
      /^Usage: tidemark [\s\S]*\n {2}replay /,
    );
  });
});

/** This repository's lockfile as that of a folder which depends on the tarball: the same packages, none for developers. */
function lockFor(dir: string, tarball: string): object {
  const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")) as {
    packages: Record<string, { dev?: boolean; dependencies?: object; optionalDependencies?: object }>;
  };
  const digest = createHash("sha512")
    .update(readFileSync(join(dir, tarball)))
    .digest("base64");
  const { version, dependencies, optionalDependencies, engines, bin } = JSON.parse(
    readFileSync(`${root}package.json`, "utf8"),
  );
  const own = { version, resolved: `file:${tarball}`, integrity: `sha512-${digest}` };
  return {
    ...{ name: "fresh", lockfileVersion: 3, requires: true },
    packages: {
      "": { name: "fresh", dependencies: { tidemark: `file:${tarball}` } },
      ...Object.fromEntries(
        Object.entries(packages).filter(([path, { dev }]) => path !== "" && dev !== true),
      ),
      "node_modules/tidemark": { ...own, dependencies, optionalDependencies, engines, bin },
    },
  };
}
