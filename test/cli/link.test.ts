import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Scope, temporaryFolder } from "../services/process.ts";
import type { Ended } from "./command.ts";
import { inside } from "./inside.ts";

interface Written {
  readonly version?: number;
  readonly range?: string;
  readonly model?: string;
  readonly fingerprint?: string;
}

/** A directory with one spec and the commands to check it. */
function specs(t: Scope): {
  write(change?: Written): void;
  link(...args: string[]): Promise<Ended>;
  fingerprint(): Promise<string>;
  cwd: string;
} {
  const cwd = temporaryFolder(t, "link");
  mkdirSync(join(cwd, "feature-specs"));
  return {
    cwd,
    write({ version = 3, range = "[0, 120]", model = "v3", fingerprint } = {}) {
      const trained = fingerprint === undefined ? "" : `, fingerprint: "${fingerprint}"`;
      const text = `apiVersion: tidemark/v1\nkind: FeatureView\nname: reco\nversion: ${version}\nmodels:\n  - { name: engine, version: ${model}${trained} }\nfields:\n  age: { type: int16, range: ${range} }\n`;
      writeFileSync(join(cwd, "feature-specs/reco.yaml"), text);
    },
    link: (...args) => inside(["link", ...args], { cwd }),
    async fingerprint() {
      const { stdout } = await inside(["spec", "check", join(cwd, "feature-specs/reco.yaml"), "--json"]);
      return JSON.parse(stdout)[0].fingerprint;
    },
  };
}

describe("tidemark link check", () => {
  it("has nothing to say of this repository's own specs, be it strict", async () => {
    const { code, stdout } = await inside(["link", "check", "--specs", "feature-specs", "--strict"]);
    assert.equal(stdout, "1 spec and 1 model agree\n");
    assert.equal(code, 0);
  });

  it("exits 1 when a model was trained with another spec, at the model's line", async (t) => {
    const { write, link, fingerprint } = specs(t);
    write();
    const trained = await fingerprint();
    write({ fingerprint: trained });
    const good = await link("check");
    assert.equal(good.code, 0, good.stdout);
    assert.match(good.stdout, /^1 spec and 1 model agree$/m);
    write({ fingerprint: trained, range: "[0, 130]" });
    const bad = await link("check", "--specs", "feature-specs");
    assert.equal(bad.code, 1);
    assert.match(
      bad.stdout,
      /^feature-specs\/reco\.yaml:6:5 error fingerprint engine v3 was trained with another spec/,
    );
    const { findings, ok } = JSON.parse((await link("check", "--json")).stdout);
    assert.equal(ok, false);
    assert.equal(findings[0].code, "fingerprint");
    assert.equal((await link("lock")).code, 2, "what does not agree is not locked");
  });

  it("exits 1 when one moved without the other since they were locked", async (t) => {
    const { write, link, cwd } = specs(t);
    write();
    const unlocked = await link("check");
    assert.equal(unlocked.code, 0);
    assert.match(unlocked.stdout, /warning unlinked[\s\S]*warning unlocked/);
    assert.equal((await link("check", "--strict")).code, 1);
    assert.equal((await link("lock")).code, 0);
    assert.equal((await link("check")).code, 0);
    const says = async (change: Written): Promise<string> => {
      write(change);
      const { code, stdout } = await link("check");
      assert.equal(code, 1, stdout);
      return stdout;
    };
    assert.match(
      await says({ range: "[0, 130]" }),
      /error spec-moved[\s\S]*error version reco changed, and its version/,
    );
    assert.match(await says({ range: "[0, 130]", version: 4 }), /error spec-moved/);
    assert.match(await says({ model: "v4" }), /error model-moved .*\(engine v3 → engine v4\)/);
    assert.match(await says({ model: "v4", version: 4, range: "[0, 130]" }), /moved together/);
    assert.equal((await link("lock")).code, 0);
    assert.equal((await link("check")).code, 0);
    assert.deepEqual(
      JSON.parse(readFileSync(join(cwd, "feature-specs/links.lock.json"), "utf8")).reco.models,
      [{ name: "engine", version: "v4" }],
    );
  });

  it("says what is wrong with a directory or a lock that is none", async (t) => {
    const { write, link, cwd } = specs(t);
    assert.equal((await link("check", "--specs", "nowhere")).code, 4);
    write();
    writeFileSync(join(cwd, "feature-specs/links.lock.json"), "[1]");
    const { code, stderr } = await link("check");
    assert.equal(code, 2);
    assert.match(stderr, /links\.lock\.json: no lock file/);
  });
});
