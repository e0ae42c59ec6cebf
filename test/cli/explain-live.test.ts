import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { factsOf } from "../../src/cli/explain-facts.ts";
import { explainLive } from "../../src/cli/explain-live.ts";
import { alertOf, noon } from "../pipeline/outcomes.ts";
import { fakeBoard, recoUser, serve, statusOf } from "../serve/support.ts";

function alert(change: Parameters<typeof alertOf>[0]) {
  const outcome = alertOf(change);
  assert(outcome.kind === "alert");
  return outcome.alert;
}

describe("an explanation by a running process", () => {
  const io = { signal: new AbortController().signal };
  const earlier = alert({ fingerprint: "0ther", featureView: "orders", time: noon - 60_000 });
  const own = alert({ fingerprint: "aaaa" });
  const breaker = alert({
    fingerprint: "bbbb",
    alertname: "TidemarkBreakerOpen",
    statistic: "breaker",
    field: null,
    time: noon + 1,
  });
  const board = fakeBoard([statusOf(recoUser)], { activeAlerts: () => [earlier, own, breaker] });

  it("looks for the first mover in the alert's own view", async (t) => {
    const { url } = await serve(t, board);
    assert.equal((await explainLive(String(url), "aaaa", undefined, io)).firstMover, null);
    assert.equal(
      (await explainLive(String(url), "bbbb", undefined, io)).firstMover?.fingerprint,
      own.fingerprint,
    );
  });

  it("has no shift and no line of a breaker, which is open or not", async (t) => {
    const { url } = await serve(t, board);
    const named = async (fingerprint: string): Promise<string[]> =>
      factsOf(await explainLive(String(url), fingerprint, undefined, io)).map(([name]) => name);
    assert.deepEqual(await named("bbbb"), ["where", "window", "baseline", "first mover"]);
    assert.ok((await named("aaaa")).includes("shift"));
  });

  it("says why nobody answers", async () => {
    await assert.rejects(explainLive("http://127.0.0.1:1/", "1", undefined, io), (error: Error) => {
      assert.match(error.message, /^http:\/\/127\.0\.0\.1:1\/v1\/alerts: (?!fetch failed)./);
      return true;
    });
  });
});
