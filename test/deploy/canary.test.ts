import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { inside } from "../cli/inside.ts";
import { fakeBoard, serve } from "../serve/support.ts";

const folder = join(import.meta.dirname, "../../deploy/canary");

/** Every text of a manifest, whatever it stands under. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

const documents = (file: string): unknown[] =>
  parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => {
    assert.deepEqual(document.errors, [], file);
    return document.toJS();
  });

describe("the example manifests", () => {
  it("ask for resources that are served, and pass flags that there are", async (t) => {
    const { routes } = await serve(t, fakeBoard([]));
    const { stdout: help } = await inside(["canary", "--help"]);
    const texts = ["argo-rollouts.yaml", "flagger.yaml"].flatMap((file) => documents(file).flatMap(textsOf));
    const paths = texts.flatMap((text) => /^https?:\/\/tidemark[^/]*(\/.*)$/.exec(text)?.[1] ?? []);
    assert.ok(paths.length >= 2, paths.join());
    for (const path of paths) {
      const route = path.replace(/\{\{.*\}\}|[^/]+$/, "{id}");
      assert.ok(routes.includes(`GET ${route}`), path);
    }
    const flags = texts.flatMap((text) => /^(--[a-z-]+)=/.exec(text)?.[1] ?? []);
    assert.ok(flags.length >= 4, flags.join());
    for (const flag of flags) assert.ok(help.includes(`${flag} `), flag);
  });
});
