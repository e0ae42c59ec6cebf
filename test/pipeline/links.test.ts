import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rolloutsOf } from "../../src/judge/rollout.ts";
import type { FeatureView } from "../../src/model/feature-view.ts";
import { defaultLimits } from "../../src/model/limits.ts";
import type { Message } from "../../src/model/record.ts";
import type { Alert } from "../../src/model/verdict.ts";
import type { Monitor } from "../../src/pipeline/monitor.ts";
import type { Outcome } from "../../src/pipeline/ports.ts";
import { createMonitor } from "../../src/pipeline/run.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { featureView, fieldSpec } from "../judge/samples.ts";
import { noon } from "./outcomes.ts";

const linked = {
  name: "reco-engine",
  version: "v4",
  gitSha: "3f2a9c1",
  weights: "s3://models/reco/v4",
  fingerprint: undefined,
};
const view = featureView([fieldSpec("age", "float64")], {
  models: [linked],
  source: { topic: "features", format: "auto", eventTime: "event_time", requestId: "request_id" },
});

async function watching(watched: FeatureView): Promise<{
  monitor: Monitor;
  outcomes: Outcome[];
  send(partition: number, row: object, headers?: Record<string, string>, rows?: number): Promise<void>;
  mismatches(): readonly Alert[];
}> {
  const outcomes: Outcome[] = [];
  const monitor = createMonitor({
    views: [{ view: watched, baseline: undefined }],
    route: () => [watched.name],
    limits: defaultLimits,
    sinks: [
      { name: "test", accept: async (some) => void outcomes.push(...some), close: async () => undefined },
    ],
    store: createMemoryStore(),
    clock: { now: () => noon, elapsed: () => 0 },
    idleAfterMs: Number.POSITIVE_INFINITY,
  });
  await monitor.restore();
  const offsets = new Map<number, number>();
  let time = noon;
  return {
    monitor,
    outcomes,
    async send(partition, row, headers = {}, rows = 1) {
      const place = { topic: "features", partition };
      if (!offsets.has(partition)) await monitor.assigned(place);
      const offset = offsets.get(partition) ?? 0;
      offsets.set(partition, offset + 1);
      const many = Array.from({ length: rows }, () => ({
        age: 30,
        event_time: ++time,
        request_id: "882-af",
        ...row,
      }));
      const bytes = new TextEncoder().encode(JSON.stringify(many));
      const message: Message = {
        offset,
        timestamp: noon,
        headers: new Map(Object.entries(headers)),
        body: { kind: "bytes", bytes },
      };
      await monitor.receive(place, [message]);
    },
    mismatches: () => monitor.active().filter(({ alertname }) => alertname === "TidemarkVersionMismatch"),
  };
}

describe("events of another model or view version than linked", () => {
  it("raise TidemarkVersionMismatch at the first, and open the breaker, by header or by column", async () => {
    for (const [row, headers, field, found] of [
      [{ model_git_sha: "deadbee" }, {}, "model_git_sha", "deadbee"],
      [{}, { "x-model-git-sha": "deadbee" }, "model_git_sha", "deadbee"],
      [{}, { "x-model-weights": "s3://models/reco/v3" }, "model_weights", "s3://models/reco/v3"],
      [{ feature_view_version: 3 }, {}, "feature_view_version", "3"],
      [{}, { "x-feature-view-version": "v3" }, "feature_view_version", "v3"],
    ] as const) {
      const { send, mismatches, monitor } = await watching(view);
      await send(0, {}, {}, 20);
      assert.deepEqual(mismatches(), []);
      await send(0, row, headers);
      const [alert, other] = mismatches();
      assert.equal(other, undefined);
      assert.equal(alert?.field, field);
      assert.equal(alert?.severity, "critical");
      assert.equal(alert?.example?.value, found);
      assert.equal(alert?.example?.requestId, "882-af");
      assert.match(
        alert?.summary ?? "",
        new RegExp(`another ${field}: ${found} \\(1 rows on shard features-0\\)`),
      );
      assert.equal(monitor.board.view("reco_user")?.breaker.state, "open");
    }
  });

  it("names three versions with their rows and shards, merged over partitions", async () => {
    const { send, monitor, mismatches } = await watching(view);
    await send(0, { model_git_sha: "3f2a9c1" }, {}, 60);
    await send(1, { model_git_sha: "deadbee" }, {}, 40);
    await send(2, {}, { "x-model-git-sha": "deadbee" }, 30);
    await send(2, {}, { "x-model-git-sha": "0ddba11" }, 20);
    for (const partition of [0, 1, 2]) await monitor.ended({ topic: "features", partition });
    const [alert] = mismatches();
    assert.equal(
      alert?.summary,
      "3 versions of model_git_sha: deadbee (70 rows on 2 shards features-1, features-2), 0ddba11 (20 rows on shard features-2) beside the linked 3f2a9c1 (60 rows)",
    );
    assert.equal(alert.observed, 90 / 150);
    const status = monitor.board.view("reco_user");
    assert(status !== undefined);
    assert.deepEqual(rolloutsOf(view, status.fields), [
      {
        column: "model_git_sha",
        split: true,
        versions: [
          { version: "deadbee", linked: false, rows: 70, shards: ["features-1", "features-2"] },
          { version: "3f2a9c1", linked: true, rows: 60, shards: [] },
          { version: "0ddba11", linked: false, rows: 20, shards: ["features-2"] },
        ],
      },
    ]);
  });

  it("says nothing of what is linked, however it is written, nor of events that say nothing", async () => {
    const { send, mismatches, monitor } = await watching(view);
    await send(0, {}, {}, 5);
    await send(0, { model_git_sha: "3f2a9c1" });
    await send(0, { model_git_sha: "3f2a9c1d0c4b5a69788796a5b4c3d2e1f0011223" });
    await send(0, { feature_view_version: 4, model_weights: "s3://models/reco/v4" });
    await send(0, {}, { "x-feature-view-version": "v4" });
    await send(0, { model_git_sha: null });
    assert.deepEqual(mismatches(), []);
    assert.equal(monitor.board.view("reco_user")?.breaker.state, "closed");
  });

  it("knows several linked models, and leaves a column alone that the spec has rules for", async () => {
    const two = featureView([fieldSpec("age", "float64")], {
      models: [linked, { ...linked, gitSha: "deadbee" }],
      source: view.source,
    });
    const both = await watching(two);
    await both.send(0, { model_git_sha: "deadbee" });
    await both.send(0, { model_git_sha: "3f2a9c1" });
    assert.deepEqual(both.mismatches(), []);
    await both.monitor.ended({ topic: "features", partition: 0 });
    const [rollout] = rolloutsOf(two, both.monitor.board.view("reco_user")?.fields ?? new Map());
    assert.equal(
      rollout?.split,
      true,
      "two models that are linked are no mismatch, and a split all the same",
    );
    const own = featureView([fieldSpec("model_git_sha", "string")], {
      models: [linked],
      source: view.source,
    });
    const ruled = await watching(own);
    await ruled.send(0, { model_git_sha: "deadbee" });
    assert.deepEqual(ruled.mismatches(), []);
    const unlinked = await watching(featureView([fieldSpec("age", "float64")], { source: view.source }));
    await unlinked.send(0, { model_git_sha: "deadbee" });
    assert.deepEqual(unlinked.mismatches(), []);
  });
});
