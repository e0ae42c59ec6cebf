import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Board } from "../../src/pipeline/board.ts";
import { defaultThresholds, healthOf } from "../../src/serve/health.ts";
import { noon } from "../pipeline/outcomes.ts";
import { ask, fakeBoard, recoUser, serve, statusOf } from "./support.ts";

const thresholds = { ...defaultThresholds, pollAgeMs: 60_000, memoryBytes: 1_000 };
const health = (change: Partial<Board>, memoryBytes = 0, readers?: ReadonlyMap<string, number>) =>
  healthOf(
    fakeBoard([statusOf(recoUser)], change),
    { now: () => noon, elapsed: () => noon },
    memoryBytes,
    thresholds,
    readers,
  );

describe("deep health", () => {
  it("is ok when the work is done in time", () => {
    const { status, reasons, checks } = health({
      eventToProfileSeconds: () => Float64Array.of(0.1, 0.2),
      lastPollAt: () => noon - 1_000,
    });
    assert.equal(status, "ok");
    assert.deepEqual(reasons, []);
    assert.equal(checks["eventToProfileP99Seconds"], 0.2);
    assert.equal(checks["pollAgeMs"], 1_000);
  });

  it("is tainted, with the reason, by what the incident's health check could not see", () => {
    const slow = Float64Array.from({ length: 1_000 }, (_, at) => (at < 980 ? 0.1 : 31));
    const ahead = Float64Array.of(0.1, -400);
    const cases: readonly (readonly [Partial<Board>, number, RegExp])[] = [
      [{ eventToProfileSeconds: () => slow }, 0, /p99.*31\.0 s, above 30 s/],
      [{ lastPollAt: () => noon - 61_000 }, 0, /nothing was read for 61 s/],
      [{ unsavedSince: () => noon - 61_000 }, 0, /in no checkpoint for 61 s/],
      [{}, 2_000, /memory 2000 bytes, above 1000/],
      [{ eventToProfileSeconds: () => ahead }, 0, /400 s in the future/],
      [{ troubles: () => new Map([["sink.alertmanager", "refused"]]) }, 0, /^sink\.alertmanager: refused$/],
    ];
    for (const [change, memoryBytes, reason] of cases) {
      const { status, reasons } = health(change, memoryBytes);
      assert.equal(status, "tainted", String(reason));
      assert.equal(reasons.length, 1);
      assert.match(reasons[0] ?? "", reason);
    }
  });

  it("is tainted by a reader that Kafka does not answer, dead after two minutes, and says which", () => {
    const ages = (source: number, judge: number) =>
      health({}, 0, new Map(Object.entries({ source: noon - source, judge: noon - judge })));
    assert.equal(ages(29_000, 1_000).status, "ok");
    assert.equal(ages(29_000, 1_000).checks["sourceAgeMs"], 29_000);
    const { status, reasons } = ages(1_000, 31_000);
    assert.deepEqual([status, reasons], ["tainted", ["Kafka has not answered the judge for 31 s"]]);
    assert.equal(ages(518_000, 1_000).status, "dead");
  });

  it("is not tainted by one slow message in a hundred", () => {
    const durations = Float64Array.from({ length: 1_000 }, (_, at) => (at < 995 ? 0.1 : 500));
    assert.equal(health({ eventToProfileSeconds: () => durations }).status, "ok");
  });

  it("is dead before the state is restored, whatever else is wrong", () => {
    const { status, reasons } = health({ ready: () => false }, 2_000);
    assert.equal(status, "dead");
    assert.equal(reasons.length, 2);
  });

  it("is 503 for a balancer when tainted or dead, while liveness stays 200", async (t) => {
    const board = fakeBoard([statusOf(recoUser)]);
    const { url } = await serve(t, board);
    const statuses = async (): Promise<number[]> =>
      Promise.all(["/healthz", "/readyz", "/health"].map(async (path) => (await ask(url, path)).status));
    assert.deepEqual(await statuses(), [200, 200, 200]);
    board.says.troubles = new Map([["store", "disk full"]]);
    assert.deepEqual(await statuses(), [200, 200, 503]);
    board.says.ready = false;
    assert.deepEqual(await statuses(), [200, 503, 503]);
    assert.equal((await ask(url, "/health")).body.status, "dead");
  });
});
