import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { temporaryFolder } from "../services/process.ts";
import { ask, fakeBoard, serve } from "./support.ts";

describe("the verdict of a canary", () => {
  it("is served as Argo Rollouts and Flagger read it, anew each time", async (t) => {
    const canaryDir = temporaryFolder(t, "canary");
    const leave = (text: string): void => {
      mkdirSync(join(canaryDir, "reco-v5"), { recursive: true });
      writeFileSync(join(canaryDir, "reco-v5", "argo.json"), text);
    };
    const data = { ok: true, kl: 0.01, n: 120, threshold: 0.1, reason: "as production", verdict: "promote" };
    const { url } = await serve(t, fakeBoard([]), { canaryDir });
    const post = { method: "POST", body: JSON.stringify({ name: "reco", phase: "Progressing" }) };
    assert.equal((await ask(url, "/v1/canary/reco-v5")).status, 404);
    leave(JSON.stringify({ data }));
    const good = await ask(url, "/v1/canary/reco-v5");
    assert.equal(good.status, 200);
    assert.deepEqual(good.body, { data });
    assert.equal(good.headers.get("cache-control"), "no-store");
    assert.equal((await ask(url, "/v1/canary/reco-v5", post)).status, 200);
    leave(JSON.stringify({ data: { ...data, ok: false, verdict: "abort", reason: "all empty" } }));
    assert.equal((await ask(url, "/v1/canary/reco-v5")).body.data.ok, false);
    const bad = await ask(url, "/v1/canary/reco-v5", post);
    assert.equal(bad.status, 412);
    assert.match(bad.body.detail, /all empty/);
    leave('{"data"');
    assert.equal((await ask(url, "/v1/canary/reco-v5")).status, 503);
  });

  it("leads to no other folder", async (t) => {
    const dir = temporaryFolder(t, "canary");
    writeFileSync(join(dir, "argo.json"), JSON.stringify({ data: { ok: true } }));
    mkdirSync(join(dir, "inner"));
    const { url } = await serve(t, fakeBoard([]), { canaryDir: join(dir, "inner") });
    for (const id of ["..", ".", "%2e%2e", "..%2f..", "%2e%2e%2finner", "x".repeat(200)])
      assert.equal((await ask(url, `/v1/canary/${id}`)).status, 404, id);
  });
});
