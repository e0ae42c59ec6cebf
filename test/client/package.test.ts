import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { root } from "../cli/command.ts";

describe("tidemark/client", () => {
  it("is what package.json exports, with every value that the sources export", async () => {
    const script = 'const c = await import("tidemark/client"); console.log(Object.keys(c).sort().join())';
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      cwd: root,
    });
    const { default: _none, ...source } = await import("../../src/client/client.ts").then((all) => ({
      default: undefined,
      ...all,
    }));
    assert.equal(stdout.trim(), Object.keys(source).sort().join());
    const { exports, files } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    assert.ok(files.includes("bin") && files.includes("dist"));
    assert.match(exports["./client"].types, /^\.\/dist\/client\/client\.d\.ts$/);
  });
});
